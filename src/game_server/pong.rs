//! Answers to the datagrams that come to a game server's UDP port.
//!
//! This file hides which datagrams deserve an answer, and how all addresses of this machine are
//! listened on.

use crate::protocol::argument::check_word;
use crate::protocol::message::parse_number;
use crate::threads;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest datagram that is answered, in bytes.
pub const MAX_DATAGRAM: usize = 260;

/// A thread that was not woken looks this often whether it is to end.
const LOOK: Duration = Duration::from_millis(500);

/// The stack of a thread, in bytes.
const STACK: usize = 128 * 1024;

/// A datagram that a game server should know.
///
/// A game that reads its UDP port itself looks at what it does not know with this:
///
/// ```
/// use gltracker::game_server::Datagram;
/// match Datagram::read(b"PING 42") {
///     Some(Datagram::Ping(answer)) => assert_eq!(answer, b"PONG 42"), // send it back
///     Some(Datagram::Challenge(number)) => { /* relay.pass_on(number, from.ip()) */ }
///     None => { /* a datagram of the game */ }
/// }
/// assert_eq!(Datagram::read(b"CHALLENGE 000000000000002a"), Some(Datagram::Challenge(42)));
/// assert_eq!(Datagram::read(b"GET / HTTP/1.1"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram {
    /// `PING <word>` from a player. What is to be sent back, of the same length.
    Ping(Vec<u8>),
    /// `CHALLENGE <number>` from a tracker, to be sent back on the connection to it.
    Challenge(u64),
}

impl Datagram {
    /// Reads a datagram; `None` if it is anything else, is longer than [`MAX_DATAGRAM`], or holds
    /// what is not plain text.
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        if text.len() > MAX_DATAGRAM {
            return None;
        }
        // Somebody who types it sends a line.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (verb, word) = line.split_once(' ').unwrap_or((line, ""));
        check_word(verb, word).ok()?;
        if verb.eq_ignore_ascii_case("PING") {
            let answer = format!("PONG{}", &text["PING".len()..]);
            return Some(Self::Ping(answer.into_bytes()));
        }
        let is_challenge = verb.eq_ignore_ascii_case("CHALLENGE");
        is_challenge
            .then(|| parse_number(word))
            .flatten()
            .map(Self::Challenge)
    }
}

/// A UDP port, on all addresses of this machine, on which nobody answers yet.
#[derive(Debug)]
pub struct PongPort {
    sockets: Vec<UdpSocket>,
}

impl PongPort {
    /// Takes `port` on all addresses, IPv6 and IPv4; with 0, some free one.
    ///
    /// # Errors
    /// The system's, such as [`ErrorKind::AddrInUse`] when the game has the port itself.
    pub fn bind(port: u16) -> io::Result<Self> {
        let v4 = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
        // Taken and given back, to learn whether anybody has it: where an IPv6 socket does not
        // receive IPv4 as well, that one would not tell.
        drop(v4(port)?);
        let Ok(v6) = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)) else {
            return Ok(Self {
                sockets: vec![v4(port)?],
            });
        };
        let port = v6.local_addr()?.port();
        let mut sockets = vec![v6];
        match v4(port) {
            Ok(v4) => sockets.push(v4),
            // The IPv6 socket receives IPv4 as well.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
        Ok(Self { sockets })
    }

    /// The port.
    ///
    /// # Errors
    /// The system's.
    pub fn port(&self) -> io::Result<u16> {
        // There is always a first one.
        let address = self.sockets.first().map(UdpSocket::local_addr);
        address.map_or(Ok(0), |address| Ok(address?.port()))
    }

    /// Starts to answer. Numbers of challenges are given to `on_challenge` with the address that
    /// they come from, from another thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn answer(
        self,
        on_challenge: impl Fn(u64, IpAddr) + Send + Sync + 'static,
    ) -> io::Result<Pong> {
        let on_challenge = Arc::new(on_challenge);
        let mut pong = Pong {
            is_over: Arc::default(),
            threads: Vec::new(),
        };
        for socket in self.sockets {
            socket.set_read_timeout(Some(LOOK))?;
            let address = socket.local_addr()?;
            let (is_over, on_challenge) = (Arc::clone(&pong.is_over), Arc::clone(&on_challenge));
            let answer = move || answer_all(&socket, &is_over, &*on_challenge);
            let thread = threads::start("pong", STACK, answer)?;
            pong.threads.push((address, thread));
        }
        Ok(pong)
    }
}

/// Answers the datagrams of players and trackers for a game that does not, until it is dropped.
///
/// ```
/// # use gltracker::tracker::{Config, Tracker, log::{Level, Log}};
/// # let config = Config {
/// #     servers: Some("127.0.0.1:0".parse()?), clients: Some("127.0.0.1:0".parse()?),
/// #     passwords: vec!["secret".into()], max_slots: Some(16), ..Config::default()
/// # };
/// # let tracker = Tracker::start(config, Log::start(Level::Error, std::io::stderr())?)?;
/// # let my_tracker = tracker.servers().to_string();
/// use gltracker::game_server::{Announcer, Credential, Happening, PongPort};
/// use std::time::Duration;
///
/// let port = PongPort::bind(0)?; // a game has a port of its own; with 0, some free one
/// let (events, happened) = std::sync::mpsc::channel();
/// let announcer = Announcer::start(
///     vec![my_tracker.parse()?],
///     Credential::password("secret")?,
///     &format!("port=23460 pingport={}", port.port()?),
///     move |event| drop(events.send(event)),
/// )?;
/// let relay = announcer.relay();
/// let _pong = port.answer(move |number, from| relay.pass_on(number, from))?;
///
/// let listed = happened.recv_timeout(Duration::from_secs(20))?;
/// assert_eq!(listed.what, Happening::Listed("127.0.0.1:23460".to_owned()));
/// let checked = happened.recv_timeout(Duration::from_secs(20))?;
/// assert_eq!(checked.what, Happening::Checked);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pong {
    is_over: Arc<AtomicBool>,
    threads: Vec<(SocketAddr, JoinHandle<()>)>,
}

fn answer_all(
    socket: &UdpSocket,
    is_over: &AtomicBool,
    on_challenge: &(dyn Fn(u64, IpAddr) + Send + Sync),
) {
    // A byte more than is answered, to tell what is too long.
    let mut buffer = [0; MAX_DATAGRAM + 1];
    while !is_over.load(Ordering::Relaxed) {
        // No error here is the end: the next datagram may do better. Those that come at once are
        // left over from answers that nobody took, one for each.
        let Ok((count, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        match Datagram::read(&buffer[..count]) {
            Some(Datagram::Ping(answer)) => {
                let _ = socket.send_to(&answer, from);
            }
            Some(Datagram::Challenge(number)) => on_challenge(number, from.ip().to_canonical()),
            None => {}
        }
    }
}

impl Drop for Pong {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for (address, thread) in self.threads.drain(..) {
            // An empty datagram wakes it; if that is lost, it looks by itself.
            let (from, to) = match address.ip() {
                IpAddr::V4(_) => (
                    IpAddr::from(Ipv4Addr::LOCALHOST),
                    Ipv4Addr::LOCALHOST.into(),
                ),
                IpAddr::V6(_) => (
                    IpAddr::from(Ipv6Addr::LOCALHOST),
                    IpAddr::from(Ipv6Addr::LOCALHOST),
                ),
            };
            if let Ok(socket) = UdpSocket::bind((from, 0)) {
                let _ = socket.send_to(&[], (to, address.port()));
            }
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn only_short_plain_pings_are_answered() {
        let answered = |datagram: &[u8]| match Datagram::read(datagram) {
            Some(Datagram::Ping(answer)) => Some(String::from_utf8(answer).unwrap()),
            _ => None,
        };
        assert_eq!(answered(b"PING 1").as_deref(), Some("PONG 1"));
        assert_eq!(answered(b"ping \xc3\xa9").as_deref(), Some("PONG é"));
        assert_eq!(answered(b"PING").as_deref(), Some("PONG"));
        assert_eq!(answered(b"PING 1\r\n").as_deref(), Some("PONG 1\r\n"));
        let longest = format!("PING {}", "x".repeat(255));
        assert!(answered(longest.as_bytes()).is_some());
        for bad in [
            &b""[..],
            b"PONG 1",
            b"PINGU 1",
            b"PING 1 2",
            b"PING \x1b[2J",
            b"PING 1\nPING 2",
            b"PING \xff",
            format!("{longest}x").as_bytes(),
        ] {
            assert_eq!(Datagram::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_port_is_answered_on_all_addresses_and_given_back() {
        let port = PongPort::bind(0).unwrap();
        let number = port.port().unwrap();
        let taken = PongPort::bind(number).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        let (numbers, told) = std::sync::mpsc::sync_channel(9);
        let pong = port
            .answer(move |number, from| numbers.send((number, from)).unwrap())
            .unwrap();
        for ip in ["127.0.0.1", "::1"] {
            let Ok(player) = UdpSocket::bind((ip, 0)) else {
                continue;
            };
            player
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            for (sent, received) in [("nonsense", None), ("PING a", Some("PONG a"))] {
                player.send_to(sent.as_bytes(), (ip, number)).unwrap();
                if let Some(received) = received {
                    let mut buffer = [0; 100];
                    // Linux ends this wait in a process that was stopped and goes on.
                    let count = loop {
                        match player.recv(&mut buffer) {
                            Err(error) if error.kind() == ErrorKind::Interrupted => {}
                            count => break count.unwrap(),
                        }
                    };
                    assert_eq!(&buffer[..count], received.as_bytes());
                }
            }
            let challenge = "CHALLENGE 000000000000002a";
            player.send_to(challenge.as_bytes(), (ip, number)).unwrap();
            let from = ip.parse().unwrap();
            let told = told.recv_timeout(Duration::from_secs(20));
            assert_eq!(told, Ok((0x2a, from)));
        }
        drop(pong);
        PongPort::bind(number).unwrap();
    }

    quickcheck! {
        fn an_answer_is_as_long_as_the_question(datagram: Vec<u8>) -> bool {
            let asked = [&b"PING "[..], &datagram].concat();
            [asked, datagram].iter().all(|datagram| match Datagram::read(datagram) {
                Some(Datagram::Ping(answer)) => answer.len() == datagram.len(),
                _ => true,
            })
        }
    }
}
