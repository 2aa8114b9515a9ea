//! What the admin of a game server is told: `reporter` says how much, `writer` says it.

mod reporter;

mod writer;

pub(super) use writer::Report;
