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
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

/// The largest file, in bytes: room for thousands of games.
const MAX_FILE: u64 = 1 << 20;

/// The most columns of the name of a game in a line for the player, so that there is room for the rest.
const GAME_IN_LINE: usize = 24;

/// What is said of a file that is no text.
const NO_TEXT: &str = "it is not text in UTF-8; write a line for each game into it, as in \
                       'xonotic = xonotic-sdl +connect {address}'";

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
        let game = cut(&plain(game, MAX_VALUE), GAME_IN_LINE).to_string();
        let Some(game) = quoted(&game) else {
            return "no line can have the name of its game; --exec is for such".to_owned();
        };
        let line = format!("{game} = PROGRAM {{address}}");
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
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && !self.is_given => {
                return Ok(String::new());
            }
            // Reading anything else might never return, or never end.
            Ok(metadata) if !metadata.is_file() => {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => Err(io::Error::other(NO_TEXT)),
        }
    }
}

/// The name of a game as it is written in front of an equals sign; `None` if that cannot be done.
fn quoted(game: &str) -> Option<String> {
    let is_plain = !game.is_empty() && !game.starts_with(['#', '"', '\'']) && !game.contains('=');
    if is_plain && game.trim() == game {
        return Some(game.to_owned());
    }
    let quote = ['"', '\''].into_iter().find(|q| !game.contains(*q))?;
    Some(format!("{quote}{game}{quote}"))
}

/// The name of a game, which may be in quotes, and what follows the equals sign; `None` if it is no such
/// line.
fn halves(line: &str) -> Option<(&str, &str)> {
    let Some(quote) = line.chars().next().filter(|c| ['"', '\''].contains(c)) else {
        let (game, command) = line.split_once('=')?;
        return Some((game.trim(), command));
    };
    let (game, rest) = line[1..].split_once(quote)?;
    Some((game, rest.trim_start().strip_prefix('=')?))
}

/// A command without the comment behind it: what begins with a word that begins with # outside quotes.
fn without_comment(command: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (position, character) in command.char_indices() {
        match (quote, character) {
            (Some(open), character) if character == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '#') if before.is_whitespace() => return &command[..position],
            _ => {}
        }
        before = character;
    }
    command
}

/// The programs by the names of their games in lower case.
fn parse(text: &str) -> Result<BTreeMap<String, Template>, String> {
    let mut games = BTreeMap::new();
    // Some editors begin a file with a mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| format!("line {number}: {why}");
        let Some((game, command)) = halves(line).filter(|(game, _)| !game.is_empty()) else {
            return Err(wrong(
                "write it as in 'xonotic = xonotic-sdl +connect {address}'",
            ));
        };
        let template = Template::parse(without_comment(command)).map_err(|why| wrong(&why))?;
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

    #[test]
    fn a_name_may_be_in_quotes_and_a_comment_behind_a_command() {
        let text = "\u{feff}quake3 = prog {address} # mine\n\"My game\" = prog '# x' a#b\t#\n\
                    '#x'=prog\n'a = \"b'  =  prog \"{map} #\" # \"\nBob's = prog\n";
        let games = parse(text).unwrap();
        for (game, program) in [
            ("quake3", "prog {address}"),
            ("my game", "prog '# x' a#b"),
            ("#x", "prog"),
            ("a = \"b", "prog '{map} #'"),
            ("bob's", "prog"),
        ] {
            assert_eq!(games.get(game), Template::parse(program).ok().as_ref());
        }
        assert_eq!(games.len(), 5);
        for (text, why) in [
            ("\"a = b", "line 1: write it as in"),
            ("\"a\" b = c", "line 1: write it as in"),
            ("'' = c", "line 1: write it as in"),
            ("a = # b", "line 1: begin with the name of a program"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_a_file_of_text_is_read() {
        let name = format!("gltracker-games-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let error = |path: PathBuf| Games::at(Some(path), |_| None).check().unwrap_err();
        for no_file in ["/dev/zero", "/"] {
            let error = error(no_file.into());
            assert!(error.ends_with("it is not a regular file"), "{error}");
        }
        for no_text in [&b"\x7fELF\xff"[..], b"a = b\0c"] {
            fs::write(&path, no_text).unwrap();
            let error = error(path.clone());
            assert!(error.contains("it is not text in UTF-8; write"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(fifo.unwrap().success());
        let said = error(path.clone());
        fs::remove_file(&path).unwrap();
        assert!(said.ends_with("it is not a regular file"), "{said}");
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
        let advice = homeless.advice("a=b");
        assert!(
            advice.starts_with("write '\"a=b\" = PROGRAM {address}'"),
            "{advice}"
        );
    }

    quickcheck! {
        fn what_is_advised_is_understood(game: String) -> bool {
            let game = plain(&game, MAX_VALUE).to_string();
            let Some(line) = quoted(&game).filter(|_| !game.is_empty()) else {
                return true;
            };
            let games = parse(&format!("{line} = prog")).unwrap();
            games.contains_key(&game.to_lowercase())
        }

        fn any_text_is_read_or_refused(text: String) -> bool {
            parse(&text).map_or_else(|why| why.starts_with("line "), |_| true)
        }
    }
}
