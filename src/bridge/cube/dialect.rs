//! The three dialects of the family: what is asked in each, and how it is answered. Pure.

use super::text;
use crate::protocol::text::spelled_out;
use std::fmt::Display;
use std::net::SocketAddr;

/// The word of the door for all of them.
pub const WORD: &str = "cube";

/// A dialect: each is one game's and its relatives'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Sauerbraten and what was made of it.
    Cube2,
    /// Red Eclipse.
    RedEclipse,
    /// AssaultCube.
    AssaultCube,
}

/// What one line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A game server wants to be listed.
    Register(Dialect, Registration),
    /// A player wants the list.
    List(Dialect),
    /// A game server asks who a player is: what it is told, since nobody is known here.
    Identify(String),
    /// Something else: its first word.
    Other(String),
    /// An empty line.
    Nothing,
}

/// What a game server says of itself when it registers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// The port of the game, as it was written.
    pub port: String,
    /// The address, where it says that and may be wrong.
    pub address: Option<String>,
    /// The version of the game.
    pub version: Option<String>,
    /// The name, which may be better than that of the answer.
    pub description: Option<String>,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cube2, Self::RedEclipse, Self::AssaultCube];

    /// Its word, by which it is remembered.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cube2 => "cube2",
            Self::RedEclipse => "redeclipse",
            Self::AssaultCube => "assaultcube",
        }
    }

    /// The game that speaks it if nothing else is said: a value of `game`.
    const fn usual_game(self) -> &'static str {
        match self {
            Self::Cube2 => "sauerbraten",
            Self::RedEclipse | Self::AssaultCube => self.word(),
        }
    }

    /// The game of those who speak it at a door that is for `game`, if that is said.
    pub fn game(self, game: Option<&str>) -> &str {
        game.unwrap_or(self.usual_game())
    }

    /// What a game server is told that has registered, and is asked now.
    pub fn registered(self, game: SocketAddr) -> String {
        let port = game.port();
        match self {
            Self::RedEclipse => script(
                "echo",
                format_args!(
                    "server registered (port {port}), sending ping request (on port {})",
                    port.saturating_add(1)
                ),
            ),
            Self::Cube2 | Self::AssaultCube => String::new(),
        }
    }

    /// What a game server is told that has answered.
    pub fn listed(self, game: SocketAddr) -> String {
        match self {
            Self::RedEclipse => script(
                "echo",
                format_args!(
                    "ping reply confirmed (on port {}), server is now listed",
                    game.port().saturating_add(1)
                ),
            ),
            // The second says that nobody is banned from all servers.
            Self::Cube2 | Self::AssaultCube => "succreg\ncleargbans\n".to_owned(),
        }
    }

    /// What a game server is told that is not listed.
    pub fn refused(self, why: impl Display) -> String {
        match self {
            Self::RedEclipse => script("error", why),
            Self::Cube2 | Self::AssaultCube => format!("failreg {why}\n"),
        }
    }
}

/// A line of a script that shows `text`, which is ASCII.
fn script(verb: &str, text: impl Display) -> String {
    let quoted = text::quoted(&text.to_string());
    format!("{verb} {}\n", String::from_utf8_lossy(&quoted))
}

/// Reads one line, without its end.
pub fn read(line: &[u8]) -> Request {
    let words = text::words(line);
    let word = |n: usize| {
        let word = words.get(n).map(|word| text::plain(word));
        word.filter(|word| !word.is_empty())
    };
    let Some(verb) = word(0) else {
        return Request::Nothing;
    };
    let port = word(1).unwrap_or_default();
    match &*verb {
        "regserv" if words.len() > 2 => Request::Register(
            Dialect::AssaultCube,
            Registration {
                port,
                description: word(2),
                version: word(3),
                ..Registration::default()
            },
        ),
        "regserv" => Request::Register(
            Dialect::Cube2,
            Registration {
                port,
                ..Registration::default()
            },
        ),
        "server" => Request::Register(
            Dialect::RedEclipse,
            Registration {
                port,
                address: word(2).filter(|address| address != "*"),
                version: word(3),
                description: word(4),
            },
        ),
        "list" if words.len() > 1 => Request::List(Dialect::AssaultCube),
        "list" => Request::List(Dialect::Cube2),
        "update" => Request::List(Dialect::RedEclipse),
        "reqauth" | "confauth" => {
            let id = port.parse().unwrap_or(0u32);
            Request::Identify(format!("failauth {id}\n"))
        }
        "reqserverauth" | "confserverauth" => Request::Identify("failserverauth\n".to_owned()),
        _ => Request::Other(spelled_out(&verb, 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(port: &str) -> Registration {
        Registration {
            port: port.to_owned(),
            ..Registration::default()
        }
    }

    /// The first two lines are those of the real servers.
    #[test]
    fn the_first_word_tells_the_dialects_apart() {
        let register = |dialect, registration| Request::Register(dialect, registration);
        assert_eq!(
            read(b"regserv 28785"),
            register(Dialect::Cube2, registration("28785"))
        );
        assert_eq!(
            read(b"server 28801 127.0.0.1 160 \"Caf\x8b ^^f3\" 1 \"\""),
            register(
                Dialect::RedEclipse,
                Registration {
                    address: Some("127.0.0.1".to_owned()),
                    version: Some("160".to_owned()),
                    description: Some("Café ^f3".to_owned()),
                    ..registration("28801")
                }
            )
        );
        assert_eq!(
            read(b"regserv 28763 desert 1302\r"),
            register(
                Dialect::AssaultCube,
                Registration {
                    version: Some("1302".to_owned()),
                    description: Some("desert".to_owned()),
                    ..registration("28763")
                }
            )
        );
        assert_eq!(read(b"list"), Request::List(Dialect::Cube2));
        assert_eq!(read(b"list me 1302 5"), Request::List(Dialect::AssaultCube));
        assert_eq!(read(b"update\r"), Request::List(Dialect::RedEclipse));
        assert_eq!(read(b" \r"), Request::Nothing);
        let id = |text: &str| Request::Identify(text.to_owned());
        assert_eq!(read(b"reqauth 7 somebody"), id("failauth 7\n"));
        assert_eq!(read(b"confserverauth x"), id("failserverauth\n"));
        assert_eq!(read(b"GET / HTTP/1.1"), Request::Other("GET".to_owned()));
    }

    #[test]
    fn operators_read_what_became_of_it() {
        let game = ([192, 0, 2, 7], 28801).into();
        assert_eq!(Dialect::Cube2.listed(game), "succreg\ncleargbans\n");
        assert_eq!(
            Dialect::Cube2.refused("invalid port"),
            "failreg invalid port\n"
        );
        assert_eq!(
            Dialect::RedEclipse.registered(game),
            "echo \"server registered (port 28801), sending ping request (on port 28802)\"\n"
        );
        assert_eq!(
            Dialect::RedEclipse.refused("a \"b\""),
            "error \"a ^\"b^\"\"\n"
        );
    }
}
