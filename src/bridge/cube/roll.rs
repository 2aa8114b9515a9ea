//! The game servers that have registered: when each is asked, told and given up. Pure.
//!
//! A registration is a promise to answer by UDP. Who answers is listed, and asked again for as long as
//! he does; who falls silent is off the list, and asked now and then, so that he comes back by himself.

use super::dialect::{Dialect, Registration};
use super::pong;
use crate::base::backoff::spread;
use crate::bridge::desk::Outcome;
use crate::bridge::hall::address::host;
use crate::query::Status;
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Between an answer and the next question, and between two questions to one that is off the list.
const REST: Duration = Duration::from_secs(30);

/// Between two questions to one that is listed and does not answer, and how many there are.
const LISTED: (Duration, u32) = (Duration::from_secs(5), 3);

/// The same for one that has just registered, as its own masters do it.
const NEW: (Duration, u32) = (Duration::from_secs(3), 5);

/// How long one is asked that neither answers nor registers again. Games register every hour.
const MEMORY: Duration = Duration::from_secs(65 * 60);

/// How long the tracker has, until the operator of a game server is told that it is slow.
const TRACKER: Duration = Duration::from_secs(5);

/// The most game servers in all, as the games' own masters have it, and of one host.
const MOST: (usize, usize) = (4096, 10);

/// The lowest port that is asked. What listens below is no game.
const LOWEST_PORT: u16 = 1024;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ask this address, which is one above that of the game.
    Ask(SocketAddr),
    /// Have a game server listed, or say what it is now.
    List(SocketAddr, Dialect, Box<Status>),
    /// Take a game server off the list.
    Unlist(SocketAddr, &'static str),
    /// Send this on a connection, if it is still there.
    Tell(u64, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Listed,
    Away,
}

#[derive(Debug)]
struct Entry {
    dialect: Dialect,
    said: Registration,
    /// Where its operator reads.
    connection: Option<u64>,
    state: State,
    /// Questions since the last answer.
    asked: u32,
    ask_at: Instant,
    answered: Instant,
    forget_at: Instant,
    /// What its operator has not been told yet: what became of the registration.
    owes: bool,
    told: String,
}

/// All who have registered.
#[derive(Debug, Default)]
pub struct Roll {
    entries: BTreeMap<SocketAddr, Entry>,
}

impl Roll {
    /// Takes a registration that came from `peer` on a connection.
    ///
    /// # Errors
    /// Why it is refused, for the operator of the game server.
    pub fn register(
        &mut self,
        peer: IpAddr,
        dialect: Dialect,
        said: Registration,
        connection: u64,
        now: Instant,
    ) -> Result<SocketAddr, String> {
        let address = SocketAddr::new(peer, port_of(&said)?);
        let is_peer = |ip: &String| ip.parse().is_ok_and(|ip: IpAddr| ip.to_canonical() == peer);
        if let Some(other) = said.address.as_ref().filter(|ip| !is_peer(ip)) {
            return Err(format!(
                "server IP '{other}' does not match origin '{peer}', server will not be listed; serve on \
                 the address from which you connect, or on all"
            ));
        }
        self.make_room(address)?;
        let entry = self.enter(address, dialect, now);
        entry.dialect = dialect;
        entry.said = said;
        entry.connection = Some(connection);
        entry.owes = true;
        entry.told.clear();
        Ok(address)
    }

    /// Enters one that an earlier run has listed, if there is room.
    pub fn remember(&mut self, address: SocketAddr, dialect: Dialect, now: Instant) {
        if self.make_room(address).is_ok() {
            self.enter(address, dialect, now);
        }
    }

    /// An entry that is asked now.
    fn enter(&mut self, address: SocketAddr, dialect: Dialect, now: Instant) -> &mut Entry {
        let entry = self.entries.entry(address).or_insert_with(|| Entry {
            dialect,
            said: Registration::default(),
            connection: None,
            state: State::New,
            asked: 0,
            ask_at: now,
            answered: now,
            forget_at: now,
            owes: false,
            told: String::new(),
        });
        if entry.state == State::Away {
            entry.state = State::New;
        }
        entry.asked = 0;
        entry.ask_at = now;
        entry.forget_at = now + MEMORY;
        entry
    }

    /// Makes room for a newcomer, at the cost of one that is not listed.
    fn make_room(&mut self, address: SocketAddr) -> Result<(), String> {
        if self.entries.contains_key(&address) {
            return Ok(());
        }
        let of_host = |other: &SocketAddr| host(other.ip()) == host(address.ip());
        let count = self.entries.keys().filter(|other| of_host(other)).count();
        let (most, most_of_host) = MOST;
        let victim = |is_one: &dyn Fn(&SocketAddr) -> bool| {
            let all = self.entries.iter();
            let all = all.filter(|(other, entry)| entry.state != State::Listed && is_one(other));
            let oldest = all.min_by_key(|(_, entry)| (entry.state == State::New, entry.forget_at));
            oldest.map(|(other, _)| *other)
        };
        let (victim, why) = match () {
            () if count >= most_of_host => (
                victim(&of_host),
                format!(
                    "too many servers on ip {}: {count} are listed",
                    address.ip()
                ),
            ),
            () if self.entries.len() >= most => (
                victim(&|_| true),
                format!("too many servers: {most} are listed"),
            ),
            () => return Ok(()),
        };
        let victim = victim.ok_or(why)?;
        self.entries.remove(&victim);
        Ok(())
    }

    /// A connection was closed by its peer. A server of Red Eclipse is listed only while it is open; others
    /// are asked whether they are still there.
    pub fn on_hang_up(&mut self, connection: u64, now: Instant, out: &mut Vec<Act>) {
        self.entries.retain(|address, entry| {
            if entry.connection != Some(connection) {
                return true;
            }
            entry.connection = None;
            if entry.asked == 0 {
                entry.ask_at = now;
            }
            let is_over = entry.dialect == Dialect::RedEclipse;
            if is_over && entry.state == State::Listed {
                out.push(Act::Unlist(*address, "it has closed its connection"));
            }
            !is_over
        });
    }

    /// Takes a datagram. Any is a sign of life that comes from where a question went.
    pub fn on_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        chance: f64,
        out: &mut Vec<Act>,
    ) -> bool {
        let address = from
            .port()
            .checked_sub(1)
            .map(|port| (from.ip(), port).into());
        let Some((address, entry)) = address
            .and_then(|address| Some((address, self.entries.get_mut(&address)?)))
            .filter(|(_, entry)| entry.asked > 0)
        else {
            return false;
        };
        entry.state = State::Listed;
        entry.asked = 0;
        entry.answered = now;
        entry.ask_at = now + spread(REST, 0.9..1.1, chance);
        entry.forget_at = now + MEMORY;
        let mut status = pong::read(entry.dialect, datagram).unwrap_or_default();
        status.name = status.name.or(entry.said.description.clone());
        status.version = status.version.or(entry.said.version.clone());
        out.push(Act::List(address, entry.dialect, Box::new(status)));
        true
    }

    /// Does what is due. `outcome` says what the tracker has made of a game server that is listed.
    pub fn tick(
        &mut self,
        now: Instant,
        outcome: impl Fn(SocketAddr) -> Option<Outcome>,
        out: &mut Vec<Act>,
    ) {
        self.entries.retain(|address, entry| {
            let has_answered = entry.asked == 0 && now < entry.ask_at;
            if entry.owes && entry.state == State::Listed && has_answered {
                entry.report(*address, outcome(*address), now, out);
            }
            if now >= entry.ask_at {
                entry.ask(*address, now, out);
            }
            entry.state == State::Listed || now < entry.forget_at
        });
    }

    /// The connections of those who are listed.
    pub fn listed_connections(&self) -> HashSet<u64> {
        let all = self.entries.values();
        all.filter(|entry| entry.state == State::Listed)
            .filter_map(|entry| entry.connection)
            .collect()
    }
}

impl Entry {
    /// Tells the operator what has become of the registration, once there is something to tell.
    fn report(
        &mut self,
        address: SocketAddr,
        outcome: Option<Outcome>,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        let text = match outcome {
            Some(Outcome::Listed) => {
                self.owes = false;
                self.dialect.listed(address)
            }
            Some(Outcome::Refused(why)) => self.dialect.refused(why),
            None if now >= self.answered + TRACKER => self
                .dialect
                .refused("the tracker behind this master has not answered yet; it is tried again"),
            None => return,
        };
        self.tell(text, out);
    }

    /// Asks once more, or gives up.
    fn ask(&mut self, address: SocketAddr, now: Instant, out: &mut Vec<Act>) {
        let (mut gap, patience) = match self.state {
            State::New => NEW,
            State::Listed => LISTED,
            State::Away => (REST, u32::MAX),
        };
        if self.asked >= patience {
            if self.state == State::Listed {
                out.push(Act::Unlist(address, "it does not answer any more"));
            }
            let why = unanswered(self.asked, info(address));
            self.tell(self.dialect.refused(why), out);
            self.owes = self.connection.is_some();
            self.state = State::Away;
            gap = REST;
        }
        self.asked = self.asked.saturating_add(1);
        self.ask_at = now + gap;
        out.push(Act::Ask(info(address)));
    }

    /// Tells the operator something that he has not just been told.
    fn tell(&mut self, text: String, out: &mut Vec<Act>) {
        if let Some(connection) = self.connection
            && text != self.told
        {
            self.told.clone_from(&text);
            out.push(Act::Tell(connection, text));
        }
    }
}

/// Why one is not listed that does not answer.
fn unanswered(questions: u32, info: SocketAddr) -> String {
    format!(
        "failed pinging server: {questions} questions to {info} by UDP were not answered; open ports {} and \
         {} for UDP; asked again every {} s",
        info.port() - 1,
        info.port(),
        REST.as_secs()
    )
}

/// Where a game server is asked.
fn info(game: SocketAddr) -> SocketAddr {
    (game.ip(), game.port().saturating_add(1)).into()
}

/// The port of the game, if the one above it may be asked.
fn port_of(said: &Registration) -> Result<u16, String> {
    let port = said.port.parse().ok();
    port.filter(|port| (LOWEST_PORT..u16::MAX).contains(port))
        .ok_or_else(|| {
            format!(
                "invalid port '{}': a number from {LOWEST_PORT} to 65534",
                said.port
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Act::{Ask, List, Tell, Unlist};

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    struct Scene {
        roll: Roll,
        now: Instant,
        outcome: Option<Outcome>,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                roll: Roll::default(),
                now: Instant::now(),
                outcome: Some(Outcome::Listed),
            }
        }

        fn register(&mut self, dialect: Dialect, port: &str) -> Result<SocketAddr, String> {
            let said = Registration {
                port: port.to_owned(),
                ..Registration::default()
            };
            self.roll.register(PEER, dialect, said, 1, self.now)
        }

        fn pass(&mut self, seconds: u64) -> Vec<Act> {
            let mut out = Vec::new();
            for second in 0..=seconds {
                self.now += Duration::from_secs(u64::from(second > 0));
                self.roll.tick(self.now, |_| self.outcome.clone(), &mut out);
            }
            out
        }

        fn pong(&mut self, port: u16, datagram: &[u8]) -> Vec<Act> {
            let mut out = Vec::new();
            let from = (PEER, port).into();
            self.roll
                .on_datagram(from, datagram, self.now, 0.5, &mut out);
            out
        }
    }

    fn at(port: u16) -> SocketAddr {
        (PEER, port).into()
    }

    fn tell(text: &str) -> Act {
        Tell(1, text.to_owned())
    }

    fn told(acts: &[Act]) -> Vec<&str> {
        let text = |act| match act {
            &Tell(1, ref text) => Some(&**text),
            _ => None,
        };
        acts.iter().filter_map(text).collect()
    }

    #[test]
    fn who_answers_is_listed_and_asked_again_every_half_minute() {
        let mut scene = Scene::new();
        assert_eq!(scene.register(Dialect::Cube2, "28785"), Ok(at(28785)));
        assert_eq!(scene.pass(0), [Ask(at(28786))]);
        assert_eq!(scene.pong(28785, b""), []);
        let status = Box::<Status>::default();
        assert_eq!(
            scene.pong(28786, b"?"),
            [List(at(28785), Dialect::Cube2, status.clone())]
        );
        assert_eq!(scene.pong(28786, b"?"), [], "one answer to one question");
        assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
        for _ in 0..3 {
            assert_eq!(scene.pass(29), []);
            assert_eq!(scene.pass(1), [Ask(at(28786))]);
            assert_eq!(
                scene.pong(28786, b"?"),
                [List(at(28785), Dialect::Cube2, status.clone())]
            );
        }
        let mut out = Vec::new();
        scene.roll.on_hang_up(1, scene.now, &mut out);
        assert_eq!(out, [], "that is no reason");
        let acts = scene.pass(14);
        assert_eq!(acts, [Ask(at(28786)), Ask(at(28786)), Ask(at(28786))]);
        let why = "it does not answer any more";
        assert_eq!(scene.pass(1), [Unlist(at(28785), why), Ask(at(28786))]);
        assert_eq!(scene.pass(30), [Ask(at(28786))]);
        assert!(matches!(scene.pong(28786, b"?")[..], [List(..)]));
    }

    #[test]
    fn who_never_answers_is_told_what_to_do_and_comes_back_by_itself() {
        let mut scene = Scene::new();
        scene.register(Dialect::Cube2, "28785").unwrap();
        assert_eq!(scene.pass(14), [(); 5].map(|()| Ask(at(28786))));
        let acts = scene.pass(1);
        assert_eq!(
            told(&acts),
            [
                "failreg failed pinging server: 5 questions to 192.0.2.7:28786 by UDP were not answered; \
              open ports 28785 and 28786 for UDP; asked again every 30 s\n"
            ]
        );
        assert_eq!(scene.pass(90), [(); 3].map(|()| Ask(at(28786))));
        assert!(matches!(scene.pong(28786, b"?")[..], [List(..)]));
        assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
        scene.register(Dialect::Cube2, "28785").unwrap();
        scene.pass(0);
        scene.pong(28786, b"?");
        assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
    }

    #[test]
    fn who_is_silent_for_an_hour_is_forgotten() {
        let mut scene = Scene::new();
        scene.register(Dialect::Cube2, "28785").unwrap();
        scene.pass(MEMORY.as_secs() - 1);
        assert_eq!(scene.roll.entries.len(), 1);
        scene.pass(1);
        assert_eq!(scene.roll.entries.len(), 0);
        assert_eq!(scene.pong(28786, b"?"), []);
    }

    #[test]
    fn the_tracker_has_the_last_word() {
        let mut scene = Scene::new();
        scene.outcome = None;
        scene.register(Dialect::Cube2, "28785").unwrap();
        scene.pass(0);
        scene.pong(28786, b"?");
        assert_eq!(scene.pass(4), []);
        assert!(told(&scene.pass(1))[0].starts_with("failreg the tracker behind"));
        scene.outcome = Some(Outcome::Refused("you are banned".to_owned()));
        assert_eq!(scene.pass(5), [tell("failreg you are banned\n")]);
        scene.outcome = Some(Outcome::Listed);
        assert_eq!(scene.pass(0), [tell("succreg\ncleargbans\n")]);
    }

    #[test]
    fn red_eclipse_is_listed_while_its_connection_lives() {
        let mut scene = Scene::new();
        scene.register(Dialect::RedEclipse, "28801").unwrap();
        scene.pass(0);
        scene.pong(28802, b"?");
        assert!(told(&scene.pass(0))[0].starts_with("echo \"ping reply confirmed"));
        let mut out = Vec::new();
        scene.roll.on_hang_up(1, scene.now, &mut out);
        assert_eq!(out, [Unlist(at(28801), "it has closed its connection")]);
        assert!(scene.roll.entries.is_empty());
    }

    #[test]
    fn a_registration_is_of_the_host_that_connects_and_of_a_port_of_games() {
        let mut scene = Scene::new();
        for port in ["", "0", "1023", "65535", "65536", "-1", "game"] {
            let error = scene.register(Dialect::Cube2, port).unwrap_err();
            assert!(
                error.starts_with(&format!("invalid port '{port}'")),
                "{error}"
            );
        }
        let mut from = |address: &str| {
            let said = Registration {
                port: "28801".to_owned(),
                address: Some(address.to_owned()),
                ..Registration::default()
            };
            let dialect = Dialect::RedEclipse;
            scene.roll.register(PEER, dialect, said, 1, scene.now)
        };
        assert!(from("192.0.2.7").is_ok() && from("::ffff:192.0.2.7").is_ok());
        assert!(from("192.0.2.8").unwrap_err().contains("does not match"));
        assert!(from("localhost").unwrap_err().contains("does not match"));
    }

    #[test]
    fn those_who_are_not_listed_make_room() {
        let mut scene = Scene::new();
        let (most, most_of_host) = MOST;
        for port in 0..most_of_host + 5 {
            scene
                .register(Dialect::Cube2, &(2000 + 2 * port).to_string())
                .unwrap();
        }
        assert_eq!(scene.roll.entries.len(), most_of_host);
        scene.pass(0);
        for port in 0..most_of_host + 5 {
            scene.pong(2001 + 2 * port as u16, b"?");
        }
        let error = scene.register(Dialect::Cube2, "1999").unwrap_err();
        assert!(
            error.starts_with("too many servers on ip 192.0.2.7"),
            "{error}"
        );
        for n in 0..most as u32 {
            let address = SocketAddr::from((std::net::Ipv4Addr::from_bits(n), 28785));
            scene.roll.remember(address, Dialect::Cube2, scene.now);
        }
        assert_eq!(scene.roll.entries.len(), most);
        assert!(scene.roll.entries.contains_key(&at(2028)), "it is listed");
    }
}
