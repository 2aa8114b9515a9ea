//! The flags of `gltracker announce`.

use crate::cli::arguments::announced::{check_own, patience, place, set_field, text, tracker};
use crate::cli::arguments::asked::{ASK, ASK_EVERY, Asking, STATUS};
use crate::cli::arguments::login::{KEY, Login, PASSWORD_FILE};
use crate::cli::arguments::trackers::{IPV4, IPV6, Trackers};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag, Item};
use crate::cli::manual::{Example, Page};
use crate::game_server::TRACKER_PORT;
use crate::game_server::announce::Options;
use crate::protocol::fields::{self, Infos};
use std::ffi::OsString;

const COMMAND: &str = "gltracker announce";

/// The end of an error about a word that may be meant as a program.
const PROGRAM: &str = "the program to run stands behind --";

const FLAGS: [Flag; 13] = [
    Flag {
        name: "--tracker",
        value: "HOST[:PORT]",
        help: "the same as the word; may be given again",
    },
    Flag {
        name: "--port",
        value: "N",
        help: "the port that players join",
    },
    PASSWORD_FILE,
    KEY,
    Flag {
        name: "--updates",
        value: "FILE",
        help: "read updates from there, not from standard input\nThe file is read as it changes.",
    },
    Flag {
        name: "--alive",
        value: "SECONDS",
        help: "off the lists without an update for so long\nIt is back with the next update.",
    },
    Flag {
        name: "--pong",
        value: "",
        help: "answer UDP PING and CHALLENGE; =[ADDR:]PORT\nThis is done for the game, at its port, or elsewhere: --pong=[ADDR:]PORT.",
    },
    ASK,
    STATUS,
    ASK_EVERY,
    IPV4,
    IPV6,
    Flag {
        name: "--check",
        value: "",
        help: "say step by step why it is not listed\nIt asks players' port of the tracker too, or --check=PORT, and leaves nothing on the list.",
    },
];

pub(crate) const PAGE: Page = Page {
    name: "announce",
    summary: "Keeps a game server on the lists of trackers",
    usage: &[
        "gltracker announce [TRACKER...] --port N [FLAGS] [key=value...] [-- PROGRAM...]",
        "gltracker announce [TRACKER...] --ask KIND [FLAGS] [key=value...] [-- PROGRAM...]",
    ],
    examples: [
        Example {
            typed: "gltracker announce tracker.example --ask quake3",
            effect: "A game that can be asked what it is",
        },
        Example {
            typed: "gltracker announce tracker.example --port 23460 maxplayers=8 -- ./server",
            effect: "Any other game, as long as its program runs",
        },
    ],
    flags: &FLAGS,
    notes: "\
TRACKER is HOST[:PORT], by default port 23470 on this machine, or what
GLTRACKER_TRACKER names. GLTRACKER_PASSWORD is its password.

Players see the fields, as in nbplayers=0 maxplayers=8 version=0.70. Lines of
key=value on standard input change them, and key= removes one, or leaves it out
of what the game says. When PROGRAM ends, so does this.",
    more: "\
IPv6 stands in brackets. GLTRACKER_TRACKER names several trackers with commas or spaces between
them.

Stays connected, answers the tracker, and comes back by itself when it was away. Standard input may
change fields ten times a second at most, and its end changes nothing. A value with spaces stands in
quotes: description='Friday cycles'.

A game that exists is asked what it is (--ask), by default on this machine at the usual port of its
kind: quake3 27960, source 27015, minecraft 25565. Unless --port says another, players join the
port that the game names, or else the one that is asked. Any other game is asked by a command
(--status), which prints such lines and ends with exit code 0. What you say wins, and key= leaves
a field out. After three questions without an answer it is off the lists until the next answer.

With a program, which is the game server, it is started, and when it ends it leaves the lists and
this command ends with its exit code. It has standard input for itself: give --updates for
updates. While it is stopped by a signal (seen on Linux) it is off the lists. It is told
GLTRACKER_PORT and GLTRACKER_TRACKERS, but no password. Ctrl-C is for it, and this command waits
for its end, if there is a GNU env or perl; otherwise Ctrl-C ends both at once.

With --check it goes through all that once, each tracker in turn, and says on standard output what is
right, what is not, and what to do. The program is not started. If the game server is listed at last,
that is for a moment; one that is on the list already is left alone. It takes a second or two, and a
minute for each tracker at the most.

What happens goes to standard error, a line each.",
    exits: "\
1 all trackers have refused for good, or --check has found what to mend, 2 wrong usage, 3 the system said no (port in use, file \
unreadable, program not found); with a program its own, or 128 and the number of a signal",
};

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
        Asked::Help => return Ok(Command::Print(PAGE.help())),
        Asked::Version => return Ok(Command::version()),
    };
    let (mut trackers, mut is_flagged) = (Trackers::<TRACKER_PORT>::default(), false);
    let (mut asking, mut words, mut value) = (Asking::default(), Vec::new(), String::new());
    let (mut login, mut fields, mut updates) = (Login::default(), Infos::default(), None);
    let (mut pong, mut alive, mut program) = (None, None, Vec::new());
    let mut check = None;
    for item in items {
        match item {
            Item::Flag(flag, value)
                if trackers.set(flag, &value)?
                    || login.set(flag, &value)?
                    || asking.set(flag, &value)? => {}
            Item::Flag(flag, value) => match flag.name {
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
                "--alive" => alive = Some(patience(text(flag.name, &value)?)?),
                "--check" => check = Some(client_port(text(flag.name, &value)?)?),
                "--pong" => pong = place(text(flag.name, &value)?)?,
                name => unreachable!("{name} is in FLAGS and not here"),
            },
            Item::Word(word) if word.contains('=') => {
                check_own(&word)?;
                if !asking.switch_off(&word)? {
                    set_field(&mut fields, &word)?;
                    value = word;
                }
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
        // With --tracker, a bare word is probably a program and not another tracker.
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
    let (asked, off) = asking.finish(pong, &mut fields)?;
    if fields.get("port").is_none() {
        return Err(missing("--port N"));
    }
    if alive.is_some() && updates.is_none() && asked.is_none() && !program.is_empty() {
        return Err(UsageError(
            "--alive waits for updates, and the program has standard input for itself: give \
             --updates FILE"
                .to_owned(),
        ));
    }
    fields.check_complete().map_err(|no| UsageError(no.text))?;
    let (key, secret) = login.finish(&environment)?;
    let options = Box::new(Options {
        trackers,
        key,
        secret,
        fields,
        off,
        asked,
        updates,
        pong,
        alive,
        program,
    });
    Ok(match check {
        Some(client_port) => Command::CheckAnnounce(options, client_port),
        None => Command::Announce(options),
    })
}

/// Reads the value of --check, which may be the port for players.
fn client_port(text: &str) -> Result<Option<u16>, UsageError> {
    let port = text.parse().ok().filter(|port| *port != 0);
    match text {
        "yes" => Ok(None),
        _ => port.map(Some).ok_or_else(|| {
            let wrong = format!(
                "--check: '{}' is not the port for players",
                text.escape_debug()
            );
            UsageError(format!("{wrong}, a number from 1 to 65535"))
        }),
    }
}

/// The error for a field that is written like a flag.
fn field_as_flag(word: &str) -> Option<UsageError> {
    let rest = word.strip_prefix("--")?;
    let (key, value) = rest.split_once('=').unwrap_or((rest, "..."));
    let is_meant = fields::is_known(key) && (key != "version" || rest.contains('='));
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

#[cfg(test)]
mod tests;
