//! How a tracker is asked for its list.
//!
//! In reading order: `exchange` is one connection with requests and answers, [`fetch()`] asks
//! once, and [`watch`] stays and is told what changes.

mod exchange;

mod fetch;

pub mod watch;

pub use fetch::fetch;
pub(crate) use fetch::fetch_within;
