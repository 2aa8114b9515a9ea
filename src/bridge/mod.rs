//! The doors through which unmodified games come and go: each speaks the protocol of one family's
//! masters.
//!
//! In reading order: `desk` stands between the doors and the tracker, `hall` is what a door needs,
//! `quake` and `cube` are the doors of two families, `state_file` what survives a restart, and `upstream`
//! the tracker's side; `error` says why a bridge does not start, `report` what an operator learns of it,
//! and `run` is the command.

mod desk;

pub mod hall;

pub mod quake;

pub mod cube;

mod state_file;

mod upstream;

mod error;

mod report;

mod run;

pub use desk::{Desk, Listing, Memory, Outcome, Wanted};
pub use error::BridgeError;
pub use run::{Options, bridge, start};
