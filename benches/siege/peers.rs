//! What peers do, each from an address of its own.

use crate::LISTED;
use crate::tracker::{KEY, PASSWORD};
use gltracker::protocol::hmac;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// An honest try that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How late every line comes from somebody who is a round trip away.
const ROUND_TRIP: Duration = Duration::from_millis(80);

/// A network that the tracker trusts, and a host in it.
pub(crate) const TRUSTED: &str = "127.80.0.0/16";
pub(crate) const TRUSTED_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 80, 0, 1));

/// Who asks for STATS.
pub(crate) const STAFF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 65, 200, 1));

/// Where the INFOS line of every honest game server of IPv4 begins.
const HONEST_LINE: &str = "INFOS ip=127.65.";

/// An address of its own group for everybody: honest ones in 127.65, attackers from 127.66 on.
pub(crate) fn honest(group: u8) -> IpAddr {
    neighbour(group, 1)
}

/// Another host of that group.
pub(crate) fn neighbour(group: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(127, 65, group, host).into()
}

pub(crate) fn attacker(group: u16, host: u8) -> IpAddr {
    Ipv4Addr::new(127, 66 + (group >> 8) as u8, group as u8, host).into()
}

/// A host in a /64 of one customer, who has a /56; the /48 is that of the provider. The script
/// has made addresses of them, or else nobody could connect from there.
pub(crate) fn customer(site: u8, subnet: u8) -> IpAddr {
    let [high, low] = [u16::from(site), u16::from(subnet)];
    Ipv6Addr::new(0x2001, 0xdb8, 1, high << 8 | low, 0, 0, 0, 1).into()
}

/// True if connections to that address come from it.
pub(crate) fn is_own(ip: IpAddr, port: u16) -> bool {
    let source = dial(ip, port).and_then(|stream| stream.local_addr().ok());
    source.is_some_and(|source| source.ip() == ip)
}

/// Connects to the tracker from `ip`.
pub(crate) fn dial(ip: IpAddr, port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::new(ip, port), PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// How a game server logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) with_key: bool,
    pub(crate) has_round_trip: bool,
}

impl Manner {
    pub(crate) const PASSWORD: Self = Self {
        with_key: false,
        has_round_trip: false,
    };
    pub(crate) const KEY: Self = Self {
        with_key: true,
        ..Self::PASSWORD
    };

    /// The same from a round trip away.
    pub(crate) const fn with_round_trip(self) -> Self {
        Self {
            has_round_trip: true,
            ..self
        }
    }

    /// How much of the time of a login it is that lines are on their way.
    pub(crate) fn on_the_way(self) -> Duration {
        2 * if self.has_round_trip {
            ROUND_TRIP
        } else {
            Duration::ZERO
        }
    }

    /// Logs in from `ip` as a game server at the port `advertised`; `None` if that did not work.
    pub(crate) fn log_in(
        self,
        ip: IpAddr,
        port: u16,
        advertised: u16,
        fields: &str,
    ) -> Option<TcpStream> {
        let stream = dial(ip, port)?;
        let mut lines = BufReader::new(stream.try_clone().ok()?);
        let mut ask = |question: String| {
            thread::sleep(self.on_the_way() / 2);
            (&stream).write_all(question.as_bytes()).ok()?;
            let mut answer = String::new();
            lines.read_line(&mut answer).ok()?;
            Some(answer)
        };
        let (name, secret) = KEY;
        let answer = ask(match self.with_key {
            true => format!("LOGIN name={name}\n"),
            false => format!("LOGIN {PASSWORD}\n"),
        })?;
        let challenge = answer.strip_prefix("CHALLENGE ")?.trim_end();
        let mac = match self.with_key {
            true => {
                let number = u64::from_str_radix(challenge, 16).ok()?;
                format!("mac={} ", hmac::mac(secret, number, name, advertised))
            }
            false => String::new(),
        };
        let answer = ask(format!(
            "INFOS {challenge} port={advertised} {mac}{fields}\n"
        ))?;
        answer.starts_with("OK listed").then_some(stream)
    }
}

/// Asks for the list once; true if the answer is whole and everybody honest is in it.
pub(crate) fn list(ip: IpAddr, port: u16, question: &str) -> bool {
    let ask = || {
        let mut stream = dial(ip, port)?;
        stream.write_all(question.as_bytes()).ok()?;
        stream.shutdown(Shutdown::Write).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let is_whole = answer.lines().any(|line| line.starts_with("END count="));
        let honest = answer.lines().filter(|line| line.starts_with(HONEST_LINE));
        Some(is_whole && honest.count() >= usize::from(LISTED))
    };
    ask() == Some(true)
}

/// Does something again and again, at a pace, until told to stop.
pub(crate) fn at_pace(per_second: u32, stop: &AtomicBool, mut act: impl FnMut(u32)) {
    let start = Instant::now();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let due = start + Duration::from_secs(1) * n / per_second;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        act(n);
    }
}
