//! `gltracker announce`: an announcer for games that have none.
//!
//! In reading order: `liveness` is whether the game server still runs, `updates` where lines with
//! updates come from, `program` the game server as a child, `error` why nothing is announced,
//! `options` what the command is told, `reporter` what it says,
//! `report` where, and `run` brings all of them together.

mod liveness;

mod updates;

mod program;

mod error;

mod options;

mod reporter;

mod report;

mod run;

pub use super::secret::Secret;
pub use error::AnnounceError;
pub use options::Options;
pub use run::announce;
pub use updates::{Follower, Numbered, read_lines};
