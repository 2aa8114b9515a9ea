//! Where a tracker is.
//!
//! This file hides how `HOST[:PORT]` is written, and how a name becomes a connection: all its
//! addresses are tried, within one deadline that also covers the look-up of the name.

use super::error::Error;
use crate::protocol::text::spelled_out;
use crate::threads;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

/// The port on which trackers answer clients.
pub const DEFAULT_PORT: u16 = 23471;

/// The most addresses of one name that are tried.
const MAX_TRIED: usize = 8;

/// A tracker's client port: `HOST[:PORT]`, IPv6 in brackets, port [`DEFAULT_PORT`] if none is
/// given. Displayed with its port.
///
/// ```
/// use gltracker::client::TrackerAddress;
/// let address: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!(address.to_string(), "tracker.example:23471");
/// let address: TrackerAddress = "[::1]:99".parse()?;
/// assert_eq!(address.to_string(), "[::1]:99");
/// assert!("::1".parse::<TrackerAddress>().is_err());
/// # Ok::<(), gltracker::client::address::NotAnAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrackerAddress {
    /// A name or an address, without brackets.
    host: Box<str>,
    port: u16,
}

impl TrackerAddress {
    /// The tracker at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string().into(),
            port: address.port(),
        }
    }

    /// Connects to the first of the host's addresses that accepts. The time until `deadline` is
    /// shared among those that are left to try, so that one which swallows everything does not
    /// use it up.
    ///
    /// # Errors
    /// [`Error::Unreachable`] with what the system said of the last one, [`Error::Late`] if the
    /// name was not looked up in time.
    pub fn connect(&self, deadline: Instant) -> Result<TcpStream, Error> {
        let addresses = self.look_up(deadline)?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (addresses.len() - tried) as u32;
            if share.is_zero() {
                return Err(Error::Late);
            }
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(Error::Unreachable(last))
    }

    fn look_up(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Error> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![(ip, self.port).into()]);
        }
        // The system's resolver knows no deadline: it is given a thread, which is left to itself
        // when it takes too long.
        let (answer, answered) = mpsc::channel();
        let (host, port) = (self.host.to_string(), self.port);
        let look_up = move || {
            let found = (host.as_str(), port).to_socket_addrs();
            let found = found.map(|found| found.take(MAX_TRIED).collect());
            // Nobody may be waiting any more.
            let _ = answer.send(found);
        };
        threads::start("look-up", threads::STACK, look_up).map_err(Error::Unreachable)?;
        match answered.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(found) => found.map_err(Error::Unreachable),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Error::Late),
        }
    }
}

impl fmt::Display for TrackerAddress {
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

impl FromStr for TrackerAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let bad = |why: &str| NotAnAddress(format!("'{}' {why}", spelled_out(text, 80)));
        let not_a_host = "is not a tracker's address; write HOST, HOST:PORT or [IPv6]:PORT";
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
                return Err(bad(
                    "has several colons; IPv6 stands in brackets: [::1]:23471",
                ));
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
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => DEFAULT_PORT,
            None => return Err(bad(not_a_host)),
            Some(digits) => {
                let is_number = digits.bytes().all(|b| b.is_ascii_digit());
                let number = is_number.then(|| digits.parse().ok()).flatten();
                number.filter(|&port| port != 0).ok_or_else(|| {
                    bad("has no port from 1 to 65535 behind its colon; 23471 if left out")
                })?
            }
        };
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

fn is_of_a_host(c: char) -> bool {
    c.is_alphanumeric() || ".-_:%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn hosts_are_written_with_and_without_a_port() {
        for (text, shown) in [
            ("tracker.example", "tracker.example:23471"),
            ("tracker.example:1", "tracker.example:1"),
            ("127.0.0.1:65535", "127.0.0.1:65535"),
            ("[2001:db8::1]", "[2001:db8::1]:23471"),
            ("[fe80::1%eth0]:7", "[fe80::1%eth0]:7"),
            ("my_host-2", "my_host-2:23471"),
        ] {
            assert_eq!(text.parse::<TrackerAddress>().unwrap().to_string(), shown);
            assert_eq!(shown.parse::<TrackerAddress>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_an_address_is_told_what_would_be_right() {
        for (text, part) in [
            ("", "write HOST"),
            (":23471", "write HOST"),
            ("two words", "write HOST"),
            ("-x", "write HOST"),
            ("a/b", "write HOST"),
            ("\u{1b}[2J", "'\\u{1b}[2J' is not"),
            ("::1", "IPv6 stands in brackets"),
            ("::1:23471", "IPv6 stands in brackets"),
            ("[::1", "write HOST"),
            ("[::1]x", "write HOST"),
            ("[1.2.3.4]:5", "no IPv6 address between"),
            ("[fe80::1%e h]:5", "no IPv6 address between"),
            ("host:", "no port from 1 to 65535"),
            ("host:0", "no port from 1 to 65535"),
            ("host:65536", "no port from 1 to 65535"),
            ("host:+1", "no port from 1 to 65535"),
        ] {
            let error = text.parse::<TrackerAddress>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_address_of_a_name_is_tried() {
        // `localhost` may be ::1 before it is 127.0.0.1, where alone somebody listens.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address: TrackerAddress = format!("localhost:{port}").parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        assert!(address.connect(deadline).is_ok());
        drop(listener);
        let refused = address.connect(deadline).unwrap_err();
        assert!(matches!(refused, Error::Unreachable(_)), "{refused}");
        let late = address.connect(Instant::now()).unwrap_err();
        assert!(matches!(late, Error::Late), "{late}");
    }
}
