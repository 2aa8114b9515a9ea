//! A piece of the list: up to 128 game servers, always encoded.

use super::columns::LazyColumns;
use crate::protocol::fields::Filter;
use crate::tracker::list::entry::Entry;
use std::ops::Range;
use std::sync::Arc;

/// Game servers per leaf. 128 lines are about 18 KiB. A change moves what is behind its line, which costs
/// no more than with a quarter of that (`cargo bench --bench growth`). A list of 10,000 is 79 pieces to
/// send; in pieces of 4 KiB it took a fifth more CPU time.
pub(super) const LEAF: usize = 128;

/// Up to [`LEAF`] game servers.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaf {
    pub(super) entries: Vec<Arc<Entry>>,
    /// The lines of `entries`, one after the other.
    pub(super) encoded: Vec<u8>,
    /// Where each of them ends. Kept here, since the entries themselves lie all over the memory.
    ends: Vec<u32>,
    columns: LazyColumns,
}

impl Leaf {
    /// The places of the game servers that satisfy `filter`, as bits.
    pub(super) fn select(&self, filter: &Filter) -> u128 {
        let all = u128::MAX >> (LEAF - self.ends.len().clamp(1, LEAF));
        let columns = self.columns.of(&self.encoded, &self.ends);
        filter.select(all, |key| columns.values(&self.encoded, key))
    }

    /// Appends the lines of the game servers whose bits are set.
    pub(super) fn push_selected(&self, mut selected: u128, encoded: &mut Vec<u8>) {
        while selected != 0 {
            let first = selected.trailing_zeros() as usize;
            // Neighbours are copied together.
            let run = (selected >> first).trailing_ones() as usize;
            let lines = self.line(first).start..self.line(first + run - 1).end;
            encoded.extend_from_slice(&self.encoded[lines]);
            selected &= u128::MAX.checked_shl((first + run) as u32).unwrap_or(0);
        }
    }

    fn line(&self, at: usize) -> Range<usize> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[at] as usize
    }

    /// Makes room for `more` bytes, and an eighth more. A vector would double its room, and this room is
    /// most of what a list takes.
    fn make_room(&mut self, more: usize) {
        if self.encoded.capacity() - self.encoded.len() < more {
            self.encoded.reserve_exact(more + self.encoded.len() / 8);
        }
    }

    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        self.columns.forget();
        self.make_room(entry.line().map(str::len).iter().sum());
        push_line(&mut self.encoded, &entry);
        self.ends.push(self.encoded.len() as u32);
        self.entries.push(entry);
    }

    pub(super) fn replace(&mut self, at: usize, entry: Arc<Entry>) -> Arc<Entry> {
        self.columns.forget();
        let old = self.line(at);
        let (before, after) = (old.len(), entry.line().map(str::len).iter().sum::<usize>());
        if before != after {
            self.move_rest(at, old.clone(), after);
        }
        let mut rest = &mut self.encoded[old.start..];
        for piece in entry.line() {
            let (room, behind) = rest.split_at_mut(piece.len());
            room.copy_from_slice(piece.as_bytes());
            rest = behind;
        }
        std::mem::replace(&mut self.entries[at], entry)
    }

    /// Moves what is behind the line `at`, so that one of `after` bytes fits in place of `old`.
    fn move_rest(&mut self, at: usize, old: Range<usize>, after: usize) {
        let (before, length) = (old.len(), self.encoded.len());
        self.make_room(after.saturating_sub(before));
        self.encoded.resize(length.max(length + after - before), 0);
        self.encoded.copy_within(old.end..length, old.start + after);
        self.encoded.truncate(length + after - before);
        for end in &mut self.ends[at..] {
            *end = *end + after as u32 - before as u32;
        }
    }

    pub(super) fn pop(&mut self) {
        self.columns.forget();
        self.entries.pop();
        self.ends.pop();
        let end = self.ends.last().map_or(0, |end| *end as usize);
        self.encoded.truncate(end);
    }
}

fn push_line(encoded: &mut Vec<u8>, entry: &Entry) {
    for piece in entry.line() {
        encoded.extend_from_slice(piece.as_bytes());
    }
}
