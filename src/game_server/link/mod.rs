//! One tracker of a game server: its connections, one after the other.
//!
//! In reading order: `retry` is when to try again, and pure; `mailbox` how one thread waits for
//! all others; `connections` the threads and sockets.

mod retry;

mod mailbox;

mod connections;

pub(crate) use connections::{Link, Shared};
pub(crate) use mailbox::Mailbox;
pub use retry::LONGEST_WAIT;
