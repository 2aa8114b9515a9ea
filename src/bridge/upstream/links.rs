//! The connections of all game servers that are wanted, which one thread looks after.
//!
//! This file hides whose turn it is: an agenda says when each is to be looked at, and the gate who may
//! log in.

use super::dialer::{Dialed, Dialer};
use super::distrusted::Distrusted;
use super::entry::{Entry, State, complete};
use super::gate::Gate;
use super::link::{Link, Report};
use super::verdict::{self, AWAY, REFUSES, Verdict, Whom};
use super::voice::Voice;
use crate::base::backoff::spread;
use crate::base::io_error::unreached;
use crate::base::random::RANDOM;
use crate::bridge::desk::{Outcome, Wanted};
use crate::bridge::hall::{Counter, Hall};
use crate::game_server::TrackerAddress;
use crate::game_server::session::{Credential, Ending, News, Session};
use crate::protocol::fields::Infos;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The shortest sleep while logins are under way.
const BUSY_NAP: Duration = Duration::from_millis(1);

/// The shortest sleep while none is: what is due meanwhile waits. Each time the thread wakes up costs some
/// microseconds.
const NAP: Duration = Duration::from_millis(10);

/// The longest sleep: there is nothing to do before something is wanted.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// How soon a game server is tried again that was refused for a reason of its own, if nothing says when.
const RETRY: Duration = Duration::from_secs(5);

/// How often to look whether another login has left the address of a game server.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// Who logs in at the start, to be listed nowhere: whether the tracker is there, and takes the password, is
/// known before the first game server comes.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// All of them.
pub(super) struct Links {
    hall: Hall,
    credential: Arc<Credential>,
    dialer: Dialer,
    dialed: Receiver<Dialed>,
    entries: BTreeMap<SocketAddr, Entry>,
    agenda: BTreeSet<(Instant, SocketAddr)>,
    /// Who waits before the gate, by their tickets.
    queue: BTreeMap<u64, SocketAddr>,
    last_ticket: u64,
    gate: Gate,
    distrusted: Distrusted,
    /// How often the tracker's list was lost and found.
    turns: u64,
    /// Where the tracker sees this bridge.
    here: Option<IpAddr>,
    voice: Voice,
    logins: Counter,
    losses: Counter,
    refusals: Counter,
}

impl Links {
    /// Nobody's yet; made by the thread that is to run it.
    pub(super) fn new(hall: Hall, tracker: TrackerAddress, credential: Arc<Credential>) -> Self {
        let (done, dialed) = channel();
        let counter = |name| hall.counters.of(name);
        Self {
            logins: counter("tracker-logins"),
            losses: counter("tracker-losses"),
            refusals: counter("tracker-refusals"),
            credential,
            voice: Voice::new(hall.log.clone(), tracker.to_string()),
            dialer: Dialer::new(tracker, done, std::thread::current()),
            dialed,
            entries: BTreeMap::new(),
            agenda: BTreeSet::new(),
            queue: BTreeMap::new(),
            last_ticket: 0,
            gate: Gate::default(),
            distrusted: Distrusted::default(),
            turns: 0,
            here: None,
            hall,
        }
    }

    /// Looks after them for ever.
    pub(super) fn run(mut self) -> ! {
        let desk = Arc::clone(&self.hall.desk);
        desk.set_clerk(std::thread::current());
        // After a panic nothing is left of those that were there before.
        desk.take_changes();
        self.entries.insert(NOBODY, Entry::new(Infos::default()));
        self.enqueue(NOBODY);
        for (address, wanted) in desk.wanted() {
            desk.set_outcome(address, None);
            self.want(address, Some(wanted), Instant::now());
        }
        loop {
            for (address, wanted) in desk.take_changes() {
                self.want(address, wanted, Instant::now());
            }
            while let Ok((address, dialed)) = self.dialed.try_recv() {
                self.on_dialed(address, dialed, Instant::now());
            }
            if std::mem::replace(&mut self.turns, desk.turns()) != self.turns {
                self.gate.hurry();
                self.distrusted.hurry(Instant::now());
            }
            self.do_what_is_due(Instant::now());
            self.admit(Instant::now());
            let is_any_waiting = self.queue.len() + self.distrusted.len() > 0;
            if !is_any_waiting && !self.gate.is_busy() {
                self.voice.say_back(Instant::now());
            }
            std::thread::park_timeout(self.pause(Instant::now()));
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        let gate = self.gate.next().filter(|_| !self.queue.is_empty());
        let next = self.agenda.first().map(|(due, _)| *due);
        let next = next
            .into_iter()
            .chain(gate)
            .chain(self.distrusted.next())
            .min();
        let left = next.map_or(FOR_EVER, |next| next.saturating_duration_since(now));
        left.max(match self.gate.is_busy() {
            true => BUSY_NAP,
            false => NAP,
        })
    }

    /// A door wants this game server listed, as something else, or not any more.
    fn want(&mut self, address: SocketAddr, wanted: Option<Wanted>, now: Instant) {
        let wanted = match wanted.map(|wanted| complete(address, wanted.infos)) {
            Some(Ok(infos)) => Some(infos),
            Some(Err(why)) => {
                self.refused(address, &why, "");
                None
            }
            None => None,
        };
        let Some(entry) = self.entries.get_mut(&address) else {
            if let Some(infos) = wanted {
                self.entries.insert(address, Entry::new(infos));
                self.enqueue(address);
            }
            return;
        };
        let was_wanted = entry.wanted.is_some();
        entry.wanted = wanted;
        match (&mut entry.state, &entry.wanted) {
            // Its session takes it in when it is over, if it is leaving.
            (State::Linked(link, _), Some(infos)) if was_wanted => {
                let infos = infos.clone();
                let report = link.act(now, |session, out| session.on_change(infos, now, out));
                self.after(address, report, now);
            }
            (State::Linked(link, _), None) if was_wanted => {
                let report = link.act(now, |session, out| session.on_stop(now, out));
                self.after(address, report, now);
            }
            // Whoever dials for it finds that it is not wanted.
            (State::Queued(_) | State::Resting | State::Taken(_), None) => self.remove(address),
            // It has changed: perhaps it is wanted now.
            (State::Resting, Some(_)) if !self.distrusted.contains(address) => {
                self.enqueue(address);
            }
            _ => {}
        }
    }

    /// Puts an entry into the queue before the gate.
    fn enqueue(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        self.distrusted.remove(address);
        if let Some(entry) = self.entries.get_mut(&address) {
            self.last_ticket += 1;
            entry.state = State::Queued(self.last_ticket);
            self.queue.insert(self.last_ticket, address);
        }
    }

    fn remove(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        self.distrusted.remove(address);
        let entry = self.entries.remove(&address);
        if let Some(State::Queued(ticket)) = entry.map(|entry| entry.state) {
            self.queue.remove(&ticket);
        }
    }

    fn set_due(&mut self, address: SocketAddr, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.due, due) {
            self.agenda.remove(&(old, address));
        }
        if let Some(due) = due {
            self.agenda.insert((due, address));
        }
    }

    /// Lets in whom the gate lets in.
    fn admit(&mut self, now: Instant) {
        while !self.queue.is_empty() && self.may_be_more() && self.gate.admit(now) {
            let first = self.queue.pop_first().map(|(_, address)| address);
            let entry = first.and_then(|address| Some((address, self.entries.get_mut(&address)?)));
            match entry {
                None => self.gate.drop_one(),
                Some((address, entry)) => {
                    entry.state = State::Dialing;
                    self.dialer.start(address);
                }
            }
        }
    }

    /// A tracker takes only few logins at the same time from whom it does not trust.
    fn may_be_more(&self) -> bool {
        self.distrusted.len() == 0 || !self.gate.is_busy()
    }

    fn on_dialed(&mut self, address: SocketAddr, dialed: io::Result<TcpStream>, now: Instant) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return self.gate.drop_one();
        };
        let stream = match (dialed, &entry.wanted) {
            (_, None) => {
                self.gate.drop_one();
                return self.remove(address);
            }
            (Err(error), _) => {
                let (event, advice) = verdict::on_no_connection(&error);
                self.keep_out(event, &unreached(&error), advice, None, now);
                return self.enqueue(address);
            }
            (Ok(stream), Some(_)) => stream,
        };
        self.here = stream.local_addr().ok().map(|at| at.ip());
        let wanted = entry.wanted.clone().unwrap_or_default();
        let avoided = std::mem::take(&mut entry.avoided);
        let credential = Arc::clone(&self.credential);
        let (link, report) = Link::new(stream, now, |out| {
            Session::new(credential, wanted, avoided, now, out)
        });
        entry.state = State::Linked(Box::new(link), true);
        self.after(address, report, now);
    }

    fn do_what_is_due(&mut self, now: Instant) {
        if let Some(address) = self.distrusted.take_one(now) {
            self.enqueue(address);
        }
        while let Some(&(due, address)) = self.agenda.first() {
            if due > now {
                return;
            }
            let entry = self.entries.get_mut(&address);
            match entry.map(|entry| &mut entry.state) {
                Some(State::Linked(link, _)) => {
                    let report = link.look(now);
                    self.after(address, report, now);
                }
                Some(State::Taken(until)) => {
                    let is_over = now >= *until;
                    match is_over || self.is_free(address) {
                        true => self.enqueue(address),
                        false => self.set_due(address, Some(now + LOOK_AGAIN)),
                    }
                }
                Some(State::Resting) => self.enqueue(address),
                _ => drop(self.agenda.pop_first()),
            }
        }
    }

    /// True if the tracker is known to list nobody at this address.
    fn is_free(&self, address: SocketAddr) -> bool {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        self.hall.desk.is_on_list(address) == Some(false)
    }

    /// Takes in what became known on the connection of this game server.
    fn after(&mut self, address: SocketAddr, report: Report, now: Instant) {
        for news in report.news {
            match news {
                News::Welcome => self.welcome(address),
                News::Listed(_) => self.listed(address),
                News::Checking(_) => {
                    let verdict = verdict::of_check(self.here);
                    let why = "it wants the UDP port to answer, which no game does";
                    return self.close(address, REFUSES, &verdict, why, now);
                }
                News::NotTaken(fields, refusal) => {
                    let (at, why) = (address, refusal);
                    let fields: [(_, &dyn Display); 3] =
                        [("server", &at), ("fields", &fields), ("why", &why)];
                    self.hall.log.debug("not-taken", &fields);
                }
                News::Checked | News::Unchecked => {}
            }
        }
        match report.ending {
            Some(ending) => self.ended(address, ending, now),
            None => {
                let entry = self.entries.get(&address);
                if let Some(State::Linked(link, _)) = entry.map(|entry| &entry.state) {
                    let due = link.next_look().max(now + BUSY_NAP);
                    self.set_due(address, Some(due));
                }
            }
        }
    }

    /// The tracker takes the login of nobody, who leaves.
    fn welcome(&mut self, address: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&address)
            && let State::Linked(_, is_counted) = &mut entry.state
        {
            *is_counted = false;
            entry.wanted = None;
            // Whether it lists anybody is still to be seen.
            self.gate.drop_one();
            self.voice.say_ok(match self.credential.is_key() {
                false => "it takes the password",
                true => "whether it takes the key is known when the first game server logs in",
            });
        }
    }

    fn listed(&mut self, address: SocketAddr) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        if let State::Linked(_, is_counted) = &mut entry.state
            && std::mem::take(is_counted)
        {
            let was_distrusted = std::mem::take(&mut entry.is_distrusted);
            let fields: [(_, &dyn Display); 1] = [("server", &address)];
            match std::mem::take(&mut entry.is_said) {
                true => self.hall.log.info("listed", &fields),
                false => self.hall.log.debug("listed", &fields),
            }
            self.gate.pass();
            self.logins.add_one();
            self.hall.desk.set_outcome(address, Some(Outcome::Listed));
            if was_distrusted {
                let all = self.distrusted.take_all();
                all.into_iter().for_each(|address| self.enqueue(address));
            }
        }
    }

    fn ended(&mut self, address: SocketAddr, ending: Ending, now: Instant) {
        match ending {
            Ending::Refused(refusal) => {
                self.refusals.add_one();
                let verdict = verdict::of(&refusal, self.here);
                self.close(address, REFUSES, &verdict, &refusal.to_string(), now);
            }
            Ending::Lost(why) => {
                self.losses.add_one();
                let was_listed = self.was_listed(address);
                if was_listed {
                    self.voice.say_away(AWAY, &why, "", 1, Duration::ZERO, now);
                }
                self.close(address, AWAY, &verdict::of_loss(was_listed), &why, now);
            }
            Ending::Left | Ending::LogInAgain => {
                self.close(address, "", &verdict::of_end(), "", now);
            }
        }
    }

    fn was_listed(&self, address: SocketAddr) -> bool {
        let entry = self.entries.get(&address);
        let state = entry.map(|entry| &entry.state);
        matches!(state, Some(State::Linked(link, _)) if link.is_listed())
    }

    /// Ends the connection of this game server, as `event`. It is tried again, if it is still wanted.
    fn close(
        &mut self,
        address: SocketAddr,
        event: &str,
        verdict: &Verdict,
        why: &str,
        now: Instant,
    ) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        let is_wanted = entry.wanted.is_some();
        let old = std::mem::replace(&mut entry.state, State::Resting);
        let mut is_counted = false;
        if let State::Linked(link, counted) = old {
            is_counted = counted;
            entry.avoided = link.into_session().into_avoided();
        }
        let (advice, wait) = (&verdict.advice, verdict.wait);
        match (verdict.whom, is_counted) {
            (Whom::All, true) => self.keep_out(event, why, advice, wait, now),
            (_, true) if is_wanted => self.gate.pass(),
            (_, true) => self.gate.drop_one(),
            (_, false) => {}
        }
        if !is_wanted {
            return self.remove(address);
        }
        let refused = || Some(Outcome::Refused(why.to_owned()));
        let desk = Arc::clone(&self.hall.desk);
        match verdict.whom {
            Whom::All => {
                desk.set_outcome(address, refused());
                self.enqueue(address);
            }
            Whom::Distrusted => {
                desk.set_outcome(address, refused());
                self.hall
                    .log
                    .debug("not-listed", &[("server", &address), ("why", &why)]);
                self.distrust(address, advice, now);
            }
            Whom::One | Whom::Rival if wait == Some(Duration::ZERO) => {
                desk.set_outcome(address, None);
                self.enqueue(address);
            }
            whom => {
                self.refused(address, why, advice);
                let wait = spread(wait.unwrap_or(RETRY), 1.0..1.25, RANDOM.chance());
                self.rest(address, whom, now + wait, now);
            }
        }
    }

    /// A game server is tried again then; before that, once its address is free.
    fn rest(&mut self, address: SocketAddr, whom: Whom, until: Instant, now: Instant) {
        let due = match (whom, self.entries.get_mut(&address)) {
            (Whom::Rival, Some(entry)) => {
                entry.state = State::Taken(until);
                until.min(now + LOOK_AGAIN)
            }
            _ => until,
        };
        self.set_due(address, Some(due));
    }

    /// The tracker lacks trust in the bridge, and does not list this game server.
    fn distrust(&mut self, address: SocketAddr, advice: &str, now: Instant) {
        self.set_due(address, None);
        self.distrusted.add(address, now);
        if let Some(entry) = self.entries.get_mut(&address) {
            entry.is_distrusted = true;
        }
        let next = self.distrusted.next().unwrap_or(now);
        let wait = next.saturating_duration_since(now);
        let why = "it does not take this bridge's word for where game servers are";
        let waiting = self.distrusted.len();
        self.voice
            .say_away(REFUSES, why, advice, waiting, wait, now);
    }

    /// Something keeps everybody out.
    fn keep_out(
        &mut self,
        event: &str,
        why: &str,
        advice: &str,
        least: Option<Duration>,
        now: Instant,
    ) {
        if let Some(wait) = self.gate.fail(least, now, RANDOM.chance()) {
            // The one that has failed is not in the queue yet.
            let nobody = usize::from(self.entries.contains_key(&NOBODY));
            let waiting = (self.queue.len() + self.distrusted.len() + 1).saturating_sub(nobody);
            self.voice.say_away(event, why, advice, waiting, wait, now);
        }
    }

    /// A game server is not listed, for a reason of its own.
    fn refused(&mut self, address: SocketAddr, why: &str, advice: &str) {
        let desk = &self.hall.desk;
        let outcome = Some(Outcome::Refused(why.to_owned()));
        if desk.outcome(address) != outcome {
            let mut fields: Vec<(&str, &dyn Display)> = vec![("server", &address), ("why", &why)];
            if !advice.is_empty() {
                fields.push(("advice", &advice));
            }
            self.hall.log.info("not-listed", &fields);
            desk.set_outcome(address, outcome);
            if let Some(entry) = self.entries.get_mut(&address) {
                entry.is_said = true;
            }
        }
    }
}
