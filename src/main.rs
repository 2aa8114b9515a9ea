//! Arguments in, exit code out.

use gltracker::bridge::bridge;
use gltracker::cli::{self, Command};
use gltracker::client::browse::{Outcome as Browsed, browse};
use gltracker::client::list::check::{self, seen};
use gltracker::client::list::{Outcome, list};
use gltracker::game_server::announce::announce;
use gltracker::game_server::check::{Player, check as check_game_server};
use gltracker::interrupt;
use gltracker::protocol::text::spelled_out;
use gltracker::tracker::start::serve::serve;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

/// The answer is no.
const NO: u8 = 1;
/// The arguments were wrong.
const WRONG_USAGE: u8 = 2;
/// The system said no.
const SYSTEM_SAID_NO: u8 = 3;

/// The longest text that says why it did not work, in characters: a path may have 4,096.
const MAX_SHOWN: usize = 5000;

fn main() -> ExitCode {
    let command = cli::parse(std::env::args_os().skip(1), |name| std::env::var_os(name));
    // Linux tells where they lead.
    let files = ["/proc/self/fd/0", "/proc/self/fd/1"].map(std::fs::read_link);
    let command =
        command.and_then(|command| cli::check_files(command, files.into_iter().flatten()));
    let starts_program = match &command {
        Ok(Command::Browse(request)) => request.starts_programs(),
        Ok(Command::Announce(options)) => !options.program.is_empty(),
        _ => false,
    };
    if starts_program {
        interrupt::outlive(|name| std::env::var_os(name));
    }
    match command {
        Ok(Command::Print(text)) => match std::io::stdout().write_all(text.as_bytes()) {
            // Whoever closed the pipe has seen enough.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                let why = format!("the text cannot be written: {error}");
                fail(&std::io::Error::other(why), SYSTEM_SAID_NO)
            }
            _ => ExitCode::SUCCESS,
        },
        Ok(Command::Serve(config, level)) => {
            let names = std::env::vars_os().map(|(name, _)| name);
            let names = names.filter_map(|name| name.into_string().ok());
            match serve(*config, level, &cli::unknown_variables(names)) {
                Ok(never) => match never {},
                Err(error) if error.is_wrong_usage() => fail(&error, WRONG_USAGE),
                Err(error) => fail(&error, SYSTEM_SAID_NO),
            }
        }
        Ok(Command::List(request)) => match list(&request) {
            Ok(Outcome::Found) => ExitCode::SUCCESS,
            Ok(Outcome::Nothing) => ExitCode::from(NO),
            Ok(Outcome::Unreachable) => ExitCode::from(SYSTEM_SAID_NO),
            Err(error) => fail(&error, SYSTEM_SAID_NO),
        },
        Ok(Command::Browse(request)) => match browse(*request, |name| std::env::var_os(name)) {
            Ok(Browsed::Left) => ExitCode::SUCCESS,
            Ok(Browsed::BadGames(why)) => fail(&std::io::Error::other(why), WRONG_USAGE),
            Ok(Browsed::Picked(address, advice)) => {
                match writeln!(std::io::stdout(), "{address}") {
                    Ok(()) => {
                        // A script that takes the address knows what to do with it.
                        if let Some(advice) = advice.filter(|_| std::io::stdout().is_terminal()) {
                            say(&format!("to have Enter join, {advice}"));
                        }
                        ExitCode::SUCCESS
                    }
                    // Whoever waits for it would take nothing for an address.
                    Err(error) => {
                        let why = format!("{address} cannot be written: {error}");
                        fail(&std::io::Error::other(why), SYSTEM_SAID_NO)
                    }
                }
            }
            Err(error) => fail(&error, SYSTEM_SAID_NO),
        },
        Ok(Command::Announce(options)) => match announce(*options) {
            Ok(code) => ExitCode::from(code),
            Err(error) if error.is_wrong_usage() => fail(&error, WRONG_USAGE),
            Err(error) => fail(&error, SYSTEM_SAID_NO),
        },
        Ok(Command::CheckList(request)) => {
            is_well(check::check(&request, |name| std::env::var_os(name)))
        }
        Ok(Command::CheckAnnounce(options, client_port)) => {
            // What players see is the client's to find out.
            let player = Player {
                list: seen::list,
                doubt: seen::doubt,
                ping: seen::ping,
            };
            let variable = |name: &str| std::env::var_os(name);
            match check_game_server(&options, client_port, player, variable) {
                Ok(well) => is_well(well),
                Err(error) if error.is_wrong_usage() => fail(&error, WRONG_USAGE),
                Err(error) => fail(&error, SYSTEM_SAID_NO),
            }
        }
        Ok(Command::Bridge(options)) => match bridge(*options) {
            Ok(never) => match never {},
            Err(error) if error.is_wrong_usage() => fail(&error, WRONG_USAGE),
            Err(error) => fail(&error, SYSTEM_SAID_NO),
        },
        Err(error) => fail(&error, WRONG_USAGE),
    }
}

fn is_well(well: bool) -> ExitCode {
    match well {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NO),
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    say(&error.to_string());
    ExitCode::from(code)
}

fn say(text: &str) {
    // What is wrong may be quoted, and hold anything. With standard error closed, the exit code says it.
    let text = spelled_out(text, MAX_SHOWN);
    let _ = writeln!(std::io::stderr(), "gltracker: {text}");
}
