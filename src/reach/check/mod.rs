//! What the checks of a tracker have in common: that of a game server that is not listed, and that of
//! a player who sees nothing.
//!
//! In reading order: `step` is what comes of one step, `report` writes it, and `addresses` finds where
//! a tracker is. The first is pure.

mod step;

mod report;

mod addresses;

pub(crate) use addresses::{ANSWER_TIME, at_each, find, of_ports};
pub(crate) use report::Report;
pub(crate) use step::{Mark, Step, game_servers};
