//! What LIST and WATCH are answered with.
//!
//! The list, or what has changed in it, becomes lines with an END behind them. Their cost is known before.

use super::outbox::Outbox;
use crate::protocol::fields::Filter;
use crate::protocol::fields::Request;
use crate::protocol::revision::Revision;
use crate::tracker::list::history::Recent;
use crate::tracker::list::snapshot::List;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// CPU time to send one game server of a whole list: 131 us for 10,000 of 70 bytes.
const SEND: Duration = Duration::from_nanos(13);

/// CPU time to hold one game server against one condition: 20 to 120 us for 10,000
/// (`cargo bench --bench filters`).
const MATCH: Duration = Duration::from_nanos(12);

/// CPU time to see what has become of one game server that changed, whatever the conditions.
const COMPARE: Duration = Duration::from_nanos(700);

/// What an encoded answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Which game servers are of interest.
    pub filter: Filter,
    /// The revision that the client names, or was told last, and that END names again.
    pub since: Option<Revision>,
    /// A revision at which the client's part of the list was still the same: changes are looked for from
    /// there on.
    pub unchanged_until: Option<Revision>,
}

impl Question {
    /// The question to encode for `request`, where `recent` is what has changed since its revision; `None`
    /// if the whole list is sent as it is kept.
    pub(crate) fn of(request: &Request, recent: &Option<Recent>) -> Option<Self> {
        let since = request.since.filter(|_| recent.is_some());
        (since.is_some() || !request.filter.is_empty()).then(|| Self {
            filter: request.filter.clone(),
            since,
            unchanged_until: since,
        })
    }
}

/// Lines with an END, encoded once for all who asked the same at the same state of the list.
#[derive(Debug)]
pub struct Batch {
    /// The lines, each with its LF.
    pub text: Arc<[u8]>,
    /// The revision to which they lead.
    pub revision: Revision,
    /// There is nothing in it but END: a client with the older list learns nothing from it.
    pub is_empty: bool,
}

impl Batch {
    /// The answer to `question` while the list is `list`. `recent` is what has changed in it, if
    /// that can be told.
    pub fn new(question: &Question, list: &List, recent: Option<Recent>) -> Self {
        let filter = &question.filter;
        let since = question.since.filter(|_| recent.is_some());
        let (count, mut lines) = match recent {
            Some(recent) => {
                let (count, lines) = recent.encode(filter);
                (count, lines.into_bytes())
            }
            None if filter.is_empty() => {
                (list.count(), list.encoded().flatten().copied().collect())
            }
            None => list.encode_matching(filter),
        };
        let revision = list.revision();
        lines.extend_from_slice(end(count, revision, since).as_bytes());
        lines.push(b'\n');
        Self {
            text: lines.into(),
            revision,
            is_empty: since.is_some() && count == 0,
        }
    }
}

/// An answer that can be sent.
#[derive(Debug)]
pub enum Answer {
    /// The whole list as it is kept.
    Whole(Arc<List>),
    /// Lines that were encoded.
    Encoded(Arc<Batch>),
}

impl Answer {
    /// The answer to `request` while the list is `list`, encoded for it alone.
    pub fn new(request: &Request, list: Arc<List>, recent: Option<Recent>) -> Self {
        match Question::of(request, &recent) {
            None => Self::Whole(list),
            Some(question) => Self::Encoded(Arc::new(Batch::new(&question, &list, recent))),
        }
    }

    /// The revision that the reader of this answer has then.
    pub(crate) fn revision(&self) -> Revision {
        match self {
            Self::Whole(list) => list.revision(),
            Self::Encoded(batch) => batch.revision,
        }
    }

    /// Puts it into the outbox.
    pub(crate) fn send(self, out: &mut Outbox) {
        match self {
            Self::Whole(list) => {
                let end = end(list.count(), list.revision(), None);
                out.list(list);
                out.line(end);
            }
            Self::Encoded(batch) => out.shared(Arc::clone(&batch.text)),
        }
    }
}

/// The CPU time that it takes to answer a request with this filter while the list is `list`, if
/// nobody has asked the same before. `recent` is what has changed in it.
pub fn work(filter: &Filter, list: &List, recent: &Option<Recent>) -> Duration {
    let times = |each: Duration, count: usize| each * count.try_into().unwrap_or(u32::MAX);
    match recent {
        Some(recent) => times(COMPARE, recent.count()),
        None => times(SEND + times(MATCH, filter.conditions()), list.count()),
    }
}

fn end(count: usize, revision: Revision, since: Option<Revision>) -> String {
    let mut end = format!("END count={count} rev={revision}");
    if let Some(since) = since {
        // Writing into a String does not fail.
        let _ = write!(end, " since={since}");
    }
    end
}
