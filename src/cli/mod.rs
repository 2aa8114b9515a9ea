//! Arguments to a command. Validates, touches nothing.
//!
//! Each command has a file with its flags; this one hides which commands there are.

mod announce;
mod browse;
mod flags;
mod list;
mod listen;
mod mistaken;
mod serve;
mod targets;
mod trackers;
mod variables;

pub use mistaken::check_files;
pub use variables::unknown_variables;

use crate::client;
use crate::game_server::announce::Options;
use crate::tracker::Config;
use crate::tracker::state::log::Level;
use std::ffi::OsString;
use std::fmt;

/// What the user wants done.
#[derive(Debug)]
pub enum Command {
    /// Run a tracker.
    Serve(Box<Config>, Level),
    /// Print a tracker's list.
    List(Box<client::list::Request>),
    /// Show it, live, in the terminal.
    Browse(Box<client::browse::Request>),
    /// Keep a game server on the lists of trackers.
    Announce(Box<Options>),
    /// Print a text and leave.
    Print(String),
}

impl Command {
    fn version() -> Self {
        Self::Print(format!("gltracker {}\n", env!("CARGO_PKG_VERSION")))
    }
}

/// Wrong usage: a text for the user, without the name of the program.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The commands that may be named first.
const COMMANDS: [&str; 5] = ["serve", "announce", "list", "browse", "help"];

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
        Some("help") => Ok(Command::Print(match arguments.first() {
            Some(command) if command == "announce" => announce::help(),
            Some(command) if command == "list" => list::help(),
            Some(command) if command == "browse" => browse::help(),
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
