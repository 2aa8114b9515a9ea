//! Who is asked. Pure.
//!
//! This file hides how `KIND[=HOST:PORT]` is written, and which fields follow from it.

use crate::game_server::pong::PongPlace;
use crate::game_server::session::fields::udp_port;
use crate::protocol::fields::Infos;
use crate::protocol::text::spelled_out;
use crate::query::{Kind, Status, Transport};
use crate::reach::Address;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// Who is asked where no host is named.
const THIS_MACHINE: &str = "127.0.0.1";

/// Who is asked what the game server is, and how often.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who.
    pub whom: Whom,
    /// The time from one question to the next.
    pub every: Duration,
}

impl Asked {
    /// True if it is the game whose answers decide this field of those that are said at first.
    pub(crate) fn decides(&self, key: &str) -> bool {
        match (&self.whom, key) {
            (Whom::Game(target), "port") => target.is_port_open,
            (Whom::Game(target), "query") => target.is_query_open,
            _ => false,
        }
    }
}

/// Who is asked.
#[derive(Debug, Clone)]
pub enum Whom {
    /// The game server itself.
    Game(Target),
    /// A shell command, whose output are lines of updates.
    Command(OsString),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Game(target) => target.fmt(f),
            Self::Command(_) => f.write_str("the command of --status"),
        }
    }
}

/// A game server and the protocol by which it is asked. Displayed as `HOST:PORT`.
///
/// ```
/// use gltracker::game_server::announce::Target;
/// let target = Target::parse("quake3=[::1]:27961", None)?;
/// assert_eq!((target.kind().word(), target.to_string()), ("quake3", "[::1]:27961".into()));
/// assert_eq!(Target::parse("quake3", Some(7))?.to_string(), "127.0.0.1:7");
/// assert_eq!(Target::parse("quake3", None)?.port(), 27960);
/// assert!(Target::parse("gopher", None).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone)]
pub struct Target {
    kind: Kind,
    /// With the port that is asked.
    pub(super) address: Address<0>,
    /// True if nobody has said the port that players join.
    is_port_open: bool,
    /// True if nobody has said how players ask, and they can ask as it is asked here.
    is_query_open: bool,
}

impl Target {
    /// Reads `KIND[=HOST:PORT]`; the host, the port, or both may be left out. The port is then `port`,
    /// or else the usual one of this kind.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, port: Option<u16>) -> Result<Self, String> {
        let (word, place) = text.split_once('=').unwrap_or((text, THIS_MACHINE));
        let kind = Kind::of(word).ok_or_else(|| {
            let word = spelled_out(word, 40);
            let kinds = Kind::ALL.map(Kind::word).join(", ");
            format!("'{word}' is none of {kinds}; other games are asked by --status COMMAND")
        })?;
        let port_alone = place.strip_prefix(':').unwrap_or(place);
        let is_port = !port_alone.is_empty() && port_alone.bytes().all(|b| b.is_ascii_digit());
        let place = match is_port {
            true => format!("{THIS_MACHINE}:{port_alone}"),
            false => place.to_owned(),
        };
        let address: Address<0> = place.parse().map_err(|no| format!("{no}"))?;
        let port = match address.port() {
            0 => port.unwrap_or(kind.usual_port()),
            said => said,
        };
        Ok(Self {
            kind,
            address: address.at_port(port),
            is_port_open: false,
            is_query_open: false,
        })
    }

    /// The fields of a game server that has answered this, and which answers the questions of players
    /// or does not. The value is empty for what it has not said.
    pub(super) fn fields(
        &self,
        status: &Status,
        answers_probes: bool,
    ) -> Vec<(&'static str, String)> {
        let mut fields = status.fields().to_vec();
        if self.is_query_open {
            let word = Some(self.kind.word()).filter(|_| answers_probes);
            fields.push(("query", word.unwrap_or_default().to_owned()));
        }
        if let Some(port) = status.port.filter(|_| self.is_port_open) {
            let asked = Some(self.port()).filter(|&asked| asked != port);
            fields.push(("port", port.to_string()));
            fields.push((
                "pingport",
                asked.map_or(String::new(), |asked| asked.to_string()),
            ));
        }
        fields
    }

    /// The protocol.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The port that is asked.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// True if nobody else can answer datagrams there, for a game server of these fields: it does so
    /// itself.
    pub fn has_taken(&self, place: PongPlace, fields: &Infos) -> bool {
        let port = place.port.unwrap_or(udp_port(fields));
        self.kind.transport() == Transport::Udp && self.port() == port
    }

    /// Adds what follows for a list: players join the port that is asked unless another is said, here or
    /// by the game, and measure their ping there by this protocol. `off` are keys that are not wanted.
    pub fn complete(&mut self, fields: &mut Infos, off: &[String]) {
        self.is_port_open = fields.get("port").is_none();
        let port = self.port().to_string();
        add(fields, off, "port", &port);
        if fields.number("port") != Some(self.port()) {
            add(fields, off, "pingport", &port);
        }
        if udp_port(fields) == self.port() {
            self.is_query_open = add(fields, off, "query", self.kind.word());
        }
    }
}

/// Sets a field that was not said and is wanted; true if it is one.
fn add(fields: &mut Infos, off: &[String], key: &str, value: &str) -> bool {
    let is_open = fields.get(key).is_none() && !off.iter().any(|off| off == key);
    if is_open {
        // It is a value of this key.
        let _ = fields.set(key, value);
    }
    is_open
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;
    use quickcheck::quickcheck;

    #[test]
    fn a_target_is_a_kind_with_or_without_a_place() {
        for (text, port, shown) in [
            ("quake3", None, "127.0.0.1:27960"),
            ("quake3", Some(7), "127.0.0.1:7"),
            ("quake3=27961", Some(7), "127.0.0.1:27961"),
            ("quake3=:27961", None, "127.0.0.1:27961"),
            ("quake3=games.example", Some(7), "games.example:7"),
            ("quake3=[2001:db8::1]:8", Some(7), "[2001:db8::1]:8"),
        ] {
            let target = Target::parse(text, port).unwrap();
            assert_eq!(target.to_string(), shown, "{text}");
        }
        for (text, part) in [
            ("doom", "'doom' is none of quake3"),
            ("doom=1", "other games are asked by --status"),
            ("Quake3", "'Quake3' is none"),
            ("quake3=", "write HOST, HOST:PORT or [IPv6]:PORT"),
            ("quake3=0", "has no port from 1 to 65535 behind its colon"),
            ("quake3=70000", "has no port from 1 to 65535"),
            (
                "quake3=::1",
                "'::1' has several colons; IPv6 stands in brackets: [::1]:PORT",
            ),
            ("quake3=:x", "':x'"),
            ("quake3=a b", "'a b' is not an address"),
        ] {
            let error = Target::parse(text, None).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn players_join_and_ping_what_is_asked_unless_something_else_is_said() {
        for (fields, off, complete) in [
            ("", &[][..], "port=27960 query=quake3"),
            ("port=5", &[], "port=5 pingport=27960 query=quake3"),
            ("port=5", &["pingport"], "port=5"),
            ("pingport=5", &[], "port=27960 pingport=5"),
            ("query=source", &[], "port=27960 query=source"),
            ("map=a", &["query"], "port=27960 map=a"),
        ] {
            let mut infos = Infos::default().with(&Changes::parse(fields).unwrap());
            let off: Vec<String> = off.iter().map(|key| (*key).to_owned()).collect();
            Target::parse("quake3", None)
                .unwrap()
                .complete(&mut infos, &off);
            assert_eq!(infos.to_string(), complete, "{fields:?} {off:?}");
        }
    }

    quickcheck! {
        fn what_is_read_is_shown_as_it_is_read_again(text: String, host: u8, port: u16) -> bool {
            let _ = Target::parse(&format!("quake3={text}"), None);
            let written = format!("quake3=127.0.0.{host}:{}", port.max(1));
            let target = Target::parse(&written, Some(5)).unwrap();
            format!("quake3={target}") == written
        }
    }
}
