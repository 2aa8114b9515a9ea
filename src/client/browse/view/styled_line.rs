//! One line of the screen: plain text, in one style. Pure.

use crate::client::width::{cut, pad, plain};

/// How a piece of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As everything else.
    Plain,
    /// The head of the table.
    Title,
    /// A game server that one cannot play on.
    Dim,
    /// The selected row.
    Selected,
    /// The two lines at the bottom.
    Status,
    /// Something that needs attention.
    Warning,
}

/// One line of the screen: plain text, in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says; plain text, not wider than the screen.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// Where the columns of a table begin: in bytes of the text, and in columns of the screen.
    pub stops: Vec<(usize, usize)>,
}

impl Line {
    /// A line of this text, cut to this many columns. Characters that are not plain text are spelled
    /// out, and piled-up combining marks, which would reach into other lines, are removed.
    pub(crate) fn new(style: Style, text: &str, columns: usize) -> Self {
        let text = cut(&plain(text, usize::MAX), columns).into_owned();
        let stops = Vec::new();
        Self { text, style, stops }
    }

    /// A row of a table, as wide as the screen: plain texts, each as wide as its column, with a space between
    /// two.
    pub(crate) fn of_cells(
        style: Style,
        cells: &[String],
        widths: &[usize],
        columns: usize,
    ) -> Self {
        let (mut text, mut stops, mut at) = (String::new(), Vec::new(), 0);
        for (cell, width) in cells.iter().zip(widths) {
            stops.push((text.len(), at));
            text = text + cell + " ";
            at += width + 1;
        }
        let line = Self::new(style, &pad(text.trim_end(), columns), columns);
        // A screen that is narrower than the table has no place for the last of them.
        stops.retain(|(byte, _)| line.text.get(*byte..).is_some());
        Self { stops, ..line }
    }

    /// The pieces of the text, each with the column in which it begins.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, &str)> {
        let ends = self.stops.iter().skip(1).map(|(byte, _)| *byte);
        let starts = self.stops.iter().copied();
        let pieces = starts.zip(ends.chain([self.text.len()]));
        let whole = self.stops.is_empty().then_some((0, self.text.as_str()));
        let pieces = pieces.map(|((start, column), end)| (column, &self.text[start..end]));
        whole.into_iter().chain(pieces)
    }
}
