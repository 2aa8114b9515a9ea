//! The words and flags of `gltracker browse`.

use super::list::COLUMNS;
use crate::cli::arguments::targets;
use crate::cli::arguments::trackers::{IPV4, IPV6};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag};
use crate::cli::manual::{Example, Page};
use crate::client::browse::Request;
use crate::client::browse::exec::{Games, Template};
use crate::client::columns::Columns;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

const FLAGS: [Flag; 6] = [
    Flag {
        name: "--exec",
        value: "COMMAND",
        help: "what Enter runs, as in 'game {ip}:{port}'",
    },
    Flag {
        name: "--games",
        value: "FILE",
        help: "what Enter runs for each game\nThe default is ~/.config/gltracker/games, or below XDG_CONFIG_HOME.",
    },
    COLUMNS,
    Flag {
        name: "--game-version",
        value: "VERSION",
        help: "the version of your game; v hides all others\nThey are dimmed otherwise.",
    },
    IPV4,
    IPV6,
];

pub(crate) const PAGE: Page = Page {
    name: "browse",
    summary: "Shows the game servers on the lists of trackers, live, nearest first",
    usage: &["gltracker browse [TRACKER...] [CONDITION...] [FLAGS]"],
    examples: [
        Example {
            typed: "gltracker browse tracker.example",
            effect: "Watch the list; Enter prints the address that you picked",
        },
        Example {
            typed: "gltracker browse tracker.example --exec 'game --connect {ip}:{port}'",
            effect: "Enter starts your game with it",
        },
    ],
    flags: &FLAGS,
    notes: "\
TRACKER is HOST[:PORT], by default port 23471 on this machine, or what
GLTRACKER_TRACKER names. CONDITION is notempty, notfull, speed=fast,
'maxplayers>=8', ... ? shows all keys.

The file of games, ~/.config/gltracker/games, has a line for each game:
  xonotic = xonotic-sdl +connect {address}
There and in --exec {ip}, {port}, {address}, {map}, ... stand for what the
game server has, and {key?} for any other. Every word is one argument.",
    more: "\
Shows the game servers of one or several trackers, measures how near they are, and follows what
changes. Enter joins the selected one: it runs what the file of games has for it, or else --exec,
and comes back when that ends (by Ctrl-C as well, if there is a GNU env or perl; otherwise Ctrl-C
ends both). Without either it prints ip:port and leaves. Those that may not be there come last,
with a ~. Conditions are those of list.

The file of games has a line for each value of the field game; # begins a comment. It is read at
each Enter. What the game server has is also in the environment of the game: GAME_SERVER_IP,
GAME_SERVER_PORT, GAME_SERVER_VERSION, ... Favourites are kept in the user's data folder.",
    exits: "\
0 left or picked, 2 wrong usage or file of games, 3 there is no terminal (of Unix) for it, or no \
such program, or the address that was picked cannot be written",
};

/// Reads the arguments behind the command, and the environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let items = match flags::read(arguments, &FLAGS, "gltracker browse")? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(PAGE.help())),
        Asked::Version => return Ok(Command::version()),
    };
    let (mut exec, mut game_version, mut games) = (None, None, None);
    let mut columns = Columns::default();
    let set = |flag: &Flag, value: &OsStr| {
        let wrong = |why: String| UsageError(format!("{}: {why}", flag.name));
        if flag.name == "--games" {
            games = Some(PathBuf::from(value));
            return Ok(());
        }
        let text = value
            .to_str()
            .ok_or_else(|| wrong("the value is not text".to_owned()))?;
        match flag.name {
            "--columns" => columns = Columns::parse(text).map_err(wrong)?,
            "--exec" => exec = Some(Template::parse(text).map_err(wrong)?),
            _ => game_version = Some(text.to_owned()),
        }
        Ok(())
    };
    let (trackers, conditions) = targets::read(items, "gltracker browse", &environment, set)?;
    Ok(Command::Browse(Box::new(Request {
        trackers,
        conditions,
        games: Games::at(games, environment),
        exec,
        columns,
        game_version,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;
    use crate::reach::Family;

    fn run(arguments: &[&str]) -> Result<Request, String> {
        let arguments = ["browse"].iter().chain(arguments).map(OsString::from);
        match parse(arguments, |_| None) {
            Ok(Command::Browse(request)) => Ok(*request),
            Ok(Command::Print(text)) => Err(text),
            Ok(_) => Err("another command".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn trackers_conditions_and_the_game_are_understood() {
        let arguments = [
            "a.example",
            "notempty",
            "b.example:9",
            "--exec",
            "game {ip}",
            "--game-version=0.70",
            "--ipv4",
        ];
        let request = run(&arguments).unwrap();
        let trackers: Vec<String> = request.trackers.iter().map(ToString::to_string).collect();
        assert_eq!(trackers, ["a.example:23471", "b.example:9"]);
        assert_eq!(request.trackers[0].family(), Some(Family::Ipv4));
        assert_eq!(request.conditions.to_string(), "notempty");
        assert_eq!(request.exec, Template::parse("game {ip}").ok());
        assert_eq!(request.game_version.as_deref(), Some("0.70"));
        let request = run(&["--games=own", "--columns", "map,zone"]).unwrap();
        assert_eq!(request.columns, Columns::parse("map,zone").unwrap());
        assert!(request.games.is_there() && request.starts_programs());
        assert_eq!(run(&[]).unwrap().trackers[0].to_string(), "127.0.0.1:23471");
    }

    #[test]
    fn wrong_usage_is_told_what_would_be_right() {
        for (arguments, part) in [
            (
                &["--exec", "{ip}"][..],
                "--exec: begin with the name of a program",
            ),
            (
                &["--exec", "game {adress}"],
                "--exec: '{adress}' is none of the",
            ),
            (&["--columns=name"], "--columns: name is always shown"),
            (&["--games"], "--games needs a value: --games FILE"),
            (&["--exce", "x"], "did you mean --exec?"),
            (&["nbplayers>=many"], "is compared with a whole number"),
            (&["--", "x"], "is not a flag"),
        ] {
            let error = run(arguments).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }
}
