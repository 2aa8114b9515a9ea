//! What travels between trackers and the engine. Pure. Each file imports only from those above it:
//!
//! - [`resp`]: how commands and replies are written.
//! - [`names`]: what the keys are called, and what the short ones among them hold.
//! - [`record`]: what is owned and what has changed, as text.

pub mod resp;

pub mod names;

pub mod record;
