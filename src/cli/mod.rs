//! Arguments to a command. Validates, touches nothing.
//!
//! In reading order: `command` is what may come out, `flags` how a command line is written,
//! `arguments` what several commands are told, `commands` the flags of each, `variables` which names
//! in the environment mean nothing, and `parse` finds out which command is meant.

mod command;

mod flags;

mod arguments;

mod commands;

mod variables;

mod parse;

pub use arguments::check_files;
pub use command::{Command, UsageError};
pub use parse::parse;
pub use variables::unknown_variables;
