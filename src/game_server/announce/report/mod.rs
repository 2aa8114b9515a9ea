//! What the admin of a game server is told: `budget` says how much, `reporter` what, `writer` says it.

mod budget;

mod reporter;

mod writer;

pub(super) use budget::Mistakes;
pub(crate) use writer::Report;
