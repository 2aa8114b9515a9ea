//! Checks one tracker after the other, and prints what comes out.
//!
//! This file hides the order of the steps, and which of them would harm a game server that runs.

use super::game::{self, Game};
use super::listing::{self, Listing};
use super::lists::{Lists, Player};
use super::login::{of_challenge, of_listed_already, of_loss, of_refusal};
use super::place::Place;
use super::reached::{Datagram, of_datagram, of_ping};
use super::sight::{Failure, Sight, look};
use crate::base::io_error::unreached;
use crate::game_server::announce::{AnnounceError, Options};
use crate::game_server::pong::PongPort;
use crate::game_server::session::{Credential, Situation, fields};
use crate::game_server::tracker_address::{TRACKER_PORT, TrackerAddress};
use crate::protocol::fields::Infos;
use crate::reach::check::{ANSWER_TIME, Report, Step, at_each, find, of_ports};
use crate::reach::connect;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long all lists may take to show the game server, and then to be without it. Trackers that share a
/// list do so within 150 ms.
const CHANGE_TIME: Duration = Duration::from_secs(2);

/// The time from one look at the lists to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Goes through what `announce` does with these options, and prints to standard output what goes well and
/// what does not, with what to do. True if all is well. Players ask `client_port`; if it is `None`, that is
/// assumed. It takes a minute for a tracker at the most.
///
/// # Errors
/// [`AnnounceError`] for options with which nothing can be announced, and when the system has no thread left.
pub fn check(
    options: &Options,
    client_port: Option<u16>,
    player: Player,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<bool, AnnounceError> {
    let credential = Arc::new(options.credential()?);
    let mut report = Report::new(io::stdout(), environment);
    report.title(concat!(
        "The game server (gltracker ",
        env!("CARGO_PKG_VERSION"),
        "):"
    ));
    let (steps, game) = game::ask(options).map_err(AnnounceError::Thread)?;
    for step in steps {
        report.step(step);
    }
    let situation = fields::situation(&game.infos, options.pong.is_some());
    let mut check = Check {
        options,
        client_port,
        player,
        credential,
        game,
        situation,
        report,
        is_whole: true,
        is_running: false,
    };
    for tracker in &options.trackers {
        check.tracker(tracker);
    }
    Ok(check.report.end(match check.is_whole {
        true => "All is well: players find it.",
        false => "What was tried is well. What was not, and why, is said above.",
    }))
}

struct Check<'a, W> {
    options: &'a Options,
    client_port: Option<u16>,
    player: Player,
    credential: Arc<Credential>,
    game: Game,
    situation: Situation,
    report: Report<W>,
    /// Nothing was left out so far.
    is_whole: bool,
    /// A tracker lists it already.
    is_running: bool,
}

/// What would follow is not tried: why, was said.
struct Over;

impl<W: Write> Check<'_, W> {
    fn tracker(&mut self, tracker: &TrackerAddress) {
        self.report.title(&format!("{tracker}:"));
        let (step, addresses) = find(tracker);
        if !self.report.step(step) {
            return;
        }
        // What stops it has been said.
        self.is_whole &= self.reach(tracker, &addresses).is_ok();
    }

    /// Goes as far as it can with these addresses of a tracker.
    fn reach(&mut self, tracker: &TrackerAddress, all: &[SocketAddr]) -> Result<(), Over> {
        let open = self.open_ports(all)?;
        let lists = self.lists(tracker.port(), all, open[0])?;
        let (via, sight) = self.log_in(&open)?;
        let infos = &self.game.infos;
        let place = Place {
            local: sight.local,
            seen: sight.seen,
            named: infos.get("ip").and_then(|ip| ip.parse().ok()),
            port: infos.number("port").unwrap_or_default(),
            is_chosen: tracker.family().is_some() || !tracker.has_name(),
        };
        self.say(place.steps());
        self.list(via, place, &lists)
    }

    /// Tries the port for game servers of all addresses; those that accept, one at least.
    fn open_ports(&mut self, all: &[SocketAddr]) -> Result<Vec<SocketAddr>, Over> {
        let tried = at_each(all, |address| match connect(address, ANSWER_TIME) {
            Ok(_) => Ok("it is open".to_owned()),
            Err(error) => Err(unreached(&error)),
        });
        let here = match all.iter().all(|address| address.ip().is_loopback()) {
            true => " If it is not on this machine, name it: HOST.",
            false => "",
        };
        let advice = format!(
            "Does the tracker run, and is this its port for game servers ({TRACKER_PORT}, unless its \
             operator says otherwise)?{here} If all that is right, a firewall is in between: its own, or \
             one of your network."
        );
        self.say(of_ports(&tried, "game servers", &advice));
        let open = tried.into_iter().filter(|(_, tried)| tried.is_ok());
        let open: Vec<SocketAddr> = open.map(|(address, _)| address).collect();
        match open.is_empty() {
            true => Err(Over),
            false => Ok(open),
        }
    }

    /// Asks the port for players of all addresses. If there is no list, `named` may be that port itself.
    fn lists(&mut self, port: u16, all: &[SocketAddr], named: SocketAddr) -> Result<Lists, Over> {
        let (port, role, advice) = self.port_of_players(port);
        let asked = all
            .iter()
            .map(|address| SocketAddr::new(address.ip(), port));
        let asked: Vec<SocketAddr> = asked.collect();
        let lists = Lists::ask(self.player, &asked);
        if !lists.is_any() && (self.player.list)(named).is_ok() {
            self.say([Step::wrong(
                format!("Port {} is the one for players: it sends the list.", named.port()),
                format!(
                    "Game servers log in at another: {TRACKER_PORT}, unless the tracker's operator says \
                     otherwise."
                ),
            )]);
            return Err(Over);
        }
        self.say(of_ports(&lists.in_words(), role, &advice));
        Ok(lists.that_came())
    }

    /// The port for players of a tracker with this port for game servers, for whom it is, and what to do
    /// if it is not.
    fn port_of_players(&self, port: u16) -> (u16, &'static str, String) {
        let usual = TRACKER_PORT + 1;
        let tell = "they cannot ask it either: tell its operator.";
        match (self.client_port, port) {
            (Some(said), _) => (
                said,
                "players",
                format!("Is that its port for players (--check=PORT)? If so, {tell}"),
            ),
            (None, TRACKER_PORT) => (
                usual,
                "players",
                format!(
                    "That is the usual port. If the tracker has another one for players, name it: \
                     --check=PORT. If not, {tell}"
                ),
            ),
            (None, port) => (
                port.checked_add(1).unwrap_or(usual),
                "players (assumed: the next one)",
                format!(
                    "Name the port for players if it is not the one after {port}: --check=PORT."
                ),
            ),
        }
    }

    /// Logs in without being listed, at the first of these addresses that answers.
    fn log_in(&mut self, addresses: &[SocketAddr]) -> Result<(SocketAddr, Sight), Over> {
        let mut why = String::new();
        let until = Instant::now() + ANSWER_TIME;
        for &address in addresses {
            if !why.is_empty() && Instant::now() > until {
                break;
            }
            let port = self.game.infos.number("port").unwrap_or_default();
            match look(address, &self.credential, port) {
                Ok(sight) => {
                    self.say([of_challenge(&self.credential)]);
                    return Ok((address, sight));
                }
                Err(Failure::Refused(refusal)) => {
                    self.say([of_refusal(&refusal, self.situation)]);
                    return Err(Over);
                }
                Err(Failure::Lost(lost)) => why = lost,
            }
        }
        self.say([of_loss(&why)]);
        Err(Over)
    }

    /// Has it listed for a moment, unless that would harm one that runs.
    fn list(&mut self, via: SocketAddr, place: Place, before: &Lists) -> Result<(), Over> {
        let is_assumed = self.client_port.is_none() && via.port() != TRACKER_PORT;
        if let Some((entry, infos)) = before.entry(|entry| place.may_be(entry)) {
            let is_known = place.listed().is_some();
            self.is_running |= is_known;
            self.say([of_listed_already(is_known, &entry.to_string())]);
            let infos = infos.clone();
            return self.look_at_listed(entry, &infos, is_known && place.is_elsewhere(), before);
        }
        // The list of an assumed port may be that of another tracker.
        if !before.is_any() || is_assumed {
            let found = "It is not listed for a moment: without the list nobody can tell whether it is \
                         there already, and a second login would take its place.";
            let advice = match is_assumed {
                true => "Name the port for players, and it is tried: --check=PORT.",
                false => "",
            };
            self.say([Step::aside(found, advice)]);
            return Err(Over);
        }
        if self.game.is_silent {
            let found = "It is not listed for a moment, as the game does not answer.";
            self.say([Step::aside(found, "")]);
            return Err(Over);
        }
        self.list_now(via, place, before)
    }

    /// Looks at the entry of one that runs, which somebody else announces.
    fn look_at_listed(
        &mut self,
        entry: SocketAddr,
        infos: &Infos,
        is_elsewhere: bool,
        lists: &Lists,
    ) -> Result<(), Over> {
        let situation = Situation {
            // The tracker has filled in that of the list.
            names_ip: self.situation.names_ip,
            ..fields::situation(infos, self.situation.answers)
        };
        let datagram = match infos.get("checked") {
            Some(_) => Datagram::Answered,
            None => Datagram::Unknown,
        };
        self.say(lists.steps(entry, self.player));
        let mean = (self.player.ping)(entry, infos);
        let excuse = excuse(infos, situation, false);
        self.say_what_reaches_it(datagram, mean, entry, !is_elsewhere, situation, excuse);
        Ok(())
    }

    fn list_now(&mut self, via: SocketAddr, place: Place, before: &Lists) -> Result<(), Over> {
        let (pong, situation) = self.bind(place)?;
        let (credential, infos) = ((*self.credential).clone(), self.game.infos.clone());
        let listing = Listing::start(via, credential, infos, pong).map_err(|why| of_loss(&why));
        let entered = listing.and_then(|listing| {
            let entry = listing.wait_for_entry(situation)?;
            Ok((listing, entry))
        });
        let (mut listing, (entry, datagram)) = entered.map_err(|step| {
            self.say([step]);
            Over
        })?;
        let key = match self.credential.is_key() {
            true => "The key is right: the",
            false => "The",
        };
        self.say([Step::well(format!(
            "{key} tracker has listed it as {entry}."
        ))]);
        let is_shown = |lists: &Lists| lists.all_have(entry);
        let lists = self.look_until(before, is_shown);
        listing.leave();
        self.say(lists.steps(entry, self.player));
        let is_there = |lists: &Lists| lists.entry(|at| at == entry).is_some();
        let is_gone = |lists: &Lists| !is_there(lists) && lists.failure().is_none();
        let after = self.look_until(before, is_gone);
        let advice = "A tracker takes it off by itself when the connection behind it is gone.";
        self.say([match after.failure() {
            _ if is_there(&after) => Step::wrong(
                format!("{entry} is still on the list."),
                format!("Has somebody else announced it just now? {advice}"),
            ),
            Some((asked, why)) => Step::wrong(
                format!("Whether it has left the list of {asked} cannot be seen: {why}."),
                advice,
            ),
            None => Step::well("It has left the list again."),
        }]);
        let is_other = |at: SocketAddr| at.ip() == entry.ip() && at != entry;
        let datagram = match datagram {
            Datagram::Lost if before.entry(is_other).is_some() => Datagram::Awaited,
            datagram => datagram,
        };
        let infos = &self.game.infos;
        let mean = (self.player.ping)(entry, infos);
        let excuse = excuse(infos, situation, !self.options.program.is_empty());
        let is_near = !place.is_elsewhere();
        self.say_what_reaches_it(datagram, mean, entry, is_near, situation, excuse);
        Ok(())
    }

    /// Takes the UDP port for --pong, unless an announcer has it that runs.
    fn bind(&mut self, place: Place) -> Result<(Option<PongPort>, Situation), Over> {
        let Some(to) = self.options.pong else {
            return Ok((None, self.situation));
        };
        match listing::bind(to, place.listed(), self.situation.udp_port) {
            Ok(port) => Ok((Some(port), self.situation)),
            Err(_) if self.is_running => {
                let found = "The announce that runs answers datagrams, so that nobody here does.";
                self.say([Step::aside(found, "")]);
                let situation = Situation {
                    answers: false,
                    ..self.situation
                };
                Ok((None, situation))
            }
            Err(error) => {
                self.say([Step::wrong(
                    format!("{error}."),
                    "Perhaps an announce that runs already has the port. Until that is mended, announce \
                     does not start, and the rest is not tried.",
                )]);
                Err(Over)
            }
        }
    }

    /// Asks those that have sent a list again, until this is true or the time is over.
    fn look_until(&self, before: &Lists, is_it: impl Fn(&Lists) -> bool) -> Lists {
        let until = Instant::now() + CHANGE_TIME;
        loop {
            let lists = Lists::ask(self.player, &before.asked());
            if is_it(&lists) || Instant::now() >= until {
                return lists;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// All is whole only if something has reached it.
    fn say_what_reaches_it(
        &mut self,
        datagram: Datagram,
        mean: Option<Duration>,
        entry: SocketAddr,
        is_near: bool,
        situation: Situation,
        excuse: Option<&'static str>,
    ) {
        self.is_whole &= datagram == Datagram::Answered || is_near && mean.is_some();
        self.say([
            of_datagram(datagram, entry, situation),
            of_ping(mean, entry, is_near, situation, excuse),
        ]);
    }

    fn say(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            self.report.step(step);
        }
    }
}

/// Why nobody answers a ping, if that is no fault; `is_not_started` if the game is a program of `announce`.
fn excuse(infos: &Infos, situation: Situation, is_not_started: bool) -> Option<&'static str> {
    match () {
        () if situation.answers => None,
        () if is_not_started => Some(
            "That is no wonder if the program behind -- is the game: start it by itself, and check then.",
        ),
        () if infos.may_not_know_ping() => Some(
            "That need not be wrong: existing games do not know PING, and players see them without one. \
             Where others can join it, it is well.",
        ),
        () => None,
    }
}
