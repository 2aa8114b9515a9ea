//! One line of the screen: plain text, in one style. Pure.

use crate::client::width::{cut, plain};

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
}

impl Line {
    /// A line of this text, cut to this many columns. Characters that are not plain text are spelled
    /// out, and piled-up combining marks, which would reach into other lines, are removed.
    pub(crate) fn new(style: Style, text: &str, columns: usize) -> Self {
        let text = cut(&plain(text, usize::MAX), columns).into_owned();
        Self { text, style }
    }
}
