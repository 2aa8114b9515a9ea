//! The terminal of the browser.
//!
//! In reading order: [`screen`] computes the bytes to write, and is pure; `raw_mode` takes the terminal
//! over and gives it back; `input` reads it.

pub mod screen;

mod raw_mode;

pub(crate) mod input;

pub(crate) use raw_mode::Terminal;
