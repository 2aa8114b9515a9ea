//! One tracker of a game server: its connections, one after the other.
//!
//! In reading order: `retry` is when to try again, and pure; `mailbox` how one thread waits for
//! all others; `reader` the thread that reads a connection; `connections` the one that talks and decides.

mod retry;

mod mailbox;

mod reader;

mod connections;

pub(crate) use connections::{Link, Shared};
pub(crate) use mailbox::Mailbox;
pub use retry::LONGEST_WAIT;
