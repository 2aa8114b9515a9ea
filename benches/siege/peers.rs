//! What peers do, each from an address of its own.

use crate::LISTED;
use crate::tracker::PASSWORD;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// An honest try that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// An address of its own group for everybody: honest ones in 127.65, attackers from 127.66 on.
pub(crate) fn honest(group: u16) -> Ipv4Addr {
    Ipv4Addr::new(127, 65, group as u8, 1)
}

pub(crate) fn attacker(group: u16, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 66 + (group >> 8) as u8, group as u8, host)
}

/// Connects to the tracker from `ip`.
pub(crate) fn dial(ip: Ipv4Addr, port: u16) -> Option<TcpStream> {
    let stream =
        TcpStream::connect_timeout(&SocketAddr::new(IpAddr::V4(ip), port), PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// Logs in from `ip`; `None` if that did not work.
pub(crate) fn log_in(ip: Ipv4Addr, port: u16, advertised: u16, fields: &str) -> Option<TcpStream> {
    let stream = dial(ip, port)?;
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut answer = String::new();
    (&stream)
        .write_all(format!("LOGIN {PASSWORD}\n").as_bytes())
        .ok()?;
    lines.read_line(&mut answer).ok()?;
    let number = answer.strip_prefix("CHALLENGE ")?.trim_end().to_owned();
    let infos = format!("INFOS {number} port={advertised} {fields}\n");
    (&stream).write_all(infos.as_bytes()).ok()?;
    answer.clear();
    lines.read_line(&mut answer).ok()?;
    answer.starts_with("OK listed").then_some(stream)
}

/// Asks for the list once; true if it is whole and everybody honest is on it.
pub(crate) fn list(ip: Ipv4Addr, port: u16) -> bool {
    let ask = || {
        let mut stream = dial(ip, port)?;
        stream.write_all(b"LIST\n").ok()?;
        stream.shutdown(Shutdown::Write).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let is_whole = answer.lines().any(|line| line.starts_with("END count="));
        let honest = answer
            .lines()
            .filter(|line| line.starts_with("INFOS ip=127.65."))
            .count();
        Some(is_whole && honest >= usize::from(LISTED))
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
