//! Finds the command that is meant.

use super::command::{Command, UsageError};
use super::commands::{announce, bridge, browse, list, serve};
use super::flags;
use std::ffi::OsString;

/// The names of the commands.
const COMMANDS: [&str; 6] = ["serve", "announce", "list", "browse", "bridge", "help"];

/// Reads the arguments of the program (without its name), and its environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.first().and_then(|argument| argument.to_str());
    let command = first
        .filter(|first| !first.is_empty() && !first.starts_with('-'))
        .map(str::to_owned);
    if command.is_some() {
        arguments.remove(0);
    }
    match command.as_deref() {
        None | Some("serve") => serve::parse(arguments, environment),
        Some("announce") => announce::parse(arguments, environment),
        Some("list") => list::parse(arguments, environment),
        Some("browse") => browse::parse(arguments, environment),
        Some("bridge") => bridge::parse(arguments, environment),
        Some("help") => Ok(Command::Print(match arguments.first() {
            Some(command) if command == "announce" => announce::help(),
            Some(command) if command == "list" => list::help(),
            Some(command) if command == "browse" => browse::help(),
            Some(command) if command == "bridge" => bridge::help(),
            _ => serve::help(),
        })),
        Some(command) => {
            let hint = match flags::closest(command, COMMANDS.into_iter()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", COMMANDS.join(", ")),
            };
            Err(UsageError(format!(
                "there is no command '{}'; {hint}",
                command.escape_debug()
            )))
        }
    }
}
