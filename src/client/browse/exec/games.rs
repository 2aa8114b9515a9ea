//! A file that says which program joins which game.
//!
//! This file hides where it is, and that it is read whenever a program is wanted: the player may write a
//! line into it while the list is shown.

use super::template::Template;
use crate::base::io_error::in_words;
use crate::client::browse::favourites::user_file;
use crate::client::width::{cut, plain};
use crate::protocol::argument::MAX_VALUE;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

/// The largest file, in bytes: room for thousands of games.
const MAX_FILE: u64 = 1 << 20;

/// The most columns of the name of a game in a line for the player, so that there is room for the rest.
const GAME_IN_LINE: usize = 24;

/// Lines `game = program and arguments`.
#[derive(Debug, Clone, Default)]
pub struct Games {
    path: Option<PathBuf>,
    /// The player has named it, so it must be there.
    is_given: bool,
    home: Option<PathBuf>,
}

impl Games {
    /// The file that the player has named, or the one in the folder for a user's configuration.
    pub fn at(given: Option<PathBuf>, environment: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_given = given.is_some();
        let usual = || user_file(&environment, "XDG_CONFIG_HOME", ".config", "games");
        Self {
            path: given.or_else(usual),
            is_given,
            home: environment("HOME").map(PathBuf::from),
        }
    }

    /// True if there is such a file, or there should be one.
    pub fn is_there(&self) -> bool {
        self.is_given || self.path.as_ref().is_some_and(|path| path.exists())
    }

    /// Checks all lines.
    ///
    /// # Errors
    /// A text that says what is wrong where.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.read().map(drop)
    }

    /// What joins this game, if a line says so. Letter case means nothing.
    ///
    /// # Errors
    /// A text that says what is wrong with the file.
    pub(crate) fn program_of(&self, game: &str) -> Result<Option<Template>, String> {
        Ok(self.read()?.remove(&game.to_lowercase()))
    }

    /// What the player should write where to join this game.
    pub(crate) fn advice(&self, game: &str) -> String {
        let game = plain(game, MAX_VALUE);
        let line = format!("{} = PROGRAM {{address}}", cut(&game, GAME_IN_LINE));
        match &self.path {
            Some(_) => format!("write '{line}' into {}", self.shown()),
            None => format!("write '{line}' into a file, and name that with --games"),
        }
    }

    /// The name of the file, as a player writes it.
    fn shown(&self) -> String {
        let path = self.path.clone().unwrap_or_default();
        let at_home = self
            .home
            .as_ref()
            .and_then(|home| path.strip_prefix(home).ok());
        at_home.map_or_else(
            || path.display().to_string(),
            |rest| format!("~/{}", rest.display()),
        )
    }

    fn read(&self) -> Result<BTreeMap<String, Template>, String> {
        let text = self
            .text()
            .map_err(|error| format!("{} cannot be read: {}", self.shown(), in_words(&error)))?;
        parse(&text).map_err(|why| format!("{}, {why}", self.shown()))
    }

    /// What the file holds; nothing if there is none and there need not be.
    fn text(&self) -> io::Result<String> {
        let Some(path) = &self.path else {
            return Ok(String::new());
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_given => {
                return Ok(String::new());
            }
            opened => opened?,
        };
        let mut text = String::new();
        file.take(MAX_FILE + 1).read_to_string(&mut text)?;
        match text.len() as u64 > MAX_FILE {
            true => Err(io::Error::other("it is too large")),
            false => Ok(text),
        }
    }
}

/// The programs by the names of their games in lower case.
fn parse(text: &str) -> Result<BTreeMap<String, Template>, String> {
    let mut games = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| format!("line {number}: {why}");
        let halves = line
            .split_once('=')
            .map(|(game, command)| (game.trim(), command));
        let Some((game, command)) = halves.filter(|(game, _)| !game.is_empty()) else {
            return Err(wrong(
                "write it as in 'xonotic = xonotic-sdl +connect {address}'",
            ));
        };
        let template = Template::parse(command).map_err(|why| wrong(&why))?;
        if games.insert(game.to_lowercase(), template).is_some() {
            return Err(wrong("there is a line for this game already"));
        }
    }
    Ok(games)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn a_line_says_what_joins_a_game() {
        let text = "# mine\n\n xonotic = xonotic-sdl +connect {address} \r\n\
                    Quake III=ioquake3 '+set a=b' {ip}\n";
        let games = parse(text).unwrap();
        let keys: Vec<&str> = games.keys().map(String::as_str).collect();
        assert_eq!(keys, ["quake iii", "xonotic"]);
        assert_eq!(
            games["quake iii"],
            Template::parse("ioquake3 '+set a=b' {ip}").unwrap()
        );
        for (text, why) in [
            ("\n# a\nxonotic", "line 3: write it as in"),
            ("= x", "line 1: write it as in"),
            ("a =", "line 1: begin with the name of a program"),
            ("a = b {ip", "line 1: '{ip' has a { that is not closed"),
            (
                "a = b\nA = c",
                "line 2: there is a line for this game already",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_nobody_has_named_need_not_be_there() {
        let home = |name: &str| (name == "HOME").then(|| "/nonexistent".into());
        let games = Games::at(None, home);
        assert!(!games.is_there() && games.check().is_ok());
        assert_eq!(games.program_of("xonotic"), Ok(None));
        assert_eq!(
            games.advice("xonotic"),
            "write 'xonotic = PROGRAM {address}' into ~/.config/gltracker/games"
        );
        let long = games.advice(&"x\u{1b}".repeat(40));
        assert!(long.contains("… = PROGRAM {address}"), "{long}");
        let games = Games::at(Some("/nonexistent".into()), home);
        let error = games.check().unwrap_err();
        assert!(error.contains("cannot be read: No such file"), "{error}");
        let homeless = Games::at(None, |_| None);
        assert!(homeless.advice("a").ends_with("name that with --games"));
    }

    quickcheck! {
        fn any_text_is_read_or_refused(text: String) -> bool {
            parse(&text).map_or_else(|why| why.starts_with("line "), |_| true)
        }
    }
}
