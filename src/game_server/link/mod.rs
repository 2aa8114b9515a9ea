//! One tracker of a game server: its connections, one after the other.
//!
//! In reading order: `retry` decides when to try again, `siblings` whether another tracker has the same
//! list, and both are pure; `mailbox` is the queue of the
//! thread that talks; `reader` is the thread that reads, and `connections` the one that talks.

mod retry;

mod siblings;

mod mailbox;

mod reader;

mod connections;

pub(crate) use connections::{Link, Shared};
pub(crate) use mailbox::Mailbox;
pub use retry::LONGEST_WAIT;
pub(crate) use siblings::Siblings;
