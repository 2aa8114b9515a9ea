//! What has changed lately.
//!
//! The last changes are kept, each with the entry before and after it. When there are more of them than
//! game servers on the list, the oldest are forgotten: the whole list is shorter then.

use crate::protocol::fields::Filter;
use crate::tracker::list::entry::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// Changes that are kept even of a short list.
pub(crate) const LEAST_KEPT: usize = 1024;

/// Changes per chunk. A reader takes references to the chunks, while new changes still go into the last of
/// them.
const CHUNK: usize = 64;

type Chunk = [OnceLock<Change>];

/// One change: a game server came (no `before`), left (no `after`), or said something new, which
/// may be another port.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) before: Option<Arc<Entry>>,
    pub(crate) after: Option<Arc<Entry>>,
}

/// The last changes, in the order in which they happened.
#[derive(Debug, Default)]
pub(crate) struct History {
    chunks: VecDeque<Arc<Chunk>>,
    /// How many changes came before those in `chunks`.
    forgotten: u64,
    /// How many changes there were in all.
    count: u64,
}

impl History {
    /// Adds one change of a list that has `listed` game servers after it.
    pub(crate) fn push(&mut self, change: Change, listed: usize) {
        let at = (self.count - self.forgotten) as usize % CHUNK;
        if at == 0 {
            // Collected, since an array would be made on the stack first, which takes 3 KiB more of every
            // thread that does it.
            self.chunks
                .push_back((0..CHUNK).map(|_| OnceLock::new()).collect());
        }
        if let Some(chunk) = self.chunks.back() {
            // Every slot is set once: the count only grows.
            let _ = chunk[at].set(change);
        }
        self.count += 1;
        let kept = listed.max(LEAST_KEPT) as u64;
        while self.count - self.forgotten >= kept + CHUNK as u64 {
            self.chunks.pop_front();
            self.forgotten += CHUNK as u64;
        }
    }

    /// The changes after the first `count` ones, up to the first `until` ones. `None` if some of
    /// them are forgotten, or have not happened yet.
    pub(crate) fn between(&self, count: u64, until: u64) -> Option<Recent> {
        if !(self.forgotten..=until).contains(&count) || until > self.count {
            return None;
        }
        let skip = (count - self.forgotten) as usize;
        let first = skip / CHUNK;
        Some(Recent {
            chunks: self
                .chunks
                .range(first.min(self.chunks.len())..)
                .map(Arc::clone)
                .collect(),
            skip: skip - first * CHUNK,
            changes: (until - count) as usize,
        })
    }
}

/// What has changed between two revisions.
#[derive(Debug)]
pub struct Recent {
    chunks: Vec<Arc<Chunk>>,
    /// Changes at the beginning of the first chunk that are older.
    skip: usize,
    /// How many changes there are.
    changes: usize,
}

impl Recent {
    /// How many changes there were.
    pub(crate) fn count(&self) -> usize {
        self.changes
    }

    /// The lines that lead from the older list to the newer one, and how many they are: `INFOS` for each
    /// game server that is new or different, `GONE` for each that has left, with `filter` applied to both
    /// lists. There is at most one line for each address, so their order means nothing.
    pub(crate) fn encode(&self, filter: &Filter) -> (usize, String) {
        let mut lines = String::new();
        let mut count = 0;
        for (address, before, after) in self.differences() {
            let passes = |entry: &Option<&Entry>| entry.is_some_and(|e| filter.matches(&e.infos));
            match (
                before.filter(|_| passes(&before)),
                after.filter(|_| passes(&after)),
            ) {
                (None, None) => continue,
                (Some(before), Some(after)) if before.infos == after.infos => continue,
                (_, Some(after)) => lines.extend(after.line()),
                (Some(_), None) => {
                    // Writing into a String does not fail.
                    let _ = writeln!(lines, "GONE ip={} port={}", address.ip(), address.port());
                }
            }
            count += 1;
        }
        (count, lines)
    }

    /// Every address that was touched, with what was there at first and what is there at last.
    pub(crate) fn differences(&self) -> Vec<(SocketAddr, Option<&Entry>, Option<&Entry>)> {
        let mut found: Vec<(SocketAddr, Option<&Entry>, Option<&Entry>)> = Vec::new();
        let mut place_of: HashMap<SocketAddr, usize> = HashMap::new();
        for change in self.changes() {
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let addresses = [before, after].map(|entry| entry.map(|entry| entry.address));
            let is_move = addresses[0] != addresses[1];
            for address in addresses
                .into_iter()
                .flatten()
                .take(1 + usize::from(is_move))
            {
                let at_it = |entry: Option<&'_ Entry>| entry.is_some_and(|e| e.address == address);
                let now = after.filter(|_| at_it(after));
                match place_of.get(&address) {
                    Some(&place) => found[place].2 = now,
                    None => {
                        place_of.insert(address, found.len());
                        found.push((address, before.filter(|_| at_it(before)), now));
                    }
                }
            }
        }
        found
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        let these = all.skip(self.skip).take(self.changes);
        these.filter_map(OnceLock::get)
    }
}
