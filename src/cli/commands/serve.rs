//! The flags of `gltracker serve`, each of which has an environment variable `GLTRACKER_<FLAG>`.

use crate::base::log::Level;
use crate::cli::arguments::listen;
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag, Item};
use crate::protocol::text::number;
use crate::tracker::access::network::Network;
use crate::tracker::{CLIENT_PORT, Config, GAME_SERVER_PORT, Listen};
use std::ffi::{OsStr, OsString};
use std::net::Ipv6Addr;
use std::path::PathBuf;

const FLAGS: [Flag; 15] = [
    Flag {
        name: "--servers",
        value: "ADDR",
        help: "where game servers log in, or fd:0 or fd:1 [default: [::]:23470]",
    },
    Flag {
        name: "--clients",
        value: "ADDR",
        help: "where clients ask for the list, or fd:0 or fd:1 [default: [::]:23471]",
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
        name: "--proxied",
        value: "CIDR",
        help: "a proxy, whose connections begin with a PROXY header; may be given again",
    },
    Flag {
        name: "--state",
        value: "FILE",
        help: "keeps the list in this file, so that it survives a restart",
    },
    Flag {
        name: "--publish",
        value: "DIR",
        help: "keep servers.json, a web page and metrics in this folder",
    },
    Flag {
        name: "--log-level",
        value: "LEVEL",
        help: "error, warn, info or debug [default: info]",
    },
];

/// Reads the arguments behind the command, and the environment, which they override.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let items = match flags::read(arguments, &FLAGS, "gltracker")? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(help())),
        Asked::Version => return Ok(Command::version()),
    };
    let mut serve = Serve::default();
    for (flag, variable) in FLAGS.iter().zip(variables()) {
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
    for item in items {
        match item {
            Item::Flag(flag, value) => serve.set(flag, &value, flag.name)?,
            Item::Word(word) => return Err(flags::no_words(&word, "gltracker")),
            Item::Rest(words) => return Err(flags::no_rest(&words, "gltracker")),
        }
    }
    serve.config.credentials = environment("CREDENTIALS_DIRECTORY")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    check_ports(&serve.config)?;
    Ok(Command::Serve(
        Box::new(serve.config),
        serve.level.unwrap_or(Level::Info),
    ))
}

/// Both ports cannot be the same one.
fn check_ports(config: &Config) -> Result<(), UsageError> {
    let everywhere = |port| Listen::At((Ipv6Addr::UNSPECIFIED, port).into());
    let servers = config.servers.unwrap_or(everywhere(GAME_SERVER_PORT));
    let clients = config.clients.unwrap_or(everywhere(CLIENT_PORT));
    let what = match (servers, clients) {
        (Listen::HandedOver(from), _) if servers == clients => from.to_string(),
        (Listen::At(servers), Listen::At(clients))
            if servers.port() == clients.port()
                && servers.port() > 0
                && (servers.ip() == clients.ip()
                    || [servers, clients].iter().any(|at| at.ip().is_unspecified())) =>
        {
            format!("port {}", servers.port())
        }
        _ => return Ok(()),
    };
    let text = format!("--servers and --clients cannot both be {what}");
    Err(UsageError(text))
}

/// The variables of the flags, in the same order.
pub(crate) fn variables() -> impl Iterator<Item = String> {
    let ends = FLAGS
        .iter()
        .map(|flag| flag.name[2..].replace('-', "_").to_uppercase());
    ends.map(|end| format!("GLTRACKER_{end}"))
}

#[derive(Default)]
struct Serve {
    config: Config,
    level: Option<Level>,
}

impl Serve {
    /// Applies `flag`; `source` is where its value was written.
    fn set(&mut self, flag: &Flag, value: &OsStr, source: &str) -> Result<(), UsageError> {
        let wrong = |why: String| UsageError(format!("{source}: {why}"));
        let file = match flag.name {
            "--password-file" => Some(&mut self.config.password_file),
            "--keys-file" => Some(&mut self.config.keys_file),
            "--bans-file" => Some(&mut self.config.bans_file),
            "--state" => Some(&mut self.config.state),
            "--publish" => Some(&mut self.config.publish),
            _ => None,
        };
        if let Some(file) = file {
            *file = Some(PathBuf::from(value));
            return Ok(());
        }
        let text = value
            .to_str()
            .ok_or_else(|| wrong("the value is not text".to_owned()))?;
        let address = |usual| listen::read(text, usual).map(Some).map_err(wrong);
        let no_count = || wrong(format!("'{text}' is not a number from 1 to 1000000"));
        match flag.name {
            "--servers" => self.config.servers = address(GAME_SERVER_PORT)?,
            "--clients" => self.config.clients = address(CLIENT_PORT)?,
            "--max-slots" => {
                let slots = number(text).filter(|slots| (4..=1_000_000).contains(slots));
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
            "--trust" => add_networks(&mut self.config.trusted, text).map_err(wrong)?,
            "--proxied" => add_networks(&mut self.config.proxied, text).map_err(wrong)?,
            "--slot-shares" => self.config.slot_shares = text.parse().map_err(wrong)?,
            "--log-level" => self.level = Some(text.parse().map_err(wrong)?),
            name => unreachable!("{name} is in FLAGS and not here"),
        }
        Ok(())
    }
}

/// Adds the networks in `text`, between which there are commas or spaces.
fn add_networks(networks: &mut Vec<Network>, text: &str) -> Result<(), String> {
    for network in text.split([',', ' ']).filter(|network| !network.is_empty()) {
        networks.push(network.parse()?);
    }
    Ok(())
}

fn count(text: &str) -> Option<usize> {
    number(text).filter(|count| (1..=1_000_000).contains(count))
}

/// The text of `gltracker --help`.
pub(crate) fn help() -> String {
    format!(
        "\
gltracker: a tracker (master server) for game servers

Usage: gltracker [serve] [FLAGS]
       gltracker announce | list | browse | bridge [--help]

Runs a tracker. With no flags at all it works, and prints what to type next. The other commands
keep a game server on the list, print the list, show it live, and let unmodified games onto it.

Flags:
{}
Every flag has an environment variable, which it overrides: --max-slots is GLTRACKER_MAX_SLOTS.
GLTRACKER_PASSWORD is a password for game servers. Without that and --password-file a password is
made up at the start and shown once. A service manager may hand over files named password, keys and
bans in CREDENTIALS_DIRECTORY, for what no flag or variable names.

[::] is all addresses, of IPv6 and IPv4. fd:0 and fd:1 are TCP sockets that stand at standard input
and output and listen already: whoever started the tracker has opened them.

Logs go to standard error, one line of key=value for each event.
Exit codes: 2 wrong usage, 3 the system said no (port in use, file unreadable, limits too low).
",
        flags::table(&FLAGS)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;

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
            Ok(other) => panic!("not serve: {other:?}"),
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
            (&["serve", "--", "now"], "'-- now' is not a flag"),
            (
                &["--servers", "127.0.0.1:9", "--clients", "127.0.0.1:9"],
                "--servers and --clients cannot both be port 9",
            ),
            (
                &["--servers", "fd:0", "--clients", "fd:0"],
                "cannot both be standard input (fd:0)",
            ),
            (
                &["--servers", "fd:7"],
                "--servers: 'fd:7' cannot be taken over: only fd:0",
            ),
            (
                &["--servers", "127.0.0.1:23471"],
                "cannot both be port 23471",
            ),
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
            (&["--max-slots", "+80"], "'+80' is not a number of slots"),
            (&["--max-slots", "many"], "'many' is not a number of slots"),
            (
                &["--max-slots", "18446744073709551616"],
                "is not a number of slots from 4 to 1000000",
            ),
            (
                &["--per-host", "18446744073709551615"],
                "is not a number from 1 to 1000000",
            ),
            (
                &["--per-credential", "0"],
                "'0' is not a number from 1 to 1000000",
            ),
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
