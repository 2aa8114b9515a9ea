//! The flags of `gltracker bridge`.

mod quake;

use crate::base::log::Level;
use crate::bridge::Options;
use crate::bridge::cube::Options as Cube;
use crate::bridge::hall::Door;
use crate::bridge::quake::{Door as Quake, Rules};
use crate::cli::arguments::announced::{text, tracker};
use crate::cli::arguments::listen;
use crate::cli::arguments::login::{KEY, Login, PASSWORD_FILE};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag, Item};
use crate::cli::manual::{Example, Page};
use crate::game_server::{TRACKER_PORT, TrackerAddress};
use crate::tracker::Listen;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

const COMMAND: &str = "gltracker bridge";

const FLAGS: [Flag; 18] = [
    Flag {
        name: "--tracker",
        value: "HOST[:PORT]",
        help: "where it logs in [default: 127.0.0.1:23470]",
    },
    Flag {
        name: "--clients",
        value: "HOST[:PORT]",
        help: "where it asks [default: the same host, port 23471]",
    },
    PASSWORD_FILE,
    KEY,
    Flag {
        name: "--quake",
        value: "[ADDR]",
        help: "open to the Quake family [default: [::]:27950]\nMay be given again.",
    },
    Flag {
        name: "--cube",
        value: "[ADDR][=GAME]",
        help: "open to the Cube family [default: [::]:28787]\nMay be given again.",
    },
    Flag {
        name: "--heartbeat",
        value: "TAG=GAME",
        help: "Quake: heartbeats that say TAG are GAME's",
    },
    Flag {
        name: "--alias",
        value: "OTHER=GAME",
        help: "Quake: another name of a game\nThis is for those who ask and those who register.",
    },
    Flag {
        name: "--games",
        value: "GAME,GAME",
        help: "Quake: only these may register; !GAME,GAME: all others",
    },
    Flag {
        name: "--max-servers",
        value: "COUNT",
        help: "Quake: game servers in all [default: 4096]",
    },
    Flag {
        name: "--per-host",
        value: "COUNT",
        help: "Quake: those of one address or /64 [default: 32]\nA /64 is the network of an IPv6 host.",
    },
    Flag {
        name: "--throttle",
        value: "BYTES",
        help: "Quake: bytes a second to one address [default: 16384]",
    },
    Flag {
        name: "--throttle-all",
        value: "BYTES",
        help: "Quake: the same to all together [default: 8388608]\nThey count what lists take. 0 is no bound.",
    },
    Flag {
        name: "--no-loopback",
        value: "",
        help: "Quake: none may register from 127.0.0.1 and its like\nThose may whom --map lists elsewhere.",
    },
    Flag {
        name: "--map",
        value: "FROM=TO",
        help: "Quake: lists one address under another\nWhat registers from FROM is listed under TO.",
    },
    Flag {
        name: "--state",
        value: "FILE",
        help: "keep whom it lists here, over a restart",
    },
    Flag {
        name: "--publish",
        value: "DIR",
        help: "keep its metrics in this folder, as bridge.prom",
    },
    Flag {
        name: "--log-level",
        value: "LEVEL",
        help: "error, warn, info or debug [default: info]",
    },
];

pub(crate) const PAGE: Page = Page {
    name: "bridge",
    summary: "Lets unmodified games onto a tracker's list, with the protocols of their masters",
    usage: &["gltracker bridge [FLAGS]"],
    examples: [
        Example {
            typed: "gltracker bridge --password-file password",
            effect: "Open both doors, beside a tracker that was started with --trust 127.0.0.1",
        },
        Example {
            typed: "gltracker bridge --tracker tracker.example --quake --key bridge",
            effect: "One door, for a tracker that trusts this host and has a key for it",
        },
    ],
    flags: &FLAGS,
    notes: "\
If no door is named, both are open. The tracker must trust this host, from which
many game servers log in: it is started with --trust ADDRESS. Its password
belongs into GLTRACKER_PASSWORD.",
    more: "\
Speaks the protocols of their own master servers. Game servers that register here are logged in to
the tracker, and what the tracker lists is what games are told that ask here.

Logs go to standard error, one line of key=value for each event.",
    exits: "2 wrong usage, 3 the system said no (port in use, file unreadable)",
};

/// Reads the arguments behind the command, and the environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let items = match flags::read(arguments, &FLAGS, COMMAND)? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(PAGE.help())),
        Asked::Version => return Ok(Command::version()),
    };
    let mut told = Told::default();
    for item in items {
        match item {
            Item::Flag(flag, value) => told.set(flag, &value)?,
            Item::Word(word) => return Err(flags::no_words(&word, COMMAND)),
            Item::Rest(words) => return Err(flags::no_rest(&words, COMMAND)),
        }
    }
    told.finish(environment)
}

/// What the command line has said so far.
#[derive(Default)]
struct Told {
    tracker: Option<TrackerAddress>,
    clients: Option<crate::client::TrackerAddress>,
    login: Login,
    quake: Vec<SocketAddr>,
    cube: Vec<(SocketAddr, Option<String>)>,
    rules: Rules,
    /// A flag of the Quake door that was given.
    of_quake: Option<&'static str>,
    state: Option<PathBuf>,
    publish: Option<PathBuf>,
    level: Option<Level>,
}

impl Told {
    fn set(&mut self, flag: &'static Flag, value: &OsStr) -> Result<(), UsageError> {
        let wrong = |why: String| UsageError(format!("{}: {why}", flag.name));
        if self.login.set(flag, value)? {
            return Ok(());
        }
        match flag.name {
            "--state" => self.state = Some(value.into()),
            "--publish" => self.publish = Some(value.into()),
            name => {
                let value = text(name, value)?;
                match name {
                    "--tracker" => self.tracker = Some(tracker("--tracker: ", value)?),
                    "--clients" => {
                        let address = value.parse();
                        let no = |no: crate::reach::NotAnAddress| wrong(no.to_string());
                        self.clients = Some(address.map_err(no)?);
                    }
                    "--quake" => self.quake.push(place(value, QUAKE_PORT).map_err(wrong)?),
                    "--cube" => self.cube.push(place_of_game(value).map_err(wrong)?),
                    "--log-level" => self.level = Some(value.parse().map_err(wrong)?),
                    name => {
                        let is_known = quake::set(&mut self.rules, name, value).map_err(wrong)?;
                        assert!(is_known, "{name} is in FLAGS and not here");
                        self.of_quake = Some(name);
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(
        mut self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Command, UsageError> {
        if let Some(flag) = self.of_quake
            && self.quake.is_empty()
            && !self.cube.is_empty()
        {
            return Err(UsageError(format!(
                "{flag} is for the Quake family, whose door is closed where --cube alone is named; \
                 add --quake, or leave out {flag}"
            )));
        }
        let doors = self.doors();
        let here = SocketAddr::from(([127, 0, 0, 1], TRACKER_PORT));
        let tracker = self.tracker.unwrap_or(TrackerAddress::new(here));
        let (key, secret) = self.login.finish(&environment)?;
        Ok(Command::Bridge(Box::new(Options {
            clients: self.clients.unwrap_or_else(|| tracker.with_port()),
            tracker,
            key,
            secret,
            state: self.state,
            publish: self.publish,
            doors,
            level: self.level.unwrap_or(Level::Info),
        })))
    }

    /// The doors that were named, or all of them if none was.
    fn doors(&mut self) -> Vec<Box<dyn Door>> {
        if self.quake.is_empty() && self.cube.is_empty() {
            self.quake.push((Ipv6Addr::UNSPECIFIED, QUAKE_PORT).into());
            self.cube
                .push(((Ipv6Addr::UNSPECIFIED, CUBE_PORT).into(), None));
        }
        let quake = self.quake.drain(..).map(|at| {
            let rules = self.rules.clone();
            Box::new(Quake { at, rules }) as Box<dyn Door>
        });
        let cube = self.cube.drain(..);
        let cube = cube.map(|(at, game)| Box::new(Cube { at, game }) as Box<dyn Door>);
        quake.chain(cube).collect()
    }
}

/// Where masters of the Quake family listen.
const QUAKE_PORT: u16 = 27950;

/// Where masters of the Cube family listen.
const CUBE_PORT: u16 = 28787;

/// An address to listen on; `yes` is that of a flag without a value.
fn place(text: &str, usual: u16) -> Result<SocketAddr, String> {
    if text == "yes" {
        return Ok((Ipv6Addr::UNSPECIFIED, usual).into());
    }
    match listen::read(text, usual)? {
        Listen::At(address) => Ok(address),
        Listen::HandedOver(_) => Err(format!(
            "a socket cannot be handed over to a bridge; write [::]:{usual} for all addresses"
        )),
    }
}

/// The same with a game behind it, `ADDR=GAME`.
fn place_of_game(text: &str) -> Result<(SocketAddr, Option<String>), String> {
    let (address, game) = match text.split_once('=') {
        Some(("", game)) => ("yes", Some(game)),
        Some((address, game)) => (address, Some(game)),
        None => (text, None),
    };
    if game.is_some_and(|game| game.is_empty() || game.contains(char::is_whitespace)) {
        return Err("one word is needed behind =, as in [::]:28787=sauerbraten".into());
    }
    Ok((place(address, CUBE_PORT)?, game.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;

    fn run(arguments: &[&str]) -> Result<Options, String> {
        let words = ["bridge"].iter().chain(arguments).map(OsString::from);
        let password = |name: &str| (name == "GLTRACKER_PASSWORD").then(|| "secret".into());
        match parse(words, password) {
            Ok(Command::Bridge(options)) => Ok(*options),
            Ok(Command::Print(text)) => Err(text),
            Ok(other) => panic!("not bridge: {other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn nothing_is_needed_but_a_password() {
        let options = run(&[]).unwrap();
        assert_eq!(options.tracker.to_string(), "127.0.0.1:23470");
        assert_eq!(options.clients.to_string(), "127.0.0.1:23471");
        let options = run(&["--tracker", "[::1]:7"]).unwrap();
        assert_eq!(options.clients.to_string(), "[::1]:23471");
        let no = parse([OsString::from("bridge")], |_| None).unwrap_err();
        assert!(no.to_string().contains("GLTRACKER_PASSWORD"), "{no}");
    }

    #[test]
    fn a_door_has_its_default_where_no_address_is_said() {
        let everywhere = "[::]:27950".parse().unwrap();
        assert_eq!(place("yes", QUAKE_PORT), Ok(everywhere));
        let one = "127.0.0.1:5".parse().unwrap();
        assert_eq!(place_of_game("127.0.0.1:5"), Ok((one, None)));
        let game = Some("redeclipse".to_owned());
        assert_eq!(
            place_of_game("127.0.0.1:5=redeclipse"),
            Ok((one, game.clone()))
        );
        let everywhere = "[::]:28787".parse().unwrap();
        assert_eq!(place_of_game("=redeclipse"), Ok((everywhere, game)));
        for right in [
            &["--quake", "--cube", "127.0.0.1:0", "--quake"][..],
            &["--no-loopback", "--cube", "--quake"],
            &["--no-loopback"],
        ] {
            assert!(run(right).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn wrong_usage_is_told_what_would_be_right() {
        for (arguments, part) in [
            (
                &["--quake", "here"][..],
                "--quake: 'here' is not an address",
            ),
            (&["--quake", "fd:0"], "write [::]:27950 for all"),
            (&["--cube", "127.0.0.1:5="], "behind =, as in"),
            (
                &["--cube", "--no-loopback"],
                "--no-loopback is for the Quake family",
            ),
            (&["--clients", "a b"], "--clients: 'a b' is not an address"),
            (&["--tracker"], "--tracker needs a value"),
            (&["--quakes"], "did you mean --quake?"),
            (&["now"], "'now' is not a flag; gltracker bridge --help"),
            (&["--log-level", "loud"], "write error, warn, info or debug"),
        ] {
            let error = run(arguments).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }
}
