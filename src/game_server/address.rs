//! Where a tracker is.
//!
//! This file hides how its address is written: `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`.

use crate::protocol::text::spelled_out;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The port where trackers expect game servers, by tradition.
pub const TRACKER_PORT: u16 = 23470;

/// The longest name of a host, in bytes, as DNS has it.
const MAX_HOST: usize = 253;

/// A tracker by the name of its host. The name is looked up again for each connection, so that a
/// tracker may move.
///
/// ```
/// use gltracker::game_server::TrackerAddress;
/// let tracker: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!((tracker.host(), tracker.port()), ("tracker.example", 23470));
/// let tracker: TrackerAddress = "[2001:db8::7]:4000".parse()?;
/// assert_eq!(tracker.to_string(), "[2001:db8::7]:4000");
/// # Ok::<(), gltracker::game_server::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrackerAddress {
    host: Box<str>,
    port: u16,
}

impl TrackerAddress {
    /// The name or the address of the host, the latter without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port for game servers.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Without the port where that is [`TRACKER_PORT`].
impl fmt::Display for TrackerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        match self.port {
            TRACKER_PORT => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

/// Not an address of a tracker: what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl FromStr for TrackerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |what: &str| {
            let text = spelled_out(text, 80);
            AddressError(format!(
                "'{text}' is not a tracker: {what}; write HOST, HOST:PORT or [IPv6]:PORT"
            ))
        };
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest
                    .split_once(']')
                    .ok_or_else(|| wrong("the closing bracket is missing"))?;
                if host.parse::<Ipv6Addr>().is_err() {
                    return Err(wrong("between brackets stands an IPv6 address"));
                }
                match port {
                    "" => (host, None),
                    port => {
                        let port = port.strip_prefix(':');
                        (host, Some(port.ok_or_else(|| wrong("no ':' after ']'"))?))
                    }
                }
            }
            None if text.parse::<Ipv6Addr>().is_ok() => {
                return Err(wrong("an IPv6 address stands in brackets"));
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_name = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        if host.is_empty() || host.len() > MAX_HOST || !host.chars().all(is_name) {
            return Err(wrong("that is no name of a host"));
        }
        let port = match port {
            None => TRACKER_PORT,
            Some(port) => Some(port)
                .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|port| port.parse().ok())
                .filter(|&port| port > 0)
                .ok_or_else(|| wrong("a port is a number from 1 to 65535"))?,
        };
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown() {
        for (text, host, port, shown) in [
            (
                "tracker.example",
                "tracker.example",
                23470,
                "tracker.example",
            ),
            ("a:23470", "a", 23470, "a"),
            ("127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1"),
            ("[::1]", "::1", 23470, "[::1]"),
            ("[::1]:65535", "::1", 65535, "[::1]:65535"),
        ] {
            let tracker: TrackerAddress = text.parse().unwrap();
            assert_eq!((tracker.host(), tracker.port()), (host, port));
            assert_eq!(tracker.to_string(), shown);
            assert_eq!(tracker.to_string().parse(), Ok(tracker));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "no name of a host"),
            (":1", "no name of a host"),
            ("a b", "no name of a host"),
            ("http://a/", "a port is a number"),
            ("a/b", "no name of a host"),
            ("user@host", "no name of a host"),
            ("::1", "an IPv6 address stands in brackets"),
            ("[::1", "the closing bracket is missing"),
            ("[a]:1", "between brackets stands an IPv6 address"),
            ("[::1]1", "no ':' after ']'"),
            ("a:", "a port is a number from 1 to 65535"),
            ("a:0", "a port is a number from 1 to 65535"),
            ("a:+1", "a port is a number from 1 to 65535"),
            ("a:65536", "a port is a number from 1 to 65535"),
            ("a:1:2", "a port is a number from 1 to 65535"),
            ("a\u{1b}[2J", "'a\\u{1b}[2J' is not a tracker"),
        ] {
            let error = text.parse::<TrackerAddress>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
