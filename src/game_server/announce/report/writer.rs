//! The report to the admin of a game server, on standard error.
//!
//! A thread of its own writes it: nobody else waits, even if nobody reads standard error.

use super::reporter::Reporter;
use crate::base::threads;
use crate::game_server::event::Event;
use crate::game_server::session::Situation;
use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How many messages may wait to be written.
const MAX_QUEUED: usize = 256;

/// How long the end of the program waits for the last messages to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

enum Message {
    Event(Event, Situation),
    Text(String),
    Asked(IpAddr),
    Flush(SyncSender<()>),
}

/// Writes to standard error from a thread of its own.
#[derive(Debug, Clone)]
pub(crate) struct Report(SyncSender<Message>);

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Report {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has none left.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(MAX_QUEUED);
        threads::start("report", threads::STACK, move || write_all(&messages))?;
        Ok(Self(queue))
    }

    /// Something has happened with a tracker.
    pub(crate) fn event(&self, event: Event, situation: Situation) {
        // If the queue is full nobody reads standard error.
        let _ = self.0.try_send(Message::Event(event, situation));
    }

    /// The game server has answered at this address.
    pub(crate) fn asked(&self, ip: IpAddr) {
        let _ = self.0.try_send(Message::Asked(ip));
    }

    /// Anything else. The text must be plain.
    pub(crate) fn text(&self, text: impl Display) {
        let _ = self.0.try_send(Message::Text(text.to_string()));
    }

    /// Waits for a moment until all of it is written.
    pub(crate) fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

fn write_all(messages: &Receiver<Message>) {
    let mut reporter = Reporter::default();
    for message in messages {
        let lines = match message {
            Message::Event(event, situation) => reporter.lines(&event, situation, Instant::now()),
            Message::Text(text) => vec![text],
            Message::Asked(ip) => {
                reporter.asked(ip);
                continue;
            }
            Message::Flush(done) => {
                let _ = done.try_send(());
                continue;
            }
        };
        for line in lines.iter().flat_map(|text| text.lines()) {
            // One write for a line: the game may write to the same place.
            let _ = std::io::stderr().write_all(format!("gltracker: {line}\n").as_bytes());
        }
    }
}
