//! The line of progress, and the width of the terminal.
//!
//! This file hides how that line is overwritten, and where the width is taken from.

use crate::client::stty;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The width of a terminal that does not tell its own.
const USUAL_COLUMNS: usize = 80;

/// How many columns standard output has; `None` if it is not a terminal.
pub(crate) fn columns() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    Some(
        told.filter(|&columns| columns > 0)
            .or_else(measured)
            .unwrap_or(USUAL_COLUMNS),
    )
}

fn measured() -> Option<usize> {
    stty::size().map(|(columns, _)| columns)
}

/// A line on standard error that is overwritten again and again, if that is a terminal.
pub(crate) struct Progress {
    /// Columns of the terminal, if it is one.
    columns: Option<usize>,
    /// Columns of the present text.
    shown: usize,
    last: Option<Instant>,
}

impl Progress {
    /// The least time between two changes.
    pub(crate) const PERIOD: Duration = Duration::from_millis(100);

    pub(crate) fn new() -> Self {
        Self {
            columns: io::stderr()
                .is_terminal()
                .then(|| measured().unwrap_or(USUAL_COLUMNS)),
            shown: 0,
            last: None,
        }
    }

    /// Shows `text`, cut to the width of the terminal, unless the line has changed just now. Each
    /// character of `text` takes one column.
    pub(crate) fn show(&mut self, text: &str) {
        let is_too_soon = self.last.is_some_and(|last| last.elapsed() < Self::PERIOD);
        let Some(columns) = self.columns.filter(|_| !is_too_soon) else {
            return;
        };
        self.last = Some(Instant::now());
        // Text in the last column would move the cursor to the next line.
        let text = format!("{text} …")
            .chars()
            .take(columns - 1)
            .collect::<String>();
        let before = self.shown;
        self.shown = text.chars().count();
        // An error does not matter.
        let _ = write!(io::stderr(), "\r{text:before$}");
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.shown > 0 {
            let _ = write!(io::stderr(), "\r{:1$}\r", "", self.shown);
            self.shown = 0;
            self.last = None;
        }
    }
}
