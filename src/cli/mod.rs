//! Turns arguments into a command. It validates, and touches nothing else.
//!
//! In reading order: `command` is the result, `flags` are the parts of a command line, `manual` is what
//! is said about each command, `arguments` are their values, `commands` the flags of each command;
//! `printed` are those that print a text about the others, `variables` finds unknown variables in the environment, and `parse` finds the command.

mod command;

mod flags;

mod manual;

mod arguments;

mod commands;

mod printed;

mod variables;

mod parse;

pub use arguments::check_files;
pub use command::{Command, UsageError};
pub use parse::parse;
pub use variables::unknown_variables;
