//! `gltracker list`: asks, pings, prints the nearest first.
//!
//! In reading order: [`found`] merges and sorts, [`table`] and [`export`] write, `progress` shows how
//! far it has got, `run` waits for all trackers and game servers, and [`mod@check`] says why there is
//! nothing to see.

pub mod found;

pub mod table;

pub mod export;

mod progress;

mod run;

pub mod check;

pub use run::{Format, Outcome, Request, list};
