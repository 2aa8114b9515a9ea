//! A game server's UDP port.
//!
//! This file hides which addresses of this machine it is bound to, which may change.

use super::responder::{Responder, bind, everywhere, is_ours};
use crate::base::io_error::in_words;
use crate::base::threads;
use crate::game_server::announcer::Relay;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the addresses are checked.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The stack of a thread, in bytes.
const STACK: usize = 128 * 1024;

/// Where datagrams are answered. What is `None` is as announced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PongPlace {
    /// The one address.
    pub ip: Option<IpAddr>,
    /// The port. It may differ from the announced one if a router maps that to it.
    pub port: Option<u16>,
}

/// A UDP port that cannot be listened on.
#[derive(Debug)]
pub struct PongError {
    port: u16,
    error: io::Error,
}

impl PongError {
    /// True if the address is none of this machine.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.error.kind() == ErrorKind::AddrNotAvailable
    }
}

impl fmt::Display for PongError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match self.error.kind() {
            ErrorKind::AddrInUse => write!(
                f,
                "--pong: UDP port {port} is in use, probably by the game itself; let the game \
                 answer PING and CHALLENGE, or have them come to another port with \
                 pingport=<port>"
            ),
            ErrorKind::AddrNotAvailable => write!(
                f,
                "--pong: that is no address of this machine; leave it out, or name one that is"
            ),
            _ => write!(f, "--pong: UDP port {port}: {}", in_words(&self.error)),
        }
    }
}

impl std::error::Error for PongError {}

/// A UDP port on which nobody answers yet.
#[derive(Debug)]
pub struct PongPort {
    place: PongPlace,
    sockets: Vec<(SocketAddr, UdpSocket)>,
}

impl PongPort {
    /// Takes `port` on all addresses, IPv6 and IPv4; with 0, some free one.
    ///
    /// # Errors
    /// The system's, such as [`ErrorKind::AddrInUse`] when the game has the port itself.
    pub fn bind(port: u16) -> io::Result<Self> {
        let sockets = bind(everywhere(port))?;
        let mut bound = Self {
            place: PongPlace::default(),
            sockets,
        };
        bound.place.port = Some(bound.port()?);
        Ok(bound)
    }

    /// Takes the port of `place`, or else the one that is announced.
    pub(crate) fn bind_at(place: PongPlace, announced: u16) -> Result<Self, PongError> {
        let port = place.port.unwrap_or(announced);
        let address = place
            .ip
            .map_or(everywhere(port), |ip| SocketAddr::new(ip, port));
        let sockets = bind(address).map_err(|error| PongError { port, error })?;
        Ok(Self { place, sockets })
    }

    /// The port.
    ///
    /// # Errors
    /// The system's.
    pub fn port(&self) -> io::Result<u16> {
        // There is always a first one.
        let address = self.sockets.first().map(|(_, socket)| socket.local_addr());
        address.map_or(Ok(0), |address| Ok(address?.port()))
    }

    /// Starts to answer, and gives the numbers of challenges to `relay`. Calls `on_problem`, from
    /// another thread, if it must listen at another address later and cannot.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn answer(
        self,
        relay: Relay,
        on_problem: impl Fn(PongError) + Send + 'static,
    ) -> io::Result<Pong> {
        let is_over = Arc::<AtomicBool>::default();
        let sockets = self.sockets.into_iter();
        let sockets =
            sockets.map(|(address, socket)| Responder::start(address, socket, relay.clone()));
        let mut rebinder = Rebinder {
            place: self.place,
            relay: relay.clone(),
            sockets: sockets.collect::<io::Result<_>>()?,
            complained_of: Vec::new(),
        };
        let until = Arc::clone(&is_over);
        let keep = move || {
            while !until.load(Ordering::Relaxed) {
                rebinder.look(&on_problem);
                thread::park_timeout(POLL_INTERVAL);
            }
        };
        let rebinder = Some(threads::start("pong-rebind", STACK, keep)?);
        Ok(Pong { is_over, rebinder })
    }
}

/// Answers the datagrams of players and trackers for a game that does not, until it is dropped.
///
/// It listens on the addresses under which the game server may be listed: an answer comes from the
/// address that was asked only if a socket is bound to that address. While those are not known, or
/// are not this machine's (as behind a NAT), it listens on all addresses.
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
/// let _pong = port.answer(announcer.relay(), |problem| eprintln!("{problem}"))?;
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
    rebinder: Option<JoinHandle<()>>,
}

impl Pong {
    /// Checks the addresses now: the announced port may have changed.
    pub(crate) fn look(&self) {
        if let Some(rebinder) = &self.rebinder {
            rebinder.thread().unpark();
        }
    }
}

impl Drop for Pong {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.look();
        if let Some(rebinder) = self.rebinder.take() {
            let _ = rebinder.join();
        }
    }
}

/// Keeps a responder on each address where one is needed.
struct Rebinder {
    place: PongPlace,
    relay: Relay,
    sockets: Vec<Responder>,
    /// The wanted addresses at the time of the last problem that was reported.
    complained_of: Vec<SocketAddr>,
}

impl Rebinder {
    fn look(&mut self, on_problem: &impl Fn(PongError)) {
        let wanted = self.wanted();
        // A socket for all addresses and one for a single address exclude each other.
        self.sockets
            .retain(|socket| wanted.contains(&socket.address));
        let mut problem = None;
        for address in &wanted {
            let is_missing = self.sockets.iter().all(|socket| socket.address != *address);
            if is_missing && let Err(error) = self.listen(*address) {
                let port = address.port();
                problem = Some(PongError { port, error });
            }
        }
        match problem {
            None => self.complained_of.clear(),
            Some(problem) if self.complained_of != wanted => {
                self.complained_of = wanted;
                on_problem(problem);
            }
            Some(_) => {}
        }
    }

    fn listen(&mut self, address: SocketAddr) -> io::Result<()> {
        for (address, socket) in bind(address)? {
            self.sockets
                .push(Responder::start(address, socket, self.relay.clone())?);
        }
        Ok(())
    }

    /// The addresses where a responder is needed now.
    fn wanted(&self) -> Vec<SocketAddr> {
        let port = self.place.port.unwrap_or_else(|| self.relay.udp_port());
        if let Some(ip) = self.place.ip {
            return vec![SocketAddr::new(ip, port)];
        }
        // An address with its scope, where it has one.
        let addresses = self.relay.addresses();
        if addresses.is_empty() || !addresses.iter().all(is_ours) {
            return vec![everywhere(port)];
        }
        let mut wanted = Vec::new();
        for mut address in addresses {
            address.set_port(port);
            if !wanted.contains(&address) {
                wanted.push(address);
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game_server::announcer::Announcer;
    use crate::game_server::session::Credential;
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Instant;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// An announcer of these fields, for a tracker there.
    fn announcer_for(tracker: &str, fields: &str) -> Announcer {
        let credential = Credential::password("secret").unwrap();
        let trackers = vec![tracker.parse().unwrap()];
        Announcer::start(trackers, credential, fields, |_| {}).unwrap()
    }

    /// An announcer of these fields, for a tracker that says nothing.
    fn announcer(fields: &str) -> (Announcer, TcpListener) {
        let tracker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tracker.local_addr().unwrap().to_string();
        (announcer_for(&address, fields), tracker)
    }

    /// Pings until an answer comes from the very address that was asked.
    fn wait_for_pong(ip: &str, port: u16) {
        let player = UdpSocket::bind((if ip.contains(':') { "::1" } else { "127.0.0.1" }, 0));
        let player = player.unwrap();
        player.set_read_timeout(Some(POLL_INTERVAL)).unwrap();
        player.connect((ip, port)).unwrap();
        let start = Instant::now();
        let mut buffer = [0; 100];
        loop {
            assert!(start.elapsed() < PATIENCE, "no answer from {ip}");
            // Nobody may listen there yet.
            let _ = player
                .send(b"nonsense")
                .and_then(|_| player.send(b"PING a"));
            if player
                .recv(&mut buffer)
                .is_ok_and(|count| &buffer[..count] == b"PONG a")
            {
                return;
            }
        }
    }

    #[test]
    fn a_port_is_answered_on_all_addresses_and_given_back() {
        let port = PongPort::bind(0).unwrap();
        let number = port.port().unwrap();
        let taken = PongPort::bind(number).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        // No system gives this port to a program that asks for any: nobody is there.
        let announcer = announcer_for("127.0.0.1:1", "port=1");
        let pong = port.answer(announcer.relay(), |problem| panic!("{problem}"));
        for ip in ["127.0.0.1", "::1"] {
            if UdpSocket::bind((ip, 0)).is_ok() {
                wait_for_pong(ip, number);
            }
        }
        drop(pong);
        PongPort::bind(number).unwrap();
    }

    // Only there all of 127.0.0.0/8 is this machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_answer_comes_from_the_address_that_was_asked() {
        let place = PongPlace::default();
        let free = PongPort::bind(0).unwrap().port().unwrap();
        let (announcer, _tracker) = announcer(&format!("port={free} ip=127.0.0.3"));
        let port = PongPort::bind_at(place, free).unwrap();
        let _pong = port.answer(announcer.relay(), |problem| panic!("{problem}"));
        // That of the connection, and the one that is named.
        wait_for_pong("127.0.0.1", free);
        wait_for_pong("127.0.0.3", free);
        announcer.update("ip", "127.0.0.4").unwrap();
        wait_for_pong("127.0.0.4", free);
        // What is not an address of this machine is behind a NAT: any may be meant.
        announcer.update("ip", "192.0.2.1").unwrap();
        wait_for_pong("127.0.0.1", free);
        let is_taken = || UdpSocket::bind(("127.0.0.9", free)).is_err();
        let start = Instant::now();
        while !is_taken() {
            assert!(
                start.elapsed() < PATIENCE,
                "only some addresses are listened to"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn the_port_that_is_bound_may_differ_from_the_one_that_is_told() {
        let free = PongPort::bind(0).unwrap().port().unwrap();
        let place = PongPlace {
            ip: Some(Ipv4Addr::LOCALHOST.into()),
            port: Some(free),
        };
        let (announcer, _tracker) = announcer("port=1 pingport=2");
        let port = PongPort::bind_at(place, 2).unwrap();
        assert_eq!(port.port().unwrap(), free);
        let _pong = port.answer(announcer.relay(), |problem| panic!("{problem}"));
        announcer.update("pingport", "3").unwrap();
        wait_for_pong("127.0.0.1", free);
    }
}
