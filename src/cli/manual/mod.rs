//! What is said about each command.
//!
//! In reading order: `text` lays out prose; `page` is what there is to say about one command, with the
//! text of its `--help`; `around` is what the man page says besides, and `man` makes it; `completed` is
//! what may stand where on a command line, and `shells` says it to shells.

mod text;

mod page;

mod around;

mod man;

mod completed;

mod shells;

#[cfg(test)]
pub(super) use completed::Completed;

pub(super) use around::ENVIRONMENT;
pub(super) use man::man;
pub(super) use page::{Example, Page};
pub(super) use shells::completions;
