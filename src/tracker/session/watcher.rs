//! The session with a watcher: a client that stays and is told what changes.
//!
//! Its first answer has been sent when the session begins. From then on it has the list of one revision,
//! and is sent what has changed since. The tracker owes it only the way from there to the newest state, so
//! nothing piles up for a slow watcher.

use super::answer::{Batch, Question};
use super::common::{Session, answer_common};
use super::help;
use super::limits::{Mistakes, Pace, Setting};
use super::outbox::Outbox;
use super::watch::Watch;
use crate::protocol::command::ClientCommand;
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::revision::Revision;
use std::sync::Arc;
use std::time::Instant;

/// What the session needs from the tracker around it, beside what any client's does.
pub trait Services: super::client::Services {
    /// The state of the list now.
    fn revision(&self) -> Revision;
    /// The lines that lead to that state, encoded once for all who ask the same.
    fn batch(&self, question: Question) -> Arc<Batch>;
}

/// The session with one watcher.
#[derive(Debug)]
pub struct WatcherSession<'a, S> {
    services: S,
    setting: &'a Setting,
    watch: Watch,
    pace: Pace,
    mistakes: Mistakes,
}

impl<'a, S: Services> WatcherSession<'a, S> {
    /// A client begins to watch.
    pub fn new(services: S, setting: &'a Setting, watch: Watch) -> Self {
        let pace = Pace::new(services.is_trusted(), watch.told_at);
        let mistakes = Mistakes::of_proven();
        Self {
            services,
            setting,
            watch,
            pace,
            mistakes,
        }
    }

    /// The services that it was given.
    pub(crate) fn services(&self) -> &S {
        &self.services
    }

    /// True if the client knows the newest state of the list, or is being sent it.
    pub fn knows_all(&self) -> bool {
        self.services.revision() == self.watch.revision
    }

    fn obey(&mut self, line: &str, out: &mut Outbox) -> Result<(), Refusal> {
        match ClientCommand::parse(line)? {
            ClientCommand::Common(command) => {
                answer_common(command, help::for_watcher, || self.services.stats(), out)
            }
            ClientCommand::List(_) | ClientCommand::Watch(_) => {
                let text = "this connection watches already; use another one for that";
                Err(Refusal::new(ErrorCode::BadSyntax, text))
            }
        }
    }
}

impl<S: Services> Session for WatcherSession<'_, S> {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        if self.pace.is_exceeded(now, out) || line == Ok("") {
            return;
        }
        let done = match line {
            Ok(line) => self.obey(line, out),
            Err(error) => Err(error.into()),
        };
        if let Err(refusal) = done {
            self.mistakes.answer(refusal, out);
        }
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.pace.is_exceeded(now, out);
    }

    /// Sends the next batch: what has changed, or a sign of life when it is time for one.
    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let watch = &mut self.watch;
        let batch = self.services.batch(Question {
            filter: watch.filter.clone(),
            since: Some(watch.told),
            unchanged_until: Some(watch.revision),
        });
        watch.revision = batch.revision;
        if batch.is_empty && now < watch.told_at + self.setting.timings.sign_of_life {
            return;
        }
        watch.told = batch.revision;
        watch.told_at = now;
        out.shared(Arc::clone(&batch.text));
    }

    fn next_deadline(&self) -> Instant {
        let timings = &self.setting.timings;
        self.watch.told_at
            + match self.knows_all() {
                true => timings.sign_of_life,
                false => timings.batch_gap,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Request;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::registry::Registry;
    use crate::tracker::session::answer::{Answer, work};
    use crate::tracker::session::client::{ClientSession, Services as ClientServices};
    use crate::tracker::session::outbox::Ending;
    use std::cell::RefCell;
    use std::time::Duration;

    struct World(RefCell<Registry>);

    impl World {
        fn new() -> Self {
            Self(RefCell::new(Registry::new(0xc0ffee)))
        }

        fn put(&self, holder: u64, players: u16) {
            let said = format!("port={holder} nbplayers={players}");
            let infos = Infos::default().with(&Changes::parse(&said).unwrap());
            let ip = "192.0.2.1".parse().unwrap();
            let entry = Entry::new(ip, infos, Credential::Password(0)).unwrap();
            self.0.borrow_mut().put(holder, entry).unwrap();
        }
    }

    impl ClientServices for &World {
        fn answer(&self, request: &Request, _: Instant) -> Result<Answer, Refusal> {
            let registry = self.0.borrow();
            let recent = request.since.and_then(|since| registry.since(since));
            Ok(Answer::new(request, registry.list(), recent))
        }
        fn work(&self, request: &Request) -> Duration {
            work(&request.filter, &self.0.borrow().list(), &None)
        }
        fn watch(&self) -> Result<(), Refusal> {
            Ok(())
        }
        fn is_crowded(&self) -> bool {
            false
        }
        fn is_trusted(&self) -> bool {
            false
        }
        fn stats(&self) -> Option<String> {
            None
        }
    }

    impl Services for &World {
        fn revision(&self) -> Revision {
            self.0.borrow().list().revision()
        }
        fn batch(&self, question: Question) -> Arc<Batch> {
            let registry = self.0.borrow();
            let recent = question
                .unchanged_until
                .and_then(|since| registry.since(since));
            Arc::new(Batch::new(&question, &registry.list(), recent))
        }
    }

    /// A client that says `line`, and what it is sent at once.
    fn watch<'a>(
        world: &'a World,
        setting: &'a Setting,
        line: &str,
        now: Instant,
    ) -> (WatcherSession<'a, &'a World>, String) {
        let mut out = Outbox::default();
        ClientSession::new(world, setting, now).on_line(Ok(line), now, &mut out);
        assert!(out.is_over());
        let Some(Ending::Watching(watch)) = out.ending.take() else {
            panic!("{line}");
        };
        (WatcherSession::new(world, setting, watch), out.take_text())
    }

    /// What is sent at the session's own next deadline, and how long after `start` that is.
    fn next(session: &mut WatcherSession<'_, &World>, start: Instant) -> (Duration, String) {
        let mut out = Outbox::default();
        let at = session.next_deadline();
        session.on_deadline(at, &mut out);
        (at - start, out.take_text())
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_watcher_is_told_what_changes_at_most_ten_times_a_second() {
        let (world, setting, start) = (World::new(), Setting::default(), Instant::now());
        world.put(1, 0);
        let (mut session, first) = watch(&world, &setting, "WATCH", start);
        assert_eq!(
            first,
            "INFOS ip=192.0.2.1 port=1 nbplayers=0\nEND count=1 rev=c0ffee-1\n"
        );
        world.put(1, 1);
        world.put(1, 2);
        assert_eq!(
            next(&mut session, start),
            (
                MS(100),
                "INFOS ip=192.0.2.1 port=1 nbplayers=2\nEND count=1 rev=c0ffee-3 since=c0ffee-1\n"
                    .to_owned()
            )
        );
        assert_eq!(
            next(&mut session, start),
            (
                MS(30_100),
                "END count=0 rev=c0ffee-3 since=c0ffee-3\n".to_owned()
            ),
            "a sign of life"
        );
        // After a quiet time the first change is due at once.
        world.0.borrow_mut().remove(1);
        assert!(session.next_deadline() <= start + MS(30_200));
        assert_eq!(
            next(&mut session, start).1,
            "GONE ip=192.0.2.1 port=1\nEND count=1 rev=c0ffee-4 since=c0ffee-3\n"
        );
    }

    #[test]
    fn who_watches_with_a_filter_is_not_woken_for_what_it_hides() {
        let (world, setting, start) = (World::new(), Setting::default(), Instant::now());
        let (mut session, first) = watch(&world, &setting, "watch notempty", start);
        assert_eq!(first, "END count=0 rev=c0ffee-0\n");
        world.put(1, 0);
        assert_eq!(next(&mut session, start), (MS(100), String::new()));
        assert_eq!(session.next_deadline(), start + MS(30_000));
        world.put(1, 3);
        assert_eq!(
            next(&mut session, start).1,
            "INFOS ip=192.0.2.1 port=1 nbplayers=3\nEND count=1 rev=c0ffee-2 since=c0ffee-0\n",
            "since what it was told, not since what it was not"
        );
        world.put(1, 0);
        assert_eq!(
            next(&mut session, start).1,
            "GONE ip=192.0.2.1 port=1\nEND count=1 rev=c0ffee-3 since=c0ffee-2\n"
        );
    }

    #[test]
    fn a_watcher_that_fell_far_behind_is_sent_the_whole_list() {
        let (world, setting, start) = (World::new(), Setting::default(), Instant::now());
        world.put(1, 0);
        let (mut session, first) = watch(&world, &setting, "WATCH since=c0ffee-1", start);
        assert_eq!(first, "END count=0 rev=c0ffee-1 since=c0ffee-1\n");
        for players in 0..5_000 {
            world.put(1, players % 10);
        }
        assert_eq!(
            next(&mut session, start).1,
            "INFOS ip=192.0.2.1 port=1 nbplayers=9\nEND count=1 rev=c0ffee-5001\n"
        );
    }

    #[test]
    fn a_watcher_may_still_ask_for_a_pong_and_leave() {
        let (world, setting, now) = (World::new(), Setting::default(), Instant::now());
        let (mut session, _) = watch(&world, &setting, "WATCH", now);
        let mut say = |line| {
            let mut out = Outbox::default();
            session.on_line(line, now, &mut out);
            (out.take_text(), out.ending.clone())
        };
        assert_eq!(say(Ok("PING 7")), ("PONG 7\n".to_owned(), None));
        assert_eq!(say(Ok("")), (String::new(), None));
        for wrong in [
            Ok("LIST"),
            Ok("WATCH"),
            Ok("DANCE"),
            Err(LineError::NotText),
        ] {
            let (answer, closing) = say(wrong);
            assert!(answer.starts_with("ERR ") && closing.is_none(), "{answer}");
        }
        assert!(say(Ok("HELP")).0.ends_with("OK\n"));
        assert_eq!(say(Ok("QUIT")), ("OK bye\n".to_owned(), Some(Ending::Done)));
    }

    #[test]
    fn a_watcher_that_never_stops_talking_is_sent_away() {
        let (world, setting, now) = (World::new(), Setting::default(), Instant::now());
        let (mut session, _) = watch(&world, &setting, "WATCH", now);
        let mut out = Outbox::default();
        let lines = (0..).take_while(|_| {
            session.on_line(Ok("PING"), now, &mut out);
            out.ending.is_none()
        });
        assert_eq!(lines.count(), 200);
        assert!(
            out.take_text()
                .ends_with("ERR too-many more than 20 lines a second for 10 s\n")
        );
    }
}
