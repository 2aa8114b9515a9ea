//! The session with a client.
//!
//! A client sends any number of commands, each of which is answered at once. The first one that is
//! understood proves that the peer is a client; before it, a mistake ends the session.

use super::answer::Answer;
use super::common::{Session, answer_common};
use super::help;
use super::limits::{LIST_WEIGHT, Mistakes, Pace, Patience, Setting};
use super::outbox::{Ending, Outbox};
use super::watch::Watch;
use crate::protocol::command::ClientCommand;
use crate::protocol::fields::Request;
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use std::time::{Duration, Instant};

/// The thread that accepts connections answers what takes no more CPU time than this. To have another
/// thread accept takes some 10 us.
const CHEAP: Duration = Duration::from_micros(20);

/// What the session needs from the tracker around it.
pub trait Services {
    /// The answer to a request as the list is now.
    ///
    /// # Errors
    /// `too-many` if this host has asked for too much in too short a time.
    fn answer(&self, request: &Request, now: Instant) -> Result<Answer, Refusal>;
    /// The CPU time that the answer to a request will take.
    fn work(&self, request: &Request) -> Duration;
    /// Takes a slot for a watcher, which this connection is about to become.
    ///
    /// # Errors
    /// `busy` or `too-many`; nothing has changed then.
    fn watch(&self) -> Result<(), Refusal>;
    /// True while a first command must be quick, because many others are waiting.
    fn is_crowded(&self) -> bool;
    /// True for a peer that may send as many lines as it likes.
    fn is_trusted(&self) -> bool;
    /// One line of counters, if this peer may see them.
    fn stats(&self) -> Option<String>;
}

/// The session with one client.
#[derive(Debug)]
pub struct ClientSession<'a, S> {
    services: S,
    setting: &'a Setting,
    patience: Patience,
    pace: Pace,
    mistakes: Mistakes,
    /// It was sent a list.
    is_served: bool,
    /// What a guest is told in the end.
    guest: Option<Refusal>,
}

impl<'a, S: Services> ClientSession<'a, S> {
    /// A client has just connected.
    pub fn new(services: S, setting: &'a Setting, now: Instant) -> Self {
        let timings = setting.timings;
        let patience = Patience::new(now, timings.first_command_crowded, timings.step);
        Self {
            pace: Pace::new(services.is_trusted(), now),
            services,
            setting,
            patience,
            mistakes: Mistakes::default(),
            is_served: false,
            guest: None,
        }
    }

    /// A client without a slot: it is answered if it is quick, and is told `end` in the end.
    pub fn for_guest(services: S, setting: &'a Setting, now: Instant, end: Refusal) -> Self {
        let step = setting.timings.guest;
        Self {
            patience: Patience::new(now, step, step),
            guest: Some(end),
            ..Self::new(services, setting, now)
        }
    }

    /// The services that it was given.
    pub(crate) fn services(&self) -> &S {
        &self.services
    }

    /// Gives them back; the session is over.
    pub fn into_services(self) -> S {
        self.services
    }

    fn obey(&mut self, line: &str, now: Instant, out: &mut Outbox) -> Result<(), Refusal> {
        match ClientCommand::parse(line)? {
            ClientCommand::List(request) => {
                self.pace.weigh(LIST_WEIGHT);
                if let Some(answer) = self.answer(&request, now, out) {
                    answer.send(out);
                }
            }
            ClientCommand::Watch(request) => {
                self.pace.weigh(LIST_WEIGHT);
                self.services.watch()?;
                if let Some(answer) = self.answer(&request, now, out) {
                    out.end(Ending::Watching(Watch::new(
                        request,
                        answer.revision(),
                        now,
                    )));
                    answer.send(out);
                }
            }
            ClientCommand::Common(command) => {
                answer_common(
                    command,
                    || help::for_client(self.setting),
                    || self.services.stats(),
                    out,
                )?;
            }
        }
        Ok(())
    }

    /// The answer to `request`; `None` if it was refused, and the client with it.
    fn answer(&mut self, request: &Request, now: Instant, out: &mut Outbox) -> Option<Answer> {
        self.is_served = true;
        match self.services.answer(request, now) {
            Ok(answer) => Some(answer),
            Err(refusal) => {
                out.refuse(refusal);
                None
            }
        }
    }
}

impl<S: Services> Session for ClientSession<'_, S> {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        if self.pace.is_exceeded(now, out) || line == Ok("") {
            return;
        }
        let done = match line {
            Ok(line) => self.obey(line, now, out),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => self.mistakes.prove(),
            Err(refusal) => self.mistakes.answer(refusal, out),
        }
        let timings = &self.setting.timings;
        let step = match self.guest {
            Some(_) => timings.guest,
            None => timings.step,
        };
        self.patience = Patience::new(now, step, step);
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.pace.is_exceeded(now, out);
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let look_again = self.setting.timings.look_again;
        if self
            .patience
            .is_over(now, self.services.is_crowded(), look_again)
        {
            let timeout = || Refusal::new(ErrorCode::Timeout, "no command came in time");
            out.refuse(self.guest.clone().unwrap_or_else(timeout));
        }
    }

    /// One whole list is cheap, since it is sent as it is kept. Another on the same connection can wait,
    /// and so can one with conditions.
    fn is_dear(&self, line: &str) -> bool {
        let request = match ClientCommand::parse(line) {
            Ok(ClientCommand::List(request) | ClientCommand::Watch(request)) => request,
            _ => return false,
        };
        let is_whole = request == Request::default();
        self.is_served || (!is_whole && self.services.work(&request) > CHEAP)
    }

    fn next_deadline(&self) -> Instant {
        self.patience.next_look()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::registry::Registry;
    use quickcheck::quickcheck;

    struct Fixed {
        registry: Registry,
        crowded: bool,
        /// What one condition takes for the whole list.
        work: Duration,
        /// The host has asked for too much.
        spent: bool,
    }

    impl Services for &Fixed {
        fn answer(&self, request: &Request, _: Instant) -> Result<Answer, Refusal> {
            if self.spent {
                return Err(Refusal::new(ErrorCode::TooMany, "wait 3 s"));
            }
            let recent = request.since.and_then(|since| self.registry.since(since));
            Ok(Answer::new(request, self.registry.list(), recent))
        }
        fn work(&self, request: &Request) -> Duration {
            self.work * request.filter.conditions() as u32
        }
        fn watch(&self) -> Result<(), Refusal> {
            Ok(())
        }
        fn is_crowded(&self) -> bool {
            self.crowded
        }
        fn is_trusted(&self) -> bool {
            false
        }
        fn stats(&self) -> Option<String> {
            Some("listed=2".to_owned())
        }
    }

    fn fixed(crowded: bool) -> Fixed {
        let mut registry = Registry::new(0xc0ffee);
        for (holder, said) in [(1, "port=1 nbplayers=0"), (2, "port=2 nbplayers=5")] {
            let infos = Infos::default().with(&Changes::parse(said).unwrap());
            let ip = "192.0.2.1".parse().unwrap();
            let entry = Entry::new(ip, infos, Credential::Password(0)).unwrap();
            registry.put(holder, entry).unwrap();
        }
        Fixed {
            registry,
            crowded,
            work: CHEAP / 2,
            spent: false,
        }
    }

    fn say(session: &mut ClientSession<'_, &Fixed>, line: &str) -> (String, Option<Ending>) {
        let mut out = Outbox::default();
        session.on_line(Ok(line), Instant::now(), &mut out);
        (out.take_text(), out.ending)
    }

    #[test]
    fn the_list_ends_with_its_count_and_revision() {
        let (tracker, setting) = (fixed(false), Setting::default());
        let mut session = ClientSession::new(&tracker, &setting, Instant::now());
        let (answer, closing) = say(&mut session, "list");
        assert_eq!(
            answer,
            "INFOS ip=192.0.2.1 port=1 nbplayers=0\nINFOS ip=192.0.2.1 port=2 nbplayers=5\n\
             END count=2 rev=c0ffee-2\n"
        );
        assert_eq!(closing, None);
        assert_eq!(
            say(&mut session, "LIST notempty ip=192.0.2.1").0,
            "INFOS ip=192.0.2.1 port=2 nbplayers=5\nEND count=1 rev=c0ffee-2\n"
        );
        assert_eq!(
            say(&mut session, "LIST port=9").0,
            "END count=0 rev=c0ffee-2\n"
        );
        assert_eq!(
            say(&mut session, "LIST notempty since=c0ffee-0").0,
            "INFOS ip=192.0.2.1 port=2 nbplayers=5\nEND count=1 rev=c0ffee-2 since=c0ffee-0\n"
        );
        assert_eq!(
            say(&mut session, "LIST since=c0ffee-2").0,
            "END count=0 rev=c0ffee-2 since=c0ffee-2\n"
        );
        for unknown in ["decade-2", "c0ffee-3", "yesterday"] {
            let (answer, _) = say(&mut session, &format!("LIST port=1 since={unknown}"));
            assert!(answer.ends_with("END count=1 rev=c0ffee-2\n"), "{answer}");
        }
        assert_eq!(say(&mut session, "STATS").0, "OK listed=2\n");
        let (answer, closing) = say(&mut session, "QUIT");
        assert_eq!((answer.as_str(), closing), ("OK bye\n", Some(Ending::Done)));
    }

    #[test]
    fn a_mistake_ends_it_before_the_first_command_and_not_after() {
        let (tracker, setting) = (fixed(false), Setting::default());
        let mut session = ClientSession::new(&tracker, &setting, Instant::now());
        let (answer, closing) = say(&mut session, "GET / HTTP/1.1");
        let (head, line) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 400 "), "{answer}");
        assert!(
            line.starts_with("ERR unknown-command this is a tracker of game"),
            "{answer}"
        );
        assert!(matches!(closing, Some(Ending::Refused(_))));

        let mut session = ClientSession::new(&tracker, &setting, Instant::now());
        assert_eq!(say(&mut session, "PING 7").0, "PONG 7\n");
        let (answer, closing) = say(&mut session, "GET / HTTP/1.1");
        assert!(answer.starts_with("ERR unknown-command this is") && closing.is_none());
        let (answer, closing) = say(&mut session, "LIST full");
        assert!(
            answer.starts_with("ERR bad-syntax") && closing.is_none(),
            "{answer}"
        );
    }

    #[test]
    fn a_list_weighs_as_much_as_ten_lines() {
        let (tracker, setting, now) = (fixed(false), Setting::default(), Instant::now());
        let weighs = "; LIST and WATCH count for 10 lines each\n";
        for (line, answered, end) in [("LIST", 20, weighs), ("PING", 200, " for 10 s\n")] {
            let mut session = ClientSession::new(&tracker, &setting, now);
            let mut out = Outbox::default();
            let mut lines = 0;
            while out.ending.is_none() {
                session.on_line(Ok(line), now, &mut out);
                lines += 1;
            }
            assert_eq!(lines, answered + 1, "{line} at once");
            let text = out.take_text();
            assert!(text.contains("ERR too-many more than 20 lines a second"));
            assert!(text.ends_with(end), "{text}");
        }
    }

    #[test]
    fn only_the_first_list_and_what_is_cheap_is_answered_while_others_wait() {
        let (tracker, setting) = (fixed(false), Setting::default());
        let mut session = ClientSession::new(&tracker, &setting, Instant::now());
        for line in "LIST,list,WATCH,QUIT,PING,,DANCE,LIST full".split(',') {
            assert!(!session.is_dear(line), "{line}");
        }
        assert!(!session.is_dear("LIST a=1 b=2") && session.is_dear("LIST a=1 b=2 c=3"));
        say(&mut session, "LIST a=1");
        for line in ["LIST", "WATCH", "LIST a=1"] {
            assert!(session.is_dear(line), "{line}");
        }
        assert!(!session.is_dear("QUIT"));
    }

    #[test]
    fn who_has_asked_for_too_much_is_told_so_and_closed() {
        let mut tracker = fixed(false);
        tracker.spent = true;
        let setting = Setting::default();
        for line in ["LIST", "WATCH a=1"] {
            let mut session = ClientSession::new(&tracker, &setting, Instant::now());
            say(&mut session, "PING");
            let (answer, closing) = say(&mut session, line);
            assert_eq!(answer, "ERR too-many wait 3 s\n");
            assert!(matches!(closing, Some(Ending::Refused(_))), "{closing:?}");
        }
    }

    #[test]
    fn a_silent_client_goes_after_a_minute_or_in_a_crowd_after_three_seconds() {
        let setting = Setting::default();
        let s = Duration::from_secs;
        for (crowded, after) in [(false, 60), (true, 3)] {
            let (tracker, start) = (fixed(crowded), Instant::now());
            let mut session = ClientSession::new(&tracker, &setting, start);
            let mut out = Outbox::default();
            while out.ending.is_none() {
                session.on_deadline(session.next_deadline(), &mut out);
            }
            assert_eq!(session.next_deadline(), start + s(after));
            assert!(out.take_text().starts_with("ERR timeout"));

            let mut session = ClientSession::new(&tracker, &setting, start);
            session.on_line(Ok("PING"), start + s(1), &mut Outbox::default());
            assert_eq!(
                session.next_deadline(),
                start + s(61),
                "a proven one has its minute"
            );
        }
    }

    quickcheck! {
        fn no_line_panics_and_every_answer_is_whole_lines(lines: Vec<String>) -> bool {
            let (tracker, setting) = (fixed(false), Setting::default());
            let mut session = ClientSession::new(&tracker, &setting, Instant::now());
            say(&mut session, "PING");
            lines.iter().flat_map(|line| [line.clone(), format!("LIST {line}")]).all(|line| {
                let (answer, _) = say(&mut session, &line);
                let is_blank = line.trim_matches(' ').is_empty();
                (answer.ends_with('\n') || is_blank) && answer.lines().all(|line| line.len() < 1024)
            })
        }
    }
}
