//! What travels between trackers and the engine. Pure.
//!
//! In reading order: `resp` is how commands and replies are written, `names` what the keys are called and what
//! the short ones among them hold.

pub mod resp;

pub mod names;
