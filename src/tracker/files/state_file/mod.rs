//! The list survives the tracker.
//!
//! - [`mod@format`]: what a state file looks like.
//! - `restore`: which game servers of it are listed again.
//! - `writer`: when it is read and written.

pub mod format;

mod restore;

mod writer;

pub(crate) use writer::start;
