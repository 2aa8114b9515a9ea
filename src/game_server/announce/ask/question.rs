//! One question by a game's own protocol.
//!
//! This file hides sockets, and how often a question is repeated. Every socket is connected, so that
//! only whoever was asked can answer, and the system tells if nobody listens there.

use crate::base::io_error::unreached;
use crate::base::random::RANDOM;
use crate::protocol::text::spelled_out;
use crate::query::{Asking, Reply, Status, Transport};
use crate::reach::connect;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// The time from one datagram to its repetition. Quake III engines answer an address ten times at once,
/// and everybody together too, and then once in a second.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// How often a datagram is sent before its question counts as not answered. Before the last time it
/// may be another one, for games that do not answer the first.
pub(super) const TRIES: u32 = 4;

/// The most datagrams that one question takes. A game server could ask for one more for ever.
const MAX_DATAGRAMS: usize = 16;

/// The longest datagram that is read, in bytes: the longest message of Quake III engines.
const MAX_DATAGRAM: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// Nothing listens there.
    Refused,
    /// Nothing came.
    Silence,
    /// The connection was closed before the answer was whole.
    Closed,
    /// Somebody else answers: who that is.
    Wrong(String),
    /// The system said no.
    Failed(io::Error),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => {
                f.write_str("nothing listens there (does the game run, and at that address?)")
            }
            Self::Silence => f.write_str(
                "no answer (is that its address and port, does it speak this protocol, is there a \
                 firewall in between?)",
            ),
            Self::Closed => f.write_str("the connection is closed without an answer"),
            Self::Wrong(who) => write!(f, "what answers there is {}", spelled_out(who, 200)),
            Self::Failed(error) => f.write_str(&unreached(error)),
        }
    }
}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            // For a datagram, some systems say it like this.
            ErrorKind::ConnectionReset => Self::Closed,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Silence,
            _ => Self::Failed(error),
        }
    }
}

/// Asks the game server at `address`, with as many tries where datagrams may be lost.
pub(super) fn ask(
    asking: &mut Asking,
    transport: Transport,
    address: SocketAddr,
    tries: u32,
) -> Result<Status, NoAnswer> {
    let answer = match transport {
        Transport::Udp => by_udp(asking, address, tries),
        Transport::Tcp => by_tcp(asking, address, REPEAT_INTERVAL * tries),
    };
    match answer {
        Err(why @ (NoAnswer::Silence | NoAnswer::Closed)) => asking.known().ok_or(why),
        answer => answer,
    }
}

fn by_udp(asking: &mut Asking, address: SocketAddr, tries: u32) -> Result<Status, NoAnswer> {
    let socket = socket_to(address)?;
    let mut buffer = vec![0; MAX_DATAGRAM];
    let (mut question, mut why) = (asking.question(), NoAnswer::Silence);
    let mut left = MAX_DATAGRAMS;
    for n in 1..=tries {
        if n > 1 && n == tries && asking.known().is_none() {
            asking.again(RANDOM.number());
            question = asking.question();
        }
        send(&socket, &question)?;
        let until = Instant::now() + REPEAT_INTERVAL;
        while let Some(count) = receive(&socket, &mut buffer, until)? {
            match asking.receive(&buffer[..count]) {
                Reply::Status(status) => return Ok(*status),
                Reply::Wrong(who) => return Err(NoAnswer::Wrong(who)),
                Reply::Send(next) if left > 0 => {
                    left -= 1;
                    question = next;
                    send(&socket, &question)?;
                }
                Reply::Send(_) | Reply::Stray => {
                    why = NoAnswer::Wrong("not what was asked".to_owned());
                }
                Reply::Part => {}
            }
        }
    }
    Err(why)
}

fn socket_to(address: SocketAddr) -> Result<UdpSocket, NoAnswer> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    Ok(socket)
}

fn send(socket: &UdpSocket, question: &[u8]) -> Result<(), NoAnswer> {
    match socket.send(question) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(NoAnswer::Refused),
        Err(error) => Err(error.into()),
    }
}

/// The next datagram; `None` if there is none until then.
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    until: Instant,
) -> Result<Option<usize>, NoAnswer> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(buffer) {
            Ok(count) => return Ok(Some(count)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                ErrorKind::Interrupted => {}
                ErrorKind::ConnectionReset => return Err(NoAnswer::Refused),
                _ => return Err(error.into()),
            },
        }
    }
}

fn by_tcp(asking: &mut Asking, address: SocketAddr, time: Duration) -> Result<Status, NoAnswer> {
    let until = Instant::now() + time;
    let mut stream = connect(address, time)?;
    stream.set_write_timeout(Some(time))?;
    stream.write_all(&asking.question())?;
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoAnswer::Silence);
        }
        stream.set_read_timeout(Some(left))?;
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Err(NoAnswer::Closed),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        match asking.receive(&buffer[..count]) {
            Reply::Status(status) => return Ok(*status),
            Reply::Wrong(who) => return Err(NoAnswer::Wrong(who)),
            Reply::Send(next) => stream.write_all(&next)?,
            Reply::Part | Reply::Stray => {}
        }
    }
}
