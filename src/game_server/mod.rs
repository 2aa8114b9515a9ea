//! What a game server runs: it announces itself to trackers and answers those who ask for it.
//!
//! A game in Rust holds an [`Announcer`] for as long as it wants players to find it. If it does
//! not read datagrams itself, a [`Pong`] answers players and trackers for it; if it does, it looks
//! at them with [`Datagram`] and brings the numbers to the [`Relay`]. Any other game is started by
//! `gltracker announce`.
//!
//! In reading order: [`session`] is one connection to a tracker without the connection, and pure;
//! `secret` is where the password comes from, `event` what becomes known; `link` one tracker with its
//! threads and sockets; `announcer` all trackers of a game server; `pong` the answers by UDP; [`mod@announce`] the command,
//! and [`mod@check`] says why it does not list the game server.

mod tracker_address;

pub mod session;

pub(crate) mod secret;

mod event;

mod link;

mod announcer;

mod pong;

pub mod announce;

pub mod check;

pub use announcer::{Announcer, Relay, StartError};
pub use event::{Event, Happening};
pub use link::LONGEST_WAIT;
pub use pong::{Datagram, MAX_DATAGRAM, Pong, PongError, PongPlace, PongPort};
pub use secret::{Secret, SecretError};
pub use session::{Credential, CredentialError, Fate, Situation, Stage, TrackerRefusal};
pub use tracker_address::{TRACKER_PORT, TrackerAddress};
