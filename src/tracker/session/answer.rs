//! What LIST and WATCH are answered with.
//!
//! This file hides how the list, or what has changed in it, becomes lines with an END behind them.

use super::Outbox;
use crate::protocol::message::Request;
use crate::protocol::revision::Revision;
use crate::tracker::history::Recent;
use crate::tracker::list::List;
use std::fmt::Write;
use std::sync::Arc;

/// The lines of an answer.
#[derive(Debug)]
enum Lines {
    /// The whole list.
    All(Arc<List>),
    /// Some lines, each with its LF.
    Some(Vec<u8>),
}

/// An answer: lines, and the END that says how many they are and what they show.
#[derive(Debug)]
pub struct Answer {
    count: usize,
    revision: Revision,
    /// Shows only what has changed since.
    since: Option<Revision>,
    lines: Lines,
}

impl Answer {
    /// The answer to `request` while the list is `list`. `recent` is what has changed in it since
    /// the revision that is asked for, if that can be told.
    pub fn new(request: &Request, list: Arc<List>, recent: Option<Recent>) -> Self {
        let revision = list.revision();
        let since = request.since.filter(|_| recent.is_some());
        let (count, lines) = match recent {
            Some(recent) => {
                let (count, lines) = recent.encode(&request.filter);
                (count, Lines::Some(lines.into_bytes()))
            }
            None if request.filter.is_empty() => (list.count(), Lines::All(list)),
            None => {
                let (count, lines) = list.encode_matching(&request.filter);
                (count, Lines::Some(lines))
            }
        };
        Self {
            count,
            revision,
            since,
            lines,
        }
    }

    /// The state of the list that whoever reads this knows then.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// True if whoever has the older list learns nothing from this.
    pub fn is_empty(&self) -> bool {
        self.since.is_some() && self.count == 0
    }

    /// Puts it where it is sent from.
    pub fn send(self, out: &mut Outbox) {
        let end = self.end();
        match self.lines {
            Lines::All(list) => out.list(list),
            Lines::Some(lines) => out.text(lines),
        }
        out.line(end);
    }

    /// The bytes of it, to be sent to many.
    pub fn gather(self) -> Arc<[u8]> {
        let end = self.end();
        let mut bytes = match self.lines {
            Lines::All(list) => list.encoded().flatten().copied().collect(),
            Lines::Some(lines) => lines,
        };
        bytes.extend_from_slice(end.as_bytes());
        bytes.push(b'\n');
        bytes.into()
    }

    fn end(&self) -> String {
        let mut end = format!("END count={} rev={}", self.count, self.revision);
        if let Some(since) = self.since {
            // Writing into a String does not fail.
            let _ = write!(end, " since={since}");
        }
        end
    }
}
