//! `gltracker announce`: an announcer for games that have none.
//!
//! In reading order: `liveness` is whether the game server still runs, `updates` where lines with
//! updates come from, `program` the game server as a child, `ask` how one is asked that exists,
//! `error` why nothing is announced, `options` what the command is told, `report` what it says,
//! `state` what is announced, and `run` brings all of them together.

mod liveness;

mod updates;

mod program;

mod ask;

mod error;

mod options;

mod report;

mod state;

mod run;

pub use super::secret::Secret;
pub(super) use ask::{Answer, Verdict, start as start_asking};
pub use ask::{Asked, Target, Whom};
pub use error::AnnounceError;
pub use options::Options;
pub(super) use report::Report;
pub use run::announce;
pub(super) use state::State;
pub use updates::{Follower, Numbered, read_lines};
