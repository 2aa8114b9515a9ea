//! The session with a game server. Each file imports only from those above it:
//!
//! - `services`: what it needs from the tracker around it.
//! - `whereabouts`: where a game server may say that it is.
//! - `port_check`: how often a UDP port is asked, and until when.
//! - `session_state`: how far a game server has got.
//! - `login`: the password or the key, and the challenge.
//! - `listing`: how it gets onto the list, and changes what stands there.
//! - `proof`: when an address must be proven, and what comes of it.
//! - `events`: what happens when a line comes or a deadline passes.

mod services;

mod whereabouts;

mod port_check;

mod session_state;

mod login;

mod listing;

mod proof;

mod events;

#[cfg(test)]
mod tests;

pub use port_check::LOWEST_PORT;
pub use services::{Services, taken, taken_over};
pub use session_state::GameServerSession;
