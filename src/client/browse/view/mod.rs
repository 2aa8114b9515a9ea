//! What the browser shows: a model and a size become lines. Pure.
//!
//! In reading order: `line` is one line of the screen, `pages` the pages behind the list, `status` the
//! two lines at the bottom, and `draw` the list and the whole screen.

mod line;

mod pages;

mod status;

mod draw;

pub use draw::{draw, ping};
pub use line::{Line, Style};
pub(crate) use pages::most_scrolled;

#[cfg(test)]
mod tests;
