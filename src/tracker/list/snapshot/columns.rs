//! The fields of a leaf's lines by key, so that a filter reads only the values of its own keys.
//!
//! The lines are taken apart at the first filter after a change, for all filters that follow. A client that
//! asks for the whole list, and a change, cost nothing more.

use crate::protocol::fields::places;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The verb that every line begins with.
const VERB: &str = "INFOS";

/// The values for which a column has room at first.
const ROOM: usize = 4;

/// Columns that are made when they are first needed.
#[derive(Debug, Default)]
pub(super) struct LazyColumns(OnceLock<Box<Columns>>);

/// A leaf is copied to be changed, so its columns are not copied.
impl Clone for LazyColumns {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl LazyColumns {
    /// Those of the lines in `encoded`, which end at `ends`.
    pub(super) fn of(&self, encoded: &[u8], ends: &[u32]) -> &Columns {
        self.0.get_or_init(|| Box::new(Columns::new(encoded, ends)))
    }

    /// The lines are about to change.
    pub(super) fn forget(&mut self) {
        self.0.take();
    }
}

/// What the lines of one leaf say, by key.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    place_of: HashMap<Box<[u8]>, usize>,
}

#[derive(Debug)]
struct Column {
    key: Box<[u8]>,
    /// The lines that have the key, as bits.
    lines: u128,
    /// One for each of them, in order.
    cells: Vec<Cell>,
}

/// One value.
#[derive(Debug, Clone, Copy)]
struct Cell {
    line: u8,
    /// Bytes of its spelling.
    length: u16,
    /// Where it begins in the text of the leaf.
    start: u32,
}

impl Columns {
    fn new(encoded: &[u8], ends: &[u32]) -> Self {
        let mut columns = Self::default();
        let mut start = 0;
        for (line, &end) in (0..).zip(ends) {
            start += VERB.len();
            columns.add(line, start, &encoded[start..end as usize - 1]);
            start = end as usize;
        }
        columns
    }

    /// Adds the fields that `spelled` spells, which begins at `start`.
    fn add(&mut self, line: u8, start: usize, spelled: &[u8]) {
        let mut likely = 0;
        for (key, value) in places(spelled) {
            let place = self.place(&spelled[key], likely);
            let column = &mut self.columns[place];
            column.lines |= 1 << line;
            column.cells.push(Cell {
                line,
                length: value.len() as u16,
                start: (start + value.start) as u32,
            });
            likely = place + 1;
        }
    }

    /// The index of the column of `key`. Most lines have the keys of the line before, in the same order, so
    /// the `likely` index is tried first.
    fn place(&mut self, key: &[u8], likely: usize) -> usize {
        if self
            .columns
            .get(likely)
            .is_some_and(|column| *column.key == *key)
        {
            return likely;
        }
        if let Some(&place) = self.place_of.get(key) {
            return place;
        }
        let place = self.columns.len();
        self.place_of.insert(key.into(), place);
        self.columns.push(Column {
            key: key.into(),
            lines: 0,
            // Most keys are those of many lines.
            cells: Vec::with_capacity(ROOM),
        });
        place
    }

    /// The lines that have `key`, as bits, and its spelled values in `encoded`, each with its line.
    pub(super) fn values<'a>(
        &'a self,
        encoded: &'a [u8],
        key: &str,
    ) -> (u128, impl Iterator<Item = (u32, &'a [u8])> + use<'a>) {
        let column = self
            .place_of
            .get(key.as_bytes())
            .map(|&place| &self.columns[place]);
        let (lines, cells) = column.map_or((0, &[][..]), |column| (column.lines, &column.cells));
        let values = cells.iter().map(|cell| {
            let value = &encoded[cell.start as usize..][..usize::from(cell.length)];
            (cell.line.into(), value)
        });
        (lines, values)
    }
}
