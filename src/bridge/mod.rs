//! The doors through which unmodified games come and go: each speaks the protocol of one family's
//! masters.
//!
//! In reading order: `desk` stands between the doors and the tracker.

mod desk;

pub use desk::{Desk, Listing, Wanted};
