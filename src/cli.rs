//! Arguments to a command. Validates, touches nothing.
//!
//! This file hides how flags are written: `--flag value` or `--flag=value`, and for every flag of
//! `serve` an environment variable `GLTRACKER_<FLAG>`, which the flag overrides.

use crate::tracker::Config;
use crate::tracker::log::Level;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the user wants done.
#[derive(Debug)]
pub enum Command {
    /// Run a tracker.
    Serve(Box<Config>, Level),
    /// Print a text and leave.
    Print(String),
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

/// One flag of `serve`.
struct Flag {
    name: &'static str,
    value: &'static str,
    help: &'static str,
}

const FLAGS: [Flag; 12] = [
    Flag {
        name: "--servers",
        value: "ADDR",
        help: "where game servers log in [default: [::]:23470, IPv4 and IPv6]",
    },
    Flag {
        name: "--clients",
        value: "ADDR",
        help: "where clients ask for the list [default: [::]:23471]",
    },
    Flag {
        name: "--password-file",
        value: "FILE",
        help: "passwords for game servers, one a line; read again when it changes",
    },
    Flag {
        name: "--keys-file",
        value: "FILE",
        help: "keys for game servers, 'name secret' a line; read again when it changes",
    },
    Flag {
        name: "--bans-file",
        value: "FILE",
        help: "banned addresses and networks, a line each with a reason; read again",
    },
    Flag {
        name: "--require-check",
        value: "",
        help: "list only game servers whose UDP port was proven to answer",
    },
    Flag {
        name: "--max-slots",
        value: "N",
        help: "connections held at the most [default: 1024, or what the machine allows]",
    },
    Flag {
        name: "--slot-shares",
        value: "P:L:C:W",
        help: "how slots are shared: pending:listed:client:watcher [default: 1:4:2:1]",
    },
    Flag {
        name: "--per-host",
        value: "N",
        help: "listed game servers of one address [default: 16]",
    },
    Flag {
        name: "--per-credential",
        value: "N",
        help: "listed game servers of one key [default: 64]",
    },
    Flag {
        name: "--trust",
        value: "CIDR",
        help: "a network without caps, which may name another ip; may be given again",
    },
    Flag {
        name: "--log-level",
        value: "LEVEL",
        help: "error, warn, info or debug [default: info]",
    },
];

/// Reads the arguments of the program (without its name), and its environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments
        .first()
        .and_then(|argument| argument.to_str())
        .unwrap_or_default();
    match first {
        "serve" => drop(arguments.remove(0)),
        "help" => return Ok(Command::Print(help())),
        command if !command.is_empty() && !command.starts_with('-') => {
            let hint = closest(command, ["serve", "help"].into_iter()).map_or(
                "the command is serve (and may be left out)".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            return Err(UsageError(format!(
                "there is no command '{command}'; {hint}"
            )));
        }
        _ => {}
    }
    parse_serve(arguments, environment)
}

fn parse_serve(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let mut serve = Serve::default();
    for flag in &FLAGS {
        let variable = format!(
            "GLTRACKER_{}",
            flag.name[2..].replace('-', "_").to_uppercase()
        );
        if let Some(value) = environment(&variable).filter(|value| !value.is_empty()) {
            serve.set(flag, &value, &variable)?;
        }
    }
    if let Some(password) = environment("GLTRACKER_PASSWORD") {
        let password = password
            .into_string()
            .ok()
            .filter(|password| !password.is_empty());
        let error =
            || UsageError("GLTRACKER_PASSWORD is empty or not text; unset it, or set it".into());
        serve.config.passwords.push(password.ok_or_else(error)?);
    }
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let (name, joined) = split_joined(&argument);
        match name.as_str() {
            "--help" | "-h" => return Ok(Command::Print(help())),
            "--version" | "-V" => {
                return Ok(Command::Print(format!(
                    "gltracker {}\n",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            _ => {}
        }
        let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) else {
            return Err(unknown_argument(&name));
        };
        let value = match joined {
            Some(value) => value,
            None if flag.value.is_empty() => "yes".into(),
            None => rest
                .next()
                .filter(|value| !starts_like_a_flag(value))
                .ok_or_else(|| {
                    UsageError(format!("{name} needs a value: {name} {}", flag.value))
                })?,
        };
        serve.set(flag, &value, flag.name)?;
    }
    Ok(Command::Serve(
        Box::new(serve.config),
        serve.level.unwrap_or(Level::Info),
    ))
}

#[derive(Default)]
struct Serve {
    config: Config,
    level: Option<Level>,
}

impl Serve {
    /// Sets what `flag` stands for; `source` is where the value was written.
    fn set(&mut self, flag: &Flag, value: &OsStr, source: &str) -> Result<(), UsageError> {
        let wrong = |why: String| UsageError(format!("{source}: {why}"));
        if value.is_empty() {
            return Err(wrong(format!(
                "a value is needed: {}",
                if flag.value.is_empty() {
                    "yes or no"
                } else {
                    flag.value
                }
            )));
        }
        let file = match flag.name {
            "--password-file" => Some(&mut self.config.password_file),
            "--keys-file" => Some(&mut self.config.keys_file),
            "--bans-file" => Some(&mut self.config.bans_file),
            _ => None,
        };
        if let Some(file) = file {
            *file = Some(PathBuf::from(value));
            return Ok(());
        }
        let text = value
            .to_str()
            .ok_or_else(|| wrong("the value is not text".to_owned()))?;
        let address = || {
            text.parse::<SocketAddr>().map_err(|_| {
                wrong(format!(
                    "'{text}' is not an address with a port; write 127.0.0.1:23470, or [::]:23470 \
                     for all addresses"
                ))
            })
        };
        let no_count = || wrong(format!("'{text}' is not a number from 1 to 1000000"));
        match flag.name {
            "--servers" => self.config.servers = Some(address()?),
            "--clients" => self.config.clients = Some(address()?),
            "--max-slots" => {
                let slots = text
                    .parse()
                    .ok()
                    .filter(|slots| (4..=1_000_000).contains(slots));
                self.config.max_slots = Some(slots.ok_or_else(|| {
                    wrong(format!(
                        "'{text}' is not a number of slots from 4 to 1000000"
                    ))
                })?);
            }
            "--require-check" => {
                self.config.require_check = match text {
                    "yes" | "1" | "on" | "true" => true,
                    "no" | "0" | "off" | "false" => false,
                    _ => return Err(wrong(format!("'{text}' is neither yes nor no"))),
                };
            }
            "--per-host" => self.config.listed_per_host = Some(count(text).ok_or_else(no_count)?),
            "--per-credential" => {
                self.config.listed_per_key = Some(count(text).ok_or_else(no_count)?);
            }
            "--trust" => {
                for network in text.split([',', ' ']).filter(|network| !network.is_empty()) {
                    self.config.trusted.push(network.parse().map_err(wrong)?);
                }
            }
            "--slot-shares" => self.config.slot_shares = text.parse().map_err(wrong)?,
            "--log-level" => self.level = Some(text.parse().map_err(wrong)?),
            name => unreachable!("{name} is in FLAGS and not here"),
        }
        Ok(())
    }
}

fn count(text: &str) -> Option<usize> {
    text.parse()
        .ok()
        .filter(|count| (1..=1_000_000).contains(count))
}

/// `--flag=value` as its two halves.
fn split_joined(argument: &OsStr) -> (String, Option<OsString>) {
    match argument.to_str().and_then(|text| text.split_once('=')) {
        Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.into())),
        _ => (argument.to_string_lossy().into_owned(), None),
    }
}

fn starts_like_a_flag(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.starts_with("--"))
}

fn unknown_argument(name: &str) -> UsageError {
    let name = name.escape_debug();
    if !name.to_string().starts_with('-') {
        return UsageError(format!(
            "'{name}' is not a flag; gltracker --help lists them"
        ));
    }
    let names = FLAGS
        .iter()
        .map(|flag| flag.name)
        .chain(["--help", "--version"]);
    let hint = closest(&name.to_string(), names)
        .map_or("gltracker --help lists them".to_owned(), |near| {
            format!("did you mean {near}?")
        });
    UsageError(format!("there is no flag {name}; {hint}"))
}

/// The candidate that takes the fewest edits to get to from `typed`, if they are few.
fn closest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (edits(typed, candidate), candidate))
        .filter(|(edits, candidate)| *edits * 3 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out or changed to get from `a` to `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn help() -> String {
    let mut text = "\
gltracker: a tracker (master server) for game servers

Usage: gltracker [serve] [FLAGS]

Runs a tracker. With no flags at all it works, and prints what to type next.

Flags:
"
    .to_owned();
    for Flag { name, value, help } in &FLAGS {
        text.push_str(&format!(
            "  {:24} {help}\n",
            format!("{name} {value}").trim_end()
        ));
    }
    text.push_str(
        "  --help, -h               this text
  --version, -V            the version

Every flag has an environment variable, which it overrides: --max-slots is GLTRACKER_MAX_SLOTS.
GLTRACKER_PASSWORD is a password for game servers. Without that and --password-file a password is
made up at the start and shown once.

Logs go to standard error, one line of key=value for each event.
Exit codes: 2 wrong usage, 3 the system said no (port in use, file unreadable, limits too low).
",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(Config, Level), String> {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        match parse(arguments.iter().map(OsString::from), lookup) {
            Ok(Command::Serve(config, level)) => Ok((*config, level)),
            Ok(Command::Print(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn no_arguments_serve() {
        let (config, level) = run(&[], &[]).unwrap();
        assert_eq!(
            (config.servers, config.max_slots, level),
            (None, None, Level::Info)
        );
        assert!(run(&["serve"], &[]).is_ok());
    }

    #[test]
    fn flags_are_written_in_two_ways_and_override_the_environment() {
        let environment = [
            ("GLTRACKER_MAX_SLOTS", "40"),
            ("GLTRACKER_CLIENTS", "127.0.0.1:2"),
            ("GLTRACKER_LOG_LEVEL", ""),
            ("GLTRACKER_PASSWORD", "s p"),
        ];
        let arguments = [
            "serve",
            "--servers",
            "127.0.0.1:0",
            "--max-slots=80",
            "--password-file",
            "p=q",
        ];
        let (config, level) = run(&arguments, &environment).unwrap();
        assert_eq!(config.servers, Some("127.0.0.1:0".parse().unwrap()));
        assert_eq!(config.clients, Some("127.0.0.1:2".parse().unwrap()));
        assert_eq!((config.max_slots, level), (Some(80), Level::Info));
        assert_eq!(config.password_file, Some("p=q".into()));
        assert_eq!(config.passwords, ["s p"]);
    }

    #[test]
    fn wrong_usage_is_told_what_would_be_right() {
        for (arguments, part) in [
            (&["--max-slot", "4"][..], "did you mean --max-slots?"),
            (
                &["--frobnicate"],
                "there is no flag --frobnicate; gltracker --help lists them",
            ),
            (&["-x"], "there is no flag -x"),
            (&["server"], "did you mean serve?"),
            (&["dance"], "there is no command 'dance'"),
            (&["serve", "now"], "'now' is not a flag"),
            (&["--servers"], "--servers needs a value: --servers ADDR"),
            (&["--servers", "--clients"], "--servers needs a value"),
            (&["--servers="], "a value is needed"),
            (
                &["--servers", "localhost"],
                "'localhost' is not an address with a port",
            ),
            (
                &["--clients=1.2.3.4"],
                "--clients: '1.2.3.4' is not an address with a port",
            ),
            (
                &["--max-slots", "0"],
                "'0' is not a number of slots from 4 to 1000000",
            ),
            (&["--max-slots", "many"], "'many' is not a number of slots"),
            (&["--slot-shares", "1:2"], "is not four shares"),
            (&["--log-level", "loud"], "write error, warn, info or debug"),
        ] {
            let error = run(arguments, &[]).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
        let error = run(&[], &[("GLTRACKER_MAX_SLOTS", "x")]).unwrap_err();
        assert!(error.starts_with("GLTRACKER_MAX_SLOTS: 'x'"), "{error}");
        assert!(run(&[], &[("GLTRACKER_PASSWORD", "")]).is_err());
    }

    #[test]
    fn help_names_every_flag_and_fits_a_terminal_of_a_hundred_columns() {
        let help = run(&["--help"], &[]).unwrap_err();
        assert!(FLAGS.iter().all(|flag| help.contains(flag.name)));
        assert!(help.lines().all(|line| line.len() < 100), "{help}");
        assert_eq!(run(&["serve", "-h"], &[]).unwrap_err(), help);
    }
}
