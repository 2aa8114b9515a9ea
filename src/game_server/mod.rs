//! What a game server runs: it announces itself to trackers and answers those who ask for it.
//!
//! A game in Rust holds an [`Announcer`] for as long as it wants players to find it. If it does
//! not read datagrams itself, a [`Pong`] answers players and trackers for it; if it does, it looks
//! at them with [`Datagram`] and brings the numbers to the [`Relay`]. Any other game is started by
//! `gltracker announce`.
//!
//! Pure are `fields` (what is still to be said), `conversation` (one connection as a state
//! machine), `proofs` (which numbers are passed on), `refusal` (what a "no" means), `datagram` (what
//! is answered) and `backoff` (when to try again). `link` is where they meet threads and sockets.

pub mod announce;
mod announce_error;
mod announcer;
mod answering;
mod backoff;
pub mod conversation;
mod credential;
mod datagram;
mod event;
mod fields;
mod life;
mod link;
mod mailbox;
mod options;
mod pong;
mod program;
mod proofs;
mod refusal;
mod report;
pub mod updates;

pub use announcer::{Announcer, Relay, StartError};
pub use backoff::LONGEST_WAIT;
pub use credential::{Credential, CredentialError};
pub use datagram::{Datagram, MAX_DATAGRAM};
pub use event::{Event, Happening};
pub use pong::{Pong, PongError, PongPlace, PongPort};
pub use refusal::{Fate, Situation, Stage, TrackerRefusal};

/// The port where trackers expect game servers, by tradition.
pub const TRACKER_PORT: u16 = 23470;

/// A tracker's port for game servers: `HOST[:PORT]`, IPv6 in brackets, port [`TRACKER_PORT`] if none
/// is given.
///
/// ```
/// use gltracker::game_server::TrackerAddress;
/// let tracker: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!((tracker.host(), tracker.port()), ("tracker.example", 23470));
/// # Ok::<(), gltracker::reach::NotAnAddress>(())
/// ```
pub type TrackerAddress = crate::reach::Address<TRACKER_PORT>;
