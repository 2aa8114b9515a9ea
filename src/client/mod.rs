//! What a player's program runs: asks trackers for the list, keeps it up to date, and measures
//! which game servers are near.
//!
//! In reading order: [`address`] is where a tracker is, [`conditions`] what is wanted of it,
//! [`known`] the list as a client knows it, [`mod@fetch`] asks once, [`watch`] stays and is told
//! what changes, [`doubt`] says what speaks against an entry, [`ping`] measures from here, and
//! [`mod@width`] fits what strangers wrote into the columns of a terminal. [`mod@list`] is the
//! command that does all of it once.
//!
//! Nothing that a tracker or a game server sends is trusted: every wait has a deadline, every
//! buffer a bound, and text that is not plain is spelled out or refused.

pub mod address;
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

pub use address::TrackerAddress;
pub use conditions::Conditions;
pub use error::Error;
pub use fetch::fetch;
pub use known::KnownList;
