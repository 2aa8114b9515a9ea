//! The conversation with a watcher: a client that stays and is told what changes.
//!
//! It has had its first answer when this begins. From then on it has the list of one revision, and
//! is sent what has changed since. It is never owed anything but the way from there to the newest
//! state, so however slow it is, nothing piles up for it.

use super::answer::{Batch, Question};
use super::watch::Watch;
use super::{Mistakes, Outbox, Pace, Session, Setting, answer_common};
use crate::protocol::command::ClientCommand;
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::revision::Revision;
use std::sync::Arc;
use std::time::Instant;

/// What the conversation needs from the tracker around it, beside what any client's does.
pub trait Services: super::client::Services {
    /// The state of the list now.
    fn revision(&self) -> Revision;
    /// The way to that state, for all who are asked by this question.
    fn batch(&self, question: Question) -> Arc<Batch>;
}

/// One watcher's conversation.
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
        let pace = Pace::new(watch.told_at);
        let mistakes = Mistakes {
            proven: true,
            made: 0,
        };
        Self {
            services,
            setting,
            watch,
            pace,
            mistakes,
        }
    }

    /// What it was given to ask.
    pub fn services(&self) -> &S {
        &self.services
    }

    /// True if the client knows the newest state of the list, or is being sent it.
    pub fn knows_all(&self) -> bool {
        self.services.revision() == self.watch.revision
    }

    fn obey(&mut self, line: &str, out: &mut Outbox) -> Result<(), Refusal> {
        match ClientCommand::parse(line)? {
            ClientCommand::Common(command) => {
                let help = || {
                    "This connection watches the list: what changes is sent as it happens.\n\
                     PING <word>    is answered PONG <word>\n\
                     QUIT           closes the connection"
                        .to_owned()
                };
                answer_common(command, help, || self.services.stats(), out)
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
        if (!self.services.is_trusted() && self.pace.count(now, out)) || line == Ok("") {
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
        if !self.services.is_trusted() {
            self.pace.count(now, out);
        }
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
mod tests;
