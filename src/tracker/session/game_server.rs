//! The conversation with a game server.
//!
//! ```text
//! Greeting --LOGIN--> Challenged --INFOS <number>--> Listed --INFOS, PONG--> Listed
//! ```
//!
//! Until it is listed any mistake ends the conversation; after that a mistake changes nothing.

use super::{
    Closing, Mistakes, Outbox, Patience, Session, Setting, answer_common, unfinished_line,
};
use crate::protocol::infos::{Changes, Infos};
use crate::protocol::line::LineError;
use crate::protocol::message::{
    ErrorCode, GameServerCommand, Refusal, format_number, parse_number,
};
use crate::tracker::credentials::Credential;
use crate::tracker::registry::Entry;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// What the conversation needs from the tracker around it.
pub trait Services {
    /// The address that the game server connects from.
    fn peer_ip(&self) -> IpAddr;
    /// What `password` stands for, if it is valid.
    fn verify(&self, password: &str, now: Instant) -> Option<Credential>;
    /// A number that nobody can guess.
    fn challenge_number(&self) -> u64;
    /// True while steps must be quick, because many others are logging in.
    fn is_crowded(&self) -> bool;
    /// The entry that this connection has on the list; `None` once it was taken over by another.
    fn entry(&self) -> Option<Arc<Entry>>;
    /// Puts this connection's entry on the list, or a new one in place of the old.
    ///
    /// # Errors
    /// `taken` or `busy`; nothing has changed then.
    fn put(&self, entry: Entry) -> Result<(), Refusal>;
    /// One line of counters, if this peer may see them.
    fn stats(&self) -> Option<String>;
}

#[derive(Debug)]
enum State {
    /// Nothing is known yet.
    Greeting { patience: Patience },
    /// The password was right; the number must come back.
    Challenged {
        patience: Patience,
        number: u64,
        credential: Credential,
    },
    /// On the list. Only here does the connection own an entry of the registry.
    Listed {
        heard: Instant,
        pinged: Option<Instant>,
        pings: u64,
    },
}

/// One game server's conversation.
#[derive(Debug)]
pub struct GameServerSession<'a, S> {
    services: S,
    setting: &'a Setting,
    state: State,
    mistakes: Mistakes,
}

impl<'a, S: Services> GameServerSession<'a, S> {
    /// A game server has just connected.
    pub fn new(services: S, setting: &'a Setting, now: Instant) -> Self {
        let state = State::Greeting {
            patience: login_patience(setting, now),
        };
        Self {
            services,
            setting,
            state,
            mistakes: Mistakes::default(),
        }
    }

    fn obey(&mut self, line: &str, now: Instant, out: &mut Outbox) -> Result<(), Refusal> {
        match GameServerCommand::parse(line)? {
            GameServerCommand::Login(password) => self.log_in(password, now, out),
            GameServerCommand::Infos(number, changes) => self.infos(number, changes, now, out),
            GameServerCommand::Pong(_) => match self.state {
                State::Listed { .. } => Ok(()),
                _ => Err(not_logged_in()),
            },
            GameServerCommand::Common(command) => answer_common(
                command,
                || help(self.setting),
                || self.services.stats(),
                out,
            ),
        }
    }

    fn log_in(&mut self, password: &str, now: Instant, out: &mut Outbox) -> Result<(), Refusal> {
        if !matches!(self.state, State::Greeting { .. }) {
            let text = "already logged in; what follows LOGIN is INFOS";
            return Err(Refusal::new(ErrorCode::BadSyntax, text));
        }
        let Some(credential) = self.services.verify(password, now) else {
            let text = "that is not a password of this tracker; ask its operator for one";
            return Err(Refusal::new(ErrorCode::BadPassword, text));
        };
        let number = self.services.challenge_number();
        let patience = login_patience(self.setting, now);
        self.state = State::Challenged {
            patience,
            number,
            credential,
        };
        out.line(format_args!("CHALLENGE {}", format_number(number)));
        Ok(())
    }

    fn infos(
        &mut self,
        number: Option<&str>,
        changes: Changes,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let changes = self.without_trackers_words(changes)?;
        match self.state {
            State::Greeting { .. } => Err(not_logged_in()),
            State::Challenged {
                number: expected,
                credential,
                ..
            } => {
                if number.and_then(parse_number) != Some(expected) {
                    let text = "the first INFOS starts with the number from CHALLENGE, \
                                as in INFOS <number> port=23460";
                    return Err(Refusal::new(ErrorCode::BadChallenge, text));
                }
                let infos = Infos::default().with(&changes);
                let address = self.put(infos, credential)?;
                self.state = State::Listed {
                    heard: now,
                    pinged: None,
                    pings: 0,
                };
                self.mistakes.proven = true;
                out.line(format_args!("OK listed {address}"));
                Ok(())
            }
            State::Listed { .. } => {
                if number.is_some() {
                    let text = "no challenge is open on this connection; \
                                leave the number out: INFOS key=value";
                    return Err(Refusal::new(ErrorCode::BadChallenge, text));
                }
                // An entry that is gone was taken over; the word of it is on its way.
                let Some(entry) = self.services.entry() else {
                    return Ok(());
                };
                let infos = entry.infos.with(&changes);
                if infos == entry.infos {
                    out.line("OK");
                    return Ok(());
                }
                let address = self.put(infos, entry.credential)?;
                if address == entry.address {
                    out.line("OK");
                } else {
                    out.line(format_args!("OK listed {address}"));
                }
                Ok(())
            }
        }
    }

    fn put(&self, infos: Infos, credential: Credential) -> Result<SocketAddr, Refusal> {
        infos.check_complete()?;
        let Some(entry) = Entry::new(self.services.peer_ip(), infos, credential) else {
            return Err(Refusal::new(
                ErrorCode::BadValue,
                "port=<number> is required",
            ));
        };
        let address = entry.address;
        self.services.put(entry)?;
        Ok(address)
    }

    /// Refuses the words that are the tracker's to say; takes an `ip` out once it is known to be
    /// true.
    fn without_trackers_words(&self, changes: Changes) -> Result<Changes, Refusal> {
        for word in ["checked", "stale"] {
            if changes.get(word).is_some() {
                let text = format!("{word} is the tracker's own word; leave it out");
                return Err(Refusal::new(ErrorCode::BadValue, text));
            }
        }
        let seen = self.services.peer_ip().to_canonical();
        match changes.get("ip") {
            None => Ok(changes),
            Some(claimed) if claimed.parse() == Ok(seen) => Ok(changes.without("ip")),
            Some(_) => {
                let text = format!("the tracker sees you at {seen}; leave ip out, or send that");
                Err(Refusal::new(ErrorCode::BadIp, text))
            }
        }
    }
}

impl<S: Services> Session for GameServerSession<'_, S> {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        if let State::Listed { heard, pinged, .. } = &mut self.state {
            *heard = now;
            *pinged = None;
        }
        let done = match line {
            Ok(line) => self.obey(line, now, out),
            Err(error) => Err(error.into()),
        };
        if let Err(refusal) = done {
            self.mistakes.answer(refusal, out);
        }
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let timings = self.setting.timings;
        match &mut self.state {
            State::Greeting { patience } | State::Challenged { patience, .. } => {
                if patience.is_over(now, self.services.is_crowded(), timings.look_again) {
                    let text = "logging in took too long";
                    out.refuse(Refusal::new(ErrorCode::Timeout, text));
                }
            }
            State::Listed {
                heard,
                pinged,
                pings,
            } => {
                if now >= *heard + timings.drop_after {
                    let text = format!(
                        "nothing was heard for {} s; answer PING with PONG",
                        timings.drop_after.as_secs()
                    );
                    out.refuse(Refusal::new(ErrorCode::Timeout, text));
                } else if pinged.is_none() && now >= *heard + timings.ping_after {
                    *pinged = Some(now);
                    *pings += 1;
                    out.line(format_args!("PING {pings}"));
                }
            }
        }
    }

    fn on_end(&mut self, inside_a_line: bool, out: &mut Outbox) {
        if inside_a_line {
            out.line(unfinished_line());
        }
        out.close(Closing::Done);
    }

    fn next_deadline(&self) -> Instant {
        match self.state {
            State::Greeting { patience } | State::Challenged { patience, .. } => patience.next_look,
            State::Listed {
                heard,
                pinged: None,
                ..
            } => heard + self.setting.timings.ping_after,
            State::Listed { heard, .. } => heard + self.setting.timings.drop_after,
        }
    }
}

/// Told to a game server that names an ip:port which somebody else holds.
pub fn taken(address: SocketAddr) -> Refusal {
    Refusal::new(
        ErrorCode::Taken,
        format!("{address} is listed with another credential"),
    )
}

/// Told to the connection whose entry a newer login has replaced.
pub fn taken_over(address: SocketAddr) -> Refusal {
    Refusal::new(
        ErrorCode::Taken,
        format!("another login took over {address}"),
    )
}

fn login_patience(setting: &Setting, now: Instant) -> Patience {
    Patience::new(
        now,
        setting.timings.login_step_crowded,
        setting.timings.step,
    )
}

fn not_logged_in() -> Refusal {
    Refusal::new(ErrorCode::NotLoggedIn, "log in first: LOGIN <password>")
}

fn help(setting: &Setting) -> String {
    format!(
        "This port is for game servers; clients ask for the list on port {}.\n\
         1. LOGIN <password>                      is answered CHALLENGE <number>\n\
         2. INFOS <number> port=23460 key=value   puts you on the list\n\
         3. INFOS nbplayers=3                     changes a field; key= removes one\n\
         PING <word> is to be answered PONG <word>, within {} s.\n\
         QUIT, or hanging up, takes you off the list. Values with spaces: key=\"two words\".",
        setting.client_port,
        setting
            .timings
            .drop_after
            .saturating_sub(setting.timings.ping_after)
            .as_secs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::registry::Registry;
    use crate::tracker::session::Chunk;
    use quickcheck::quickcheck;
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    /// A tracker of one connection.
    struct Alone {
        registry: RefCell<Registry>,
        crowded: Cell<bool>,
        listed_slots: Cell<u32>,
    }

    impl Services for &Alone {
        fn peer_ip(&self) -> IpAddr {
            "::ffff:198.51.100.7".parse().unwrap()
        }
        fn verify(&self, password: &str, _: Instant) -> Option<Credential> {
            (password == "secret").then(|| Credential::numbered(0))
        }
        fn challenge_number(&self) -> u64 {
            0x2a
        }
        fn is_crowded(&self) -> bool {
            self.crowded.get()
        }
        fn entry(&self) -> Option<Arc<Entry>> {
            self.registry.borrow().entry_of(1)
        }
        fn put(&self, entry: Entry) -> Result<(), Refusal> {
            if self.listed_slots.get() == 0 {
                return Err(Refusal::new(ErrorCode::Busy, "full"));
            }
            let taken = |_| Refusal::new(ErrorCode::Taken, "taken");
            self.registry
                .borrow_mut()
                .put(1, entry)
                .map(|_| ())
                .map_err(taken)
        }
        fn stats(&self) -> Option<String> {
            None
        }
    }

    fn alone() -> Alone {
        Alone {
            registry: RefCell::new(Registry::new(1)),
            crowded: Cell::new(false),
            listed_slots: Cell::new(1),
        }
    }

    fn sent(out: &mut Outbox) -> String {
        let mut text = String::new();
        for chunk in out.take() {
            match chunk {
                Chunk::Text(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
                Chunk::List(_) => panic!("a game server is never sent the list"),
            }
        }
        text
    }

    fn say(
        session: &mut GameServerSession<'_, &Alone>,
        line: &str,
        now: Instant,
    ) -> (String, Option<Closing>) {
        let mut out = Outbox::default();
        session.on_line(Ok(line), now, &mut out);
        let text = sent(&mut out);
        (text, out.closing)
    }

    const NUMBER: &str = "000000000000002a";

    fn listed<'a>(
        tracker: &'a Alone,
        setting: &'a Setting,
        now: Instant,
    ) -> GameServerSession<'a, &'a Alone> {
        let mut session = GameServerSession::new(tracker, setting, now);
        assert_eq!(
            say(&mut session, "LOGIN secret", now).0,
            format!("CHALLENGE {NUMBER}\n")
        );
        let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} port=23460"), now);
        assert_eq!(
            (answer.as_str(), closing),
            ("OK listed 198.51.100.7:23460\n", None)
        );
        session
    }

    #[test]
    fn before_it_is_listed_every_mistake_ends_the_conversation() {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        for (lines, code) in [
            (&["HELLO"][..], ErrorCode::UnknownCommand),
            (&["LOGIN wrong"], ErrorCode::BadPassword),
            (&["INFOS port=1"], ErrorCode::NotLoggedIn),
            (&["PONG 1"], ErrorCode::NotLoggedIn),
            (&["LOGIN secret", "LOGIN secret"], ErrorCode::BadSyntax),
            (&["LOGIN secret", "INFOS port=1"], ErrorCode::BadChallenge),
            (
                &["LOGIN secret", "INFOS 2a port=1"],
                ErrorCode::BadChallenge,
            ),
            (
                &["LOGIN secret", "INFOS 000000000000002b port=1"],
                ErrorCode::BadChallenge,
            ),
            (
                &["LOGIN secret", "INFOS 000000000000002a"],
                ErrorCode::BadValue,
            ),
            (
                &["LOGIN secret", "INFOS 000000000000002a port=0"],
                ErrorCode::BadValue,
            ),
            (
                &["LOGIN secret", "INFOS 000000000000002a port=1 ip=192.0.2.9"],
                ErrorCode::BadIp,
            ),
            (
                &["LOGIN secret", "INFOS 000000000000002a port=1 checked=yes"],
                ErrorCode::BadValue,
            ),
            (&["STATS"], ErrorCode::UnknownCommand),
        ] {
            let mut session = GameServerSession::new(&tracker, &setting, now);
            let mut last = None;
            for line in lines {
                assert_eq!(last, None);
                last = say(&mut session, line, now).1;
            }
            assert!(
                matches!(&last, Some(Closing::Refused(refusal)) if refusal.code == code),
                "{lines:?}: {last:?}"
            );
            assert_eq!(tracker.registry.borrow().list().count(), 0);
        }
    }

    #[test]
    fn a_listed_one_is_forgiven_twenty_mistakes() {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        let mut session = listed(&tracker, &setting, now);
        for _ in 0..20 {
            let (answer, closing) = say(&mut session, "INFOS port=0", now);
            assert!(
                answer.starts_with("ERR bad-value ") && closing.is_none(),
                "{answer}"
            );
        }
        assert_eq!(tracker.registry.borrow().list().count(), 1);
        let (answer, closing) = say(&mut session, "HELLO", now);
        assert!(answer.contains("ERR too-many"), "{answer}");
        assert!(matches!(closing, Some(Closing::Refused(_))));
    }

    #[test]
    fn a_number_is_good_once() {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        let mut session = listed(&tracker, &setting, now);
        let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} nbplayers=9"), now);
        assert!(
            answer.starts_with("ERR bad-challenge") && closing.is_none(),
            "{answer}"
        );
        assert_eq!(
            tracker
                .registry
                .borrow()
                .entry_of(1)
                .unwrap()
                .infos
                .number("nbplayers"),
            None
        );
    }

    #[test]
    fn an_update_that_changes_nothing_is_no_change_of_the_list() {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        let mut session = listed(&tracker, &setting, now);
        let revision = || tracker.registry.borrow().list().revision();
        assert_eq!(say(&mut session, "INFOS nbplayers=3 map=x", now).0, "OK\n");
        let before = revision();
        assert_eq!(
            say(&mut session, "INFOS nbplayers=03 ip=198.51.100.7", now).0,
            "OK\n"
        );
        assert_eq!(say(&mut session, "INFOS", now).0, "OK\n");
        assert_eq!(revision(), before);
        assert_eq!(say(&mut session, "INFOS map=", now).0, "OK\n");
        assert_ne!(revision(), before);
        assert_eq!(
            say(&mut session, "INFOS port=7", now).0,
            "OK listed 198.51.100.7:7\n"
        );
        let (answer, _) = say(&mut session, "INFOS port=", now);
        assert!(
            answer.starts_with("ERR bad-value port=<number> is required"),
            "{answer}"
        );
    }

    #[test]
    fn no_room_on_the_list_is_said_and_ends_the_login() {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        tracker.listed_slots.set(0);
        let mut session = GameServerSession::new(&tracker, &setting, now);
        say(&mut session, "LOGIN secret", now);
        let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} port=1"), now);
        assert!(
            answer.starts_with("ERR busy") && closing.is_some(),
            "{answer}"
        );
    }

    #[test]
    fn silence_is_pinged_once_and_then_dropped() {
        let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
        let s = Duration::from_secs;
        let mut session = listed(&tracker, &setting, start);
        let mut out = Outbox::default();
        assert_eq!(session.next_deadline(), start + s(15));
        session.on_deadline(start + s(15), &mut out);
        assert_eq!(sent(&mut out), "PING 1\n");
        assert_eq!(session.next_deadline(), start + s(30));
        say(&mut session, "PONG 1", start + s(16));
        assert_eq!(session.next_deadline(), start + s(31));
        session.on_deadline(start + s(31), &mut out);
        assert_eq!(sent(&mut out), "PING 2\n");
        session.on_deadline(start + s(45), &mut out);
        assert_eq!((sent(&mut out).as_str(), out.closing()), ("", None));
        session.on_deadline(start + s(46), &mut out);
        assert!(sent(&mut out).starts_with("ERR timeout"));
        assert!(out.closing().is_some());
    }

    #[test]
    fn logging_in_may_take_a_minute_and_in_a_crowd_five_seconds_a_step() {
        let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
        let s = Duration::from_secs;
        for (crowded, after) in [(false, 60), (true, 5)] {
            tracker.crowded.set(crowded);
            let mut session = GameServerSession::new(&tracker, &setting, start);
            say(&mut session, "LOGIN secret", start + s(2));
            let mut out = Outbox::default();
            while out.closing().is_none() {
                let deadline = session.next_deadline();
                assert!(deadline <= start + s(2 + after));
                session.on_deadline(deadline, &mut out);
            }
            assert_eq!(session.next_deadline(), start + s(2 + after));
            assert!(sent(&mut out).starts_with("ERR timeout"));
        }
    }

    quickcheck! {
        fn no_lines_panic_or_leave_an_entry_without_a_login(lines: Vec<String>, logs_in: bool) -> bool {
            let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
            let mut session = GameServerSession::new(&tracker, &setting, now);
            let mut lines = lines;
            if logs_in {
                lines.insert(0, "LOGIN secret".to_owned());
            }
            for line in &lines {
                for line in [line.clone(), format!("INFOS {line}"), format!("LOGIN {line}")] {
                    let (answer, closing) = say(&mut session, &line, now);
                    assert!(answer.lines().all(|line| line.len() < 1024));
                    if closing.is_some() {
                        return tracker.registry.borrow().list().count() == 0;
                    }
                }
            }
            true
        }
    }
}
