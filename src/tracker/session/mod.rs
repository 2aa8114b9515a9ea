//! The sessions with game servers, clients and watchers, as state machines without sockets.
//!
//! A session is told what happened (a line came, a deadline passed, the peer stopped sending) and
//! when; it answers by putting what is to be sent into an [`Outbox`]. It owns no socket, no thread
//! and no clock, so a test runs a whole minute of a session in a microsecond.
//!
//! Each file imports only from those above it:

pub(crate) mod watch;

pub(crate) mod outbox;

pub mod limits;

mod common;

mod help;

pub mod answer;

pub mod client;

pub mod watcher;

pub mod game_server;

pub use common::Session;
pub use game_server::LOWEST_PORT;
pub use limits::{
    LINES_FOR_SECONDS, LINES_PER_SECOND, LIST_WEIGHT, MAX_MISTAKES, Setting, Timings,
};
pub use outbox::{Chunk, Ending, Outbox};
pub use watch::Watch;
