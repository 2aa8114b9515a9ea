//! The flags of `gltracker announce`.

use crate::cli::arguments::trackers::{IPV4, IPV6, Trackers, VARIABLE};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag, Item};
use crate::game_server::announce::{Options, Secret};
use crate::game_server::{PongPlace, TRACKER_PORT, TrackerAddress};
use crate::protocol::infos::{self, Infos};
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::time::Duration;

const COMMAND: &str = "gltracker announce";

/// The longest silence of a game server that lives, in seconds: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// Said about a word that may be meant as one.
const PROGRAM: &str = "the program to run stands behind --";

const FLAGS: [Flag; 9] = [
    Flag {
        name: "--tracker",
        value: "HOST[:PORT]",
        help: "the same as the word HOST[:PORT]; may be given again",
    },
    Flag {
        name: "--port",
        value: "N",
        help: "the port that players join",
    },
    Flag {
        name: "--password-file",
        value: "FILE",
        help: "the password is its first line, in place of GLTRACKER_PASSWORD",
    },
    Flag {
        name: "--key",
        value: "NAME",
        help: "log in with this key, whose secret is the password; or GLTRACKER_KEY",
    },
    Flag {
        name: "--updates",
        value: "FILE",
        help: "read updates from this file as it changes, not from standard input",
    },
    Flag {
        name: "--alive",
        value: "SECONDS",
        help: "off the lists if no update came for so long, back with the next",
    },
    Flag {
        name: "--pong",
        value: "",
        help: "answer UDP PING and CHALLENGE for the game; elsewhere: =[ADDR:]PORT",
    },
    IPV4,
    IPV6,
];

/// Reads the arguments behind the command, and the environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    let own: Vec<&str> = own.filter_map(|word| word.to_str()).collect();
    if let Some(error) = own.iter().find_map(|word| field_as_flag(word)) {
        return Err(error);
    }
    if let Some([_, port]) = own
        .windows(2)
        .find(|pair| pair[0] == "--pong" && pair[1].parse::<u16>().is_ok())
    {
        return Err(UsageError(format!("--pong {port}: write --pong={port}")));
    }
    let items = match flags::read(arguments, &FLAGS, COMMAND)? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(help())),
        Asked::Version => return Ok(Command::version()),
    };
    let (mut trackers, mut is_flagged) = (Trackers::<TRACKER_PORT>::default(), false);
    let (mut words, mut value) = (Vec::new(), String::new());
    let (mut fields, mut key, mut password_file, mut updates) =
        (Infos::default(), None, None, None);
    let (mut pong, mut alive, mut program) = (None, None, Vec::new());
    for item in items {
        match item {
            Item::Flag(flag, value) if trackers.set(flag, &value)? => {}
            Item::Flag(flag, value) => match flag.name {
                "--password-file" => password_file = Some(value.into()),
                "--updates" => updates = Some(value.into()),
                "--tracker" => {
                    is_flagged = true;
                    trackers.add(tracker("--tracker: ", text(flag.name, &value)?)?);
                }
                "--port" => {
                    let value = text(flag.name, &value)?;
                    fields.set("port", value).map_err(|_| {
                        UsageError(format!("--port: '{value}' is not a number from 1 to 65535"))
                    })?;
                }
                "--key" => key = Some(text(flag.name, &value)?.to_owned()),
                "--alive" => alive = Some(patience(text(flag.name, &value)?)?),
                "--pong" => pong = place(text(flag.name, &value)?)?,
                name => unreachable!("{name} is in FLAGS and not here"),
            },
            Item::Word(word) if word.contains('=') => {
                set_field(&mut fields, &word)?;
                value = word;
            }
            Item::Word(word) if !value.is_empty() && !word.contains(['.', ':', '/']) => {
                return Err(UsageError(format!(
                    "'{}' is not a tracker behind a field; a value with spaces stands in quotes: \
                     '{} {0}'",
                    word.escape_debug(),
                    value.escape_debug(),
                )));
            }
            Item::Word(word) => words.push(word),
            Item::Rest(words) if words.is_empty() => {
                return Err(UsageError("behind -- stands the program to run".to_owned()));
            }
            Item::Rest(words) => program = words,
        }
    }
    for word in words {
        // Whoever writes the flag means no tracker by a word: rather a program.
        if is_flagged {
            return Err(UsageError(format!(
                "'{}' is neither a flag nor key=value; {PROGRAM}",
                word.escape_debug()
            )));
        }
        let named = tracker("", &word).map_err(|no| UsageError(format!("{no}; {PROGRAM}")))?;
        trackers.add(named);
    }
    let trackers = trackers.finish(&environment)?;
    if fields.get("port").is_none() {
        return Err(missing("--port N"));
    }
    if alive.is_some() && updates.is_none() && !program.is_empty() {
        return Err(UsageError(
            "--alive waits for updates, and the program has standard input for itself: give \
             --updates FILE"
                .to_owned(),
        ));
    }
    fields.check_complete().map_err(|no| UsageError(no.text))?;
    let secret = match password_file {
        Some(file) => Secret::File(file),
        None => match variable("GLTRACKER_PASSWORD", &environment)? {
            Some(password) => Secret::Text(password),
            None => {
                return Err(UsageError(
                    "a password is needed: put it into GLTRACKER_PASSWORD, or into a file and \
                     give --password-file FILE"
                        .to_owned(),
                ));
            }
        },
    };
    let key = match key {
        Some(key) => Some(key),
        None => variable("GLTRACKER_KEY", &environment)?,
    };
    Ok(Command::Announce(Box::new(Options {
        trackers,
        key,
        secret,
        fields,
        updates,
        pong,
        alive,
        program,
    })))
}

/// What is wrong with a field that is written as if it were a flag.
fn field_as_flag(word: &str) -> Option<UsageError> {
    let rest = word.strip_prefix("--")?;
    let (key, value) = rest.split_once('=').unwrap_or((rest, "..."));
    let is_meant = infos::is_known(key) && (key != "version" || rest.contains('='));
    let is_flag = FLAGS.iter().any(|flag| flag.name == format!("--{key}"));
    (is_meant && !is_flag).then(|| {
        let value = value.escape_debug();
        UsageError(format!(
            "there is no flag --{key}; a field has no dashes: '{key}={value}'"
        ))
    })
}

fn missing(flag: &str) -> UsageError {
    UsageError(format!("{flag} is needed; {COMMAND} --help shows how"))
}

fn text<'a>(source: &str, value: &'a OsStr) -> Result<&'a str, UsageError> {
    let error = || UsageError(format!("{source}: the value is not text"));
    value.to_str().ok_or_else(error)
}

fn tracker(source: &str, text: &str) -> Result<TrackerAddress, UsageError> {
    text.parse()
        .map_err(|error| UsageError(format!("{source}{error}")))
}

/// How long a game server may be silent.
fn patience(text: &str) -> Result<Duration, UsageError> {
    let seconds = text.parse().ok().filter(|n| (1..=LONGEST).contains(n));
    let seconds = seconds.ok_or_else(|| {
        let text = text.escape_debug();
        UsageError(format!(
            "--alive: '{text}' is not a number from 1 to {LONGEST}"
        ))
    })?;
    Ok(Duration::from_secs(seconds))
}

/// Where datagrams are answered, if at all.
fn place(text: &str) -> Result<Option<PongPlace>, UsageError> {
    let (ip, port) = match text {
        "no" | "0" | "off" | "false" => return Ok(None),
        "yes" | "1" | "on" | "true" => return Ok(Some(PongPlace::default())),
        port if !port.contains(':') => (None, port.parse().ok()),
        both => {
            let address = both.parse::<SocketAddr>().ok();
            (address.map(|a| a.ip()), address.map(|a| a.port()))
        }
    };
    let port = port.filter(|&port| port > 0).ok_or_else(|| {
        UsageError(format!(
            "--pong: '{}' is neither yes nor no, nor PORT, ADDR:PORT or [IPv6]:PORT",
            text.escape_debug()
        ))
    })?;
    Ok(Some(PongPlace {
        ip,
        port: Some(port),
    }))
}

fn variable(
    name: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, UsageError> {
    match environment(name).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Some(text(name, &value)?.to_owned())),
        None => Ok(None),
    }
}

/// Sets what a word `key=value` says. The shell has taken the quotes off, so that the value is all
/// that follows the first equals sign.
fn set_field(fields: &mut Infos, word: &str) -> Result<(), UsageError> {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    let own = ["port", "checked", "stale", "mac"];
    if own.contains(&key) {
        let instead = match key {
            "port" => "write --port N",
            _ => "leave it out, it is not yours to say",
        };
        return Err(UsageError(format!("{key}=: {instead}")));
    }
    if value.is_empty() {
        return Err(UsageError(format!(
            "{}=: a value is needed",
            key.escape_debug()
        )));
    }
    fields.set(key, value).map_err(|no| UsageError(no.text))
}

/// The text of `gltracker announce --help`.
pub(crate) fn help() -> String {
    format!(
        "\
Keeps a game server on the lists of trackers

Usage: {COMMAND} [TRACKER...] --port N [FLAGS] [key=value...] [-- PROGRAM...]

A TRACKER is HOST[:PORT], IPv6 in brackets, port 23470 if not given. If none is named it is what
{VARIABLE} names, with commas or spaces between them, or else the one on this machine.

Stays connected, answers the tracker, and comes back by itself when it was away. What players see
are the fields, as in nbplayers=0 maxplayers=8 version=0.70 description='Friday cycles'.
Lines of key=value on standard input change them (key= removes one), ten times a second at most;
the end of standard input changes nothing.

Flags:
{}
The password of the tracker belongs into GLTRACKER_PASSWORD.

With a program, which is the game server, it is started, and when it ends it leaves the lists and
this command ends with its exit code. It has standard input for itself: give --updates for
updates. While it is stopped by a signal (seen on Linux) it is off the lists. It is told
GLTRACKER_PORT and GLTRACKER_TRACKERS, but no password. Ctrl-C is for it, and this command waits
for its end, if there is a GNU env or perl; otherwise Ctrl-C ends both at once.

What happens goes to standard error, a line each.
Exit codes: 1 all trackers have refused for good, 2 wrong usage, 3 the system said no (port in use,
file unreadable, program not found); with a program its own, or 128 and the number of a signal.
",
        flags::table(&FLAGS)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;

    fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, String> {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        let arguments = ["announce"].iter().chain(arguments).map(OsString::from);
        match parse(arguments, lookup) {
            Ok(Command::Announce(options)) => Ok(*options),
            Ok(Command::Print(text)) => Err(text),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    const PASSWORD: [(&str, &str); 1] = [("GLTRACKER_PASSWORD", "s p")];

    #[test]
    fn all_of_it_is_understood() {
        let environment = [PASSWORD[0], ("GLTRACKER_KEY", "alice")];
        let options = run(
            &[
                "--tracker",
                "a",
                "--tracker=[::1]:5",
                "nbplayers=0",
                "--port",
                "7",
                "description=two \"words\"",
                "--pong",
                "--alive=30",
                "--updates",
                "u",
                "--",
                "game",
                "--port",
                "x",
            ],
            &environment,
        )
        .unwrap();
        let trackers: Vec<String> = options.trackers.iter().map(TrackerAddress::short).collect();
        assert_eq!(trackers, ["a", "[::1]:5"]);
        assert_eq!(
            options.fields.to_string(),
            "port=7 nbplayers=0 description=\"two \\\"words\\\"\""
        );
        assert_eq!(options.key.as_deref(), Some("alice"));
        assert!(matches!(&options.secret, Secret::Text(text) if text == "s p"));
        assert!(!format!("{options:?}").contains("s p"), "it is a secret");
        assert_eq!(options.pong, Some(PongPlace::default()));
        assert_eq!(options.updates, Some("u".into()));
        assert_eq!(options.alive, Some(Duration::from_secs(30)));
        assert_eq!(options.program, ["game", "--port", "x"]);

        let arguments = [
            "--tracker",
            "a",
            "--port",
            "7",
            "--password-file",
            "f",
            "--key",
            "bob",
        ];
        let options = run(&arguments, &environment).unwrap();
        assert!(matches!(&options.secret, Secret::File(path) if path.as_os_str() == "f"));
        assert_eq!(options.key.as_deref(), Some("bob"));
        assert!(options.pong.is_none() && options.program.is_empty());
    }

    #[test]
    fn datagrams_are_answered_elsewhere_if_that_is_said() {
        for (written, ip, port) in [
            ("--pong=24000", None, 24000),
            ("--pong=10.2.9.9:24000", Some("10.2.9.9"), 24000),
            ("--pong=[::1]:2", Some("::1"), 2),
        ] {
            let arguments = ["--tracker", "a", "--port", "7", written];
            let place = PongPlace {
                ip: ip.map(|ip| ip.parse().unwrap()),
                port: Some(port),
            };
            assert_eq!(run(&arguments, &PASSWORD).unwrap().pong, Some(place));
        }
    }

    #[test]
    fn trackers_are_words_or_flags_or_in_the_environment_or_on_this_machine() {
        let named = [PASSWORD[0], ("GLTRACKER_TRACKER", "b:1, c b:1")];
        for (arguments, environment, trackers) in [
            (&["a", "c:1", "x=1"][..], &named[..], "a c:1"),
            (&["--tracker", "a", "--tracker=c:1"], &named, "a c:1"),
            (&["--ipv4"], &named, "b:1 c"),
            (&[], &PASSWORD, "127.0.0.1"),
            (&["--ipv6"], &PASSWORD, "[::1]"),
        ] {
            let arguments = [arguments, &["--port", "7"]].concat();
            let options = run(&arguments, environment).unwrap();
            let shown = options.trackers.iter().map(TrackerAddress::short);
            assert_eq!(shown.collect::<Vec<_>>().join(" "), trackers);
            let family = options.trackers[0].family();
            assert_eq!(family.is_some(), arguments[0].starts_with("--ipv"));
        }
    }

    #[test]
    fn wrong_usage_is_told_what_would_be_right() {
        for (arguments, part) in [
            (&[][..], "--port N is needed"),
            (&["--tracker", "a"], "--port N is needed"),
            (&["--tracker", "::1"], "--tracker: '::1' has several colons"),
            (&["::1"], "IPv6 stands in brackets: [::1]:23470"),
            (&["--ipv4", "--ipv6"], "it can be only one"),
            (&["--trackers", "a"], "did you mean --tracker?"),
            (
                &["--port", "0"],
                "--port: '0' is not a number from 1 to 65535",
            ),
            (&["port=1"], "write --port N"),
            (&["checked=yes"], "leave it out"),
            (&["nbplayers=many"], "nbplayers must be a number"),
            (
                &["a", "description=My", "server"],
                "stands in quotes: 'description=My server'",
            ),
            (&["[::1]", "--ipv4"], "[::1]:23470 is not an IPv4 address"),
            (&["a="], "a value is needed"),
            (&["A=1"], "a key is a letter"),
            (
                &["--description=My server"],
                "a field has no dashes: 'description=My server'",
            ),
            (&["--maxplayers", "8"], "a field has no dashes"),
            (&["--version=0.70"], "'version=0.70'"),
            (&["--tracker", "a", "game"], "'game' is neither a flag nor"),
            (&["game", "--tracker", "a"], "stands behind --"),
            (
                &["a", "./game"],
                "HOST:PORT or [IPv6]:PORT; the program to run",
            ),
            (&["--"], "behind -- stands the program"),
            (&["--alive", "0"], "--alive: '0' is not a number from 1"),
            (
                &["--tracker=a", "--port=1", "--alive=9", "--", "x"],
                "give --updates FILE",
            ),
            (&["--pong", "24000"], "write --pong=24000"),
            (&["--pong=maybe"], "neither yes nor no"),
            (&["--pong=65536"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
            (&["--pong=10.2.9.9"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
            (&["--pong=::1"], "nor PORT, ADDR:PORT or [IPv6]:PORT"),
        ] {
            let error = run(arguments, &PASSWORD).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
        let error = run(&["--tracker", "a", "--port", "1"], &[]).unwrap_err();
        assert!(error.contains("GLTRACKER_PASSWORD"), "{error}");
    }

    #[test]
    fn help_names_every_flag_and_fits_a_terminal_of_a_hundred_columns() {
        let help = run(&["--help"], &[]).unwrap_err();
        assert!(FLAGS.iter().all(|flag| help.contains(flag.name)));
        assert!(help.lines().all(|line| line.len() < 100), "{help}");
    }
}
