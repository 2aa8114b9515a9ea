//! The doors through which unmodified games come and go: each speaks the protocol of one family's
//! masters.
//!
//! In reading order: `desk` stands between the doors and the tracker, `hall` is what a door needs,
//! `quake` is one;
//! `error` says why a bridge does not start, and `run` is the command.

mod desk;

pub mod hall;

pub mod quake;

mod error;

mod run;

pub use desk::{Desk, Listing, Memory, Outcome, Wanted};
pub use error::BridgeError;
pub use run::{Options, bridge};
