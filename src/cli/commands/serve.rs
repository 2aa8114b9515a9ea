//! The flags of `gltracker serve`, each of which has an environment variable `GLTRACKER_<FLAG>`.

use crate::base::log::Level;
use crate::cli::arguments::listen;
use crate::cli::arguments::share::{self, Sharing};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag, Item};
use crate::cli::manual::{Example, Page};
use crate::protocol::text::number;
use crate::tracker::access::network::Network;
use crate::tracker::{CLIENT_PORT, Config, GAME_SERVER_PORT, Listen};
use std::ffi::{OsStr, OsString};
use std::net::Ipv6Addr;
use std::path::PathBuf;

const FLAGS: [Flag; 21] = [
    Flag {
        name: "--servers",
        value: "ADDR",
        help: "where game servers log in [default: [::]:23470]",
    },
    Flag {
        name: "--clients",
        value: "ADDR",
        help: "where clients ask [default: [::]:23471]",
    },
    Flag {
        name: "--password-file",
        value: "FILE",
        help: "passwords for game servers, one a line\nThe file is read again when it changes.",
    },
    Flag {
        name: "--keys-file",
        value: "FILE",
        help: "keys for game servers, 'name secret' a line\nThe file is read again when it changes.",
    },
    Flag {
        name: "--bans-file",
        value: "FILE",
        help: "banned addresses and networks, one a line\nBehind each stands the reason. The file is read again when it changes.",
    },
    Flag {
        name: "--require-check",
        value: "",
        help: "list only those whose UDP port answered\nIt answered a challenge of the tracker, which proves whose it is.",
    },
    Flag {
        name: "--max-slots",
        value: "N",
        help: "connections held at the most [default: 1024]\nThe default is less where the machine allows less.",
    },
    Flag {
        name: "--slot-shares",
        value: "P:L:C:W",
        help: "pending:listed:client:watcher [default: 1:4:2:1]\nThat is how slots are shared.",
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
        help: "a network without caps; may be given again\nIts game servers may name another ip.",
    },
    Flag {
        name: "--proxied",
        value: "CIDR",
        help: "a proxy that sends PROXY headers\nEach of its connections begins with one. May be given again.",
    },
    Flag {
        name: "--state",
        value: "FILE",
        help: "keep the list here, so that it survives a restart",
    },
    Flag {
        name: "--publish",
        value: "DIR",
        help: "keep the list as JSON, a web page and metrics here\nThe JSON is servers.json and activity.json.",
    },
    Flag {
        name: "--title",
        value: "TEXT",
        help: "what that page is called [default: Game servers]",
    },
    Flag {
        name: "--link",
        value: "URL",
        help: "where its title leads: the page of a community",
    },
    share::SHARE,
    share::SHARE_NAME,
    share::SHARE_PREFIX,
    share::SHARE_PASSWORD_FILE,
    Flag {
        name: "--log-level",
        value: "LEVEL",
        help: "error, warn, info or debug [default: info]",
    },
];

pub(crate) const PAGE: Page = Page {
    name: "serve",
    summary: "Runs a tracker (master server) for game servers",
    usage: &["gltracker [serve] [FLAGS]"],
    examples: [
        Example {
            typed: "gltracker",
            effect: "Run a tracker, which prints what to type next",
        },
        Example {
            typed: "gltracker --password-file passwords --state list --publish /var/www/games",
            effect: "Run one that keeps its list, with a web page",
        },
    ],
    flags: &FLAGS,
    notes: "\
The other commands are announce, list, browse, bridge, help, man and
completions; --help says what each does.

Every flag has an environment variable, which it overrides:
--max-slots is GLTRACKER_MAX_SLOTS.",
    more: "\
With no flags at all it works, and prints what to type next. The other commands
keep a game server on the list, print the list, show it live, and let unmodified games onto it.

GLTRACKER_PASSWORD is a password for game servers. Without that and --password-file a password is
made up at the start and shown once. A service
manager may hand over files named password, keys, bans and share-password in
CREDENTIALS_DIRECTORY, for what no flag or variable names.

To share the list, name all nodes of an engine that has several, and the number of its database if
that is not 0: --share HOST[:PORT],HOST[:PORT].../DB. Its password is in --share-password-file or
GLTRACKER_SHARE_PASSWORD. The user, where it wants one, is on the line above in that file, or in
GLTRACKER_SHARE_USER.

[::] is all addresses, of IPv6 and IPv4. fd:0 and fd:1, in place of an address, are TCP sockets that
stand at standard input and output and listen already: whoever started the tracker has opened them.

Logs go to standard error, one line of key=value for each event. What the system may say no to are
a port in use, a file that cannot be read, and limits that are too low.",
    exits: "2 wrong usage, 3 the system said no (such as a port in use)",
};

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
        Asked::Help => return Ok(Command::Print(PAGE.help())),
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
    serve.config.share = serve.sharing.finish(environment)?;
    check_ports(&serve.config)?;
    if let (Some(source), None) = (&serve.page, &serve.config.publish) {
        return Err(UsageError(format!(
            "{source} changes nothing without --publish: give --publish DIR, or leave it out"
        )));
    }
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
    sharing: Sharing,
    /// What was said of the page, if anything was.
    page: Option<String>,
    level: Option<Level>,
}

impl Serve {
    /// Applies `flag`; `source` is where its value was written.
    fn set(&mut self, flag: &Flag, value: &OsStr, source: &str) -> Result<(), UsageError> {
        if self.sharing.set(flag, value, source)? {
            return Ok(());
        }
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
            "--title" => {
                self.config.title = text.parse().map_err(wrong)?;
                self.page = Some(source.to_owned());
            }
            "--link" => {
                self.config.link = text.parse().map_err(wrong)?;
                self.page = Some(source.to_owned());
            }
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

#[cfg(test)]
mod tests;
