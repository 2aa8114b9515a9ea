//! What a player's program runs: asks trackers for the list, keeps it up to date, and measures
//! which game servers are near.
//!
//! In reading order: [`TrackerAddress`] is where a tracker is, [`conditions`] what is wanted of it,
//! [`known`] the list as a client knows it, [`mod@fetch`] asks once, [`watch`] stays and is told
//! what changes, [`doubt`] says what speaks against an entry, [`ping`] measures from here, and
//! [`mod@width`] fits what strangers wrote into the columns of a terminal. [`mod@list`] is the
//! command that does all of it once.
//!
//! Nothing that a tracker or a game server sends is trusted: every wait has a deadline, every
//! buffer a bound, and text that is not plain is spelled out or refused.

mod backoff;
pub mod browse;
pub mod conditions;
mod connection;
pub mod doubt;
pub mod error;
pub mod fetch;
pub mod known;
pub mod list;
pub mod ping;
mod random;
pub mod watch;
pub mod width;

pub use conditions::Conditions;
pub use error::Error;
pub use fetch::fetch;
pub use known::KnownList;

/// The port on which trackers answer clients.
pub const TRACKER_PORT: u16 = 23471;

/// A tracker's client port: `HOST[:PORT]`, IPv6 in brackets, port [`TRACKER_PORT`] if none is given.
///
/// ```
/// use gltracker::client::TrackerAddress;
/// let address: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!(address.to_string(), "tracker.example:23471");
/// # Ok::<(), gltracker::reach::NotAnAddress>(())
/// ```
pub type TrackerAddress = crate::reach::Address<TRACKER_PORT>;
