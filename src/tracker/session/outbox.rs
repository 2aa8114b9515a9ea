//! What a session wants sent, and why it ends.

use super::watch::Watch;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::list::snapshot::List;
use std::sync::Arc;

/// A piece of what is to be sent.
#[derive(Debug)]
pub enum Chunk {
    /// Lines, each with its LF.
    Text(Vec<u8>),
    /// The INFOS lines of the whole list.
    List(Arc<List>),
    /// Lines that are sent to many.
    Shared(Arc<[u8]>),
}

impl Chunk {
    /// How many [`pieces`](Self::pieces) there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Text(_) | Self::Shared(_) => 1,
            Self::List(list) => list.pieces(),
        }
    }

    /// Its bytes, as they lie in memory one after the other.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let (lines, list) = match self {
            Self::Text(text) => (Some(&text[..]), None),
            Self::Shared(text) => (Some(&text[..]), None),
            Self::List(list) => (None, Some(list)),
        };
        let list = list.into_iter().flat_map(|list| list.encoded());
        lines.into_iter().chain(list)
    }
}

/// Why a connection is closed, or goes to another session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The peer said QUIT or hung up.
    Done,
    /// The client watches from now on: its next lines are for a
    /// [`WatcherSession`](super::watcher::WatcherSession).
    Watching(Watch),
    /// The tracker refuses to go on, and said so.
    Refused(Refusal),
    /// The peer did not take an answer in time.
    SlowReader,
    /// The connection broke, with this error of the system.
    Lost(String),
}

/// Why a connection is closed whose peer does not take an answer in time.
pub(crate) fn slow_reader() -> Refusal {
    Refusal::new(ErrorCode::SlowReader, "an answer was not read in time")
}

/// What a session wants sent, and whether that was the last of it.
#[derive(Debug, Default)]
pub struct Outbox {
    chunks: Vec<Chunk>,
    /// Why the session is to end, if it is.
    pub ending: Option<Ending>,
}

impl Outbox {
    /// Adds one line; the LF is put behind it.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        use std::io::Write;
        /// Most answers fit.
        const A_LINE: usize = 64;
        if !matches!(self.chunks.last(), Some(Chunk::Text(_))) {
            self.chunks.push(Chunk::Text(Vec::with_capacity(A_LINE)));
        }
        if let Some(Chunk::Text(text)) = self.chunks.last_mut() {
            // Writing into a Vec does not fail.
            let _ = writeln!(text, "{line}");
        }
    }

    /// Adds the INFOS lines of the whole list.
    pub(crate) fn list(&mut self, list: Arc<List>) {
        self.chunks.push(Chunk::List(list));
    }

    /// Adds whole lines that others are sent too.
    pub(crate) fn shared(&mut self, lines: Arc<[u8]>) {
        self.chunks.push(Chunk::Shared(lines));
    }

    /// True if the next line is not for this session any more.
    pub fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// Asks for the end once everything is sent. The first reason counts.
    pub(crate) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Says no, and closes.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.line(&refusal);
        self.end(Ending::Refused(refusal));
    }

    /// True if there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// True if so much is to be sent that it should go out now. A whole list does not count: it takes no
    /// memory here, and goes out together with what follows it, such as the answer to QUIT.
    pub(crate) fn is_large(&self) -> bool {
        const LARGE: usize = 4096;
        const MANY: usize = 4;
        let copied = self.chunks.iter().map(|chunk| match chunk {
            Chunk::Text(text) => text.len(),
            Chunk::Shared(text) => text.len(),
            Chunk::List(_) => 0,
        });
        self.chunks.len() >= MANY || copied.sum::<usize>() > LARGE
    }

    /// Takes out what is to be sent, leaving the box empty.
    pub fn take(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks)
    }
}

#[cfg(test)]
impl Outbox {
    /// Takes out what is to be sent, as text.
    pub(super) fn take_text(&mut self) -> String {
        let chunks = self.take();
        let bytes = chunks.iter().flat_map(Chunk::pieces).flatten().copied();
        String::from_utf8(bytes.collect()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_gather_in_one_piece() {
        let mut out = Outbox::default();
        out.line("OK");
        out.line("PONG");
        assert!(matches!(&out.take()[..], [Chunk::Text(text)] if text == b"OK\nPONG\n"));
        assert!(out.is_empty());
    }
}
