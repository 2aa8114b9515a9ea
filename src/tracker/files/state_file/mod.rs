//! The list survives the tracker.
//!
//! - [`mod@format`]: what a state file looks like.
//! - `restore`: which game servers of it are listed again.
//! - `activity_file`: what is kept beside it.
//! - `writer`: when it is read and written.

pub mod format;

mod restore;

mod activity_file;

mod writer;

pub(crate) use activity_file::ActivityFile;
pub(crate) use writer::start;
