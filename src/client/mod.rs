//! What a player's program runs: asks trackers for the list, keeps it up to date, and measures
//! which game servers are near.
//!
//! In reading order: [`TrackerAddress`] is where a tracker is, [`replica`] the list as a client knows
//! it, [`ask`] how it is fetched and followed, [`ping`] measures from here, [`mod@width`] fits what
//! strangers wrote into the columns of a terminal, [`mod@columns`] says which of it has one, `stty` asks how
//! many columns there are, [`mod@list`] is
//! the command that does all of it once, and [`mod@browse`] the one that goes on.
//!
//! Nothing that a tracker or a game server sends is trusted: every wait has a deadline, every
//! buffer a bound, and text that is not plain is spelled out or refused.

mod tracker_address;

pub mod replica;

pub mod ask;

pub mod ping;

pub mod width;

pub mod columns;

mod stty;

pub mod list;

pub mod browse;

pub use ask::{fetch, watch};
pub use replica::{Change, Conditions, Doubt, Error, KnownList};
pub use tracker_address::{TRACKER_PORT, TrackerAddress};
