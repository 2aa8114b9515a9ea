//! What is said about each command.
//!
//! In reading order: `text` lays out prose, and `page` is what there is to say about one command, with
//! the text of its `--help`.

mod text;

mod page;

pub(super) use page::{Example, Page};
