//! The terminal of the browser: what is written to it and what comes from it.
//!
//! In reading order: [`screen`] is what must be written to show something else, and pure; `raw_mode`
//! how the terminal is taken and given back; `input` what is typed.

pub mod screen;

mod raw_mode;

pub(crate) mod input;

pub(crate) use raw_mode::Terminal;
