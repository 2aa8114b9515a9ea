//! What several commands are told.

pub(crate) mod listen;

pub(crate) mod trackers;

mod mistaken;

pub(crate) mod targets;

pub(crate) mod announced;

pub use mistaken::check_files;
