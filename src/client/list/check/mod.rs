//! `gltracker list --check`: why a player sees nothing, and whether a tracker is well.
//!
//! In reading order: `answer` is what came of LIST, `entries` of what stands on the list, `pings` of
//! pinging from here; these are pure. `seen` is what a player's program finds out, for the check of a
//! game server too, and `run` is the command.

mod answer;

mod entries;

mod pings;

pub mod seen;

mod run;

pub use run::check;
