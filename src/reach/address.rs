//! Where a tracker is.
//!
//! This file hides how `HOST[:PORT]` is written.

use super::memory::{Family, Memory};
use crate::protocol::text::spelled_out;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

/// The longest name of a host, in bytes, as DNS has it.
const MAX_HOST: usize = 253;

/// A tracker: `HOST[:PORT]`, IPv6 in brackets, with the port `PORT` if none is written. Displayed
/// with its port.
///
/// The name is looked up for each connection, so that a tracker may move. Of its addresses the one
/// is tried first that has answered last, and before any has, one by chance: several trackers
/// behind one name share who comes. Copies share what is known of that, and are equal if they lead
/// to the same place.
///
/// ```
/// use gltracker::reach::{Address, NotAnAddress};
/// let address: Address<23471> = "tracker.example".parse()?;
/// assert_eq!(address.to_string(), "tracker.example:23471");
/// let address: Address<23471> = "[::1]:99".parse()?;
/// assert_eq!((address.host(), address.port()), ("::1", 99));
/// assert!("::1".parse::<Address<23471>>().is_err());
/// # Ok::<(), NotAnAddress>(())
/// ```
#[derive(Debug, Clone)]
pub struct Address<const PORT: u16> {
    host: Box<str>,
    port: u16,
    family: Option<Family>,
    pub(super) memory: Arc<Mutex<Memory>>,
}

impl<const PORT: u16> Address<PORT> {
    /// The tracker at this address.
    pub fn new(address: SocketAddr) -> Self {
        let host = match address {
            // A link-local address is one of an interface.
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => address.ip().to_string(),
        };
        Self::at(&host, address.port())
    }

    fn at(host: &str, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            family: None,
            memory: Arc::default(),
        }
    }

    /// Another port of the same host: `OTHER`.
    pub fn with_port<const OTHER: u16>(&self) -> Address<OTHER> {
        Address {
            family: self.family,
            ..Address::at(&self.host, OTHER)
        }
    }

    /// The same tracker, reached over one family of addresses only.
    pub fn over(self, family: Family) -> Self {
        Self {
            family: Some(family),
            memory: Arc::default(),
            ..self
        }
    }

    /// The same host, reached at another port.
    pub(crate) fn at_port(self, port: u16) -> Self {
        Self {
            port,
            memory: Arc::default(),
            ..self
        }
    }

    /// The name or the address of the host, the latter without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The family of addresses that it is reached over, if only one will do.
    pub fn family(&self) -> Option<Family> {
        self.family
    }

    /// True if a name was written, which may have addresses of both families.
    pub fn has_name(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }

    /// As it is displayed, without its port where that is `PORT`.
    pub fn short(&self) -> String {
        match (self.port == PORT, self.host.contains(':')) {
            (true, true) => format!("[{}]", self.host),
            (true, false) => self.host.to_string(),
            (false, _) => self.to_string(),
        }
    }

    fn place(&self) -> (&str, u16, Option<Family>) {
        (&self.host, self.port, self.family)
    }
}

impl<const PORT: u16> PartialEq for Address<PORT> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<const PORT: u16> Eq for Address<PORT> {}

impl<const PORT: u16> Hash for Address<PORT> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

impl<const PORT: u16> fmt::Display for Address<PORT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What was written is not `HOST[:PORT]`: a text for a person, which says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAnAddress(String);

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAnAddress {}

impl<const PORT: u16> FromStr for Address<PORT> {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (host, port) = read(text, PORT)?;
        Ok(Self::at(host, port))
    }
}

/// The host and the port that were written, or else `default`, which is 0 where there is none.
fn read(text: &str, default: u16) -> Result<(&str, u16), NotAnAddress> {
    let bad = |why: &str| NotAnAddress(format!("'{}' {why}", spelled_out(text, 80)));
    let not_a_host = "is not an address; write HOST, HOST:PORT or [IPv6]:PORT";
    if text.contains("://") {
        return Err(bad("is a URL; write HOST, HOST:PORT or [IPv6]:PORT alone"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']').ok_or_else(|| bad(not_a_host))?;
            // A link-local address carries the name of an interface.
            let ip = host.split_once('%').map_or(host, |(ip, _)| ip);
            if ip.parse::<Ipv6Addr>().is_err() || !host.chars().all(is_of_a_host) {
                return Err(bad("has no IPv6 address between its brackets"));
            }
            (host, port)
        }
        None if text.matches(':').count() > 1 => {
            let port = match default {
                0 => "PORT".to_owned(),
                default => default.to_string(),
            };
            let example = "has several colons; IPv6 stands in brackets: [::1]";
            return Err(bad(&format!("{example}:{port}")));
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let is_host = |c| is_of_a_host(c) && c != ':' && c != '%';
            if host.is_empty() || host.starts_with('-') || !host.chars().all(is_host) {
                return Err(bad(not_a_host));
            }
            (host, port)
        }
    };
    if host.len() > MAX_HOST {
        return Err(bad(not_a_host));
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => default,
        None => return Err(bad(not_a_host)),
        Some(digits) => {
            let is_number = digits.bytes().all(|b| b.is_ascii_digit());
            let number = is_number.then(|| digits.parse().ok()).flatten();
            number.filter(|&port| port != 0).ok_or_else(|| {
                let needed = "has no port from 1 to 65535 behind its colon";
                match default {
                    0 => bad(needed),
                    default => bad(&format!("{needed}; {default} if left out")),
                }
            })?
        }
    };
    Ok((host, port))
}

fn is_of_a_host(c: char) -> bool {
    c.is_alphanumeric() || ".-_:%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tracker = Address<23471>;

    #[test]
    fn hosts_are_written_with_and_without_a_port() {
        for (text, shown, short) in [
            (
                "tracker.example",
                "tracker.example:23471",
                "tracker.example",
            ),
            (
                "tracker.example:1",
                "tracker.example:1",
                "tracker.example:1",
            ),
            ("127.0.0.1:65535", "127.0.0.1:65535", "127.0.0.1:65535"),
            (
                "[2001:db8::1]:23471",
                "[2001:db8::1]:23471",
                "[2001:db8::1]",
            ),
            ("[fe80::1%eth0]:7", "[fe80::1%eth0]:7", "[fe80::1%eth0]:7"),
            ("my_host-2", "my_host-2:23471", "my_host-2"),
        ] {
            let tracker: Tracker = text.parse().unwrap();
            assert_eq!(
                (&tracker.to_string()[..], &tracker.short()[..]),
                (shown, short)
            );
            assert_eq!(shown.parse(), Ok(tracker.clone()));
            assert_eq!(short.parse(), Ok(tracker.clone()));
            assert_ne!(tracker.clone().over(Family::Ipv4), tracker);
        }
    }

    #[test]
    fn what_is_not_an_address_is_told_what_would_be_right() {
        let long = "a".repeat(MAX_HOST + 1);
        for (text, part) in [
            ("", "write HOST"),
            (":23471", "write HOST"),
            ("two words", "write HOST"),
            ("-x", "write HOST"),
            ("a/b", "write HOST"),
            ("user@host", "write HOST"),
            (&long, "write HOST"),
            ("\u{1b}[2J", "'\\u{1b}[2J' is not"),
            ("http://a/", "is a URL; write HOST"),
            ("::1", "IPv6 stands in brackets: [::1]:23471"),
            ("::1:23471", "IPv6 stands in brackets"),
            ("a:1:2", "IPv6 stands in brackets"),
            ("[::1", "write HOST"),
            ("[::1]x", "write HOST"),
            ("[1.2.3.4]:5", "no IPv6 address between"),
            ("[fe80::1%e h]:5", "no IPv6 address between"),
            ("host:", "no port from 1 to 65535"),
            ("host:0", "no port from 1 to 65535"),
            ("host:65536", "no port from 1 to 65535"),
            ("host:+1", "behind its colon; 23471 if left out"),
        ] {
            let error = text.parse::<Tracker>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}
