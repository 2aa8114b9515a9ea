//! What the browser shows: a model and a size become lines. Pure.
//!
//! In reading order: `styled_line` is one line of the screen, `pages` are the pages behind the list,
//! `status` the two lines at the bottom, and `draw` the list and the whole screen.

mod styled_line;

mod pages;

mod status;

mod draw;

pub use draw::{draw, ping};
pub(crate) use pages::most_scrolled;
pub use styled_line::{Line, Style};

#[cfg(test)]
mod tests;
