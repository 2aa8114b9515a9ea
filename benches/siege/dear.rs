//! Lists that are dear to make, asked for by hosts that keep to what one host may do.

use crate::peers::{at_pace, attacker, dial};
use crate::tracker::Ports;
use gltracker::protocol::fields::filter::MAX_CONDITIONS;
use gltracker::protocol::revision::Revision;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

/// A host has 8 connections at once and 50 a second, and so many threads that each connect so
/// many times a second.
const THREADS: u32 = 8;
const PER_SECOND: u32 = 6;

/// Threads of a host that watch: it has 4 watchers.
const WATCHING: u32 = 4;

/// How long a connection is kept of which nothing is read. One of those that a host may have at
/// once is lost to it meanwhile.
const UNREAD: Duration = Duration::from_millis(150);

/// Bytes of a line, without its LF.
const LINE: usize = 1023;

/// One attacking host in a network of its own.
pub(crate) fn attack_from(host: u16, ports: Ports, stop: &AtomicBool) {
    let ip = attacker(910 + host, 1);
    let old = old_revision(ip, ports);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let mut watcher = None;
                at_pace(PER_SECOND, stop, |n| {
                    let seed = (n * THREADS + thread) * 100 + u32::from(host);
                    let Some(mut stream) = dial(ip, ports.clients) else {
                        return;
                    };
                    let lines = 8 + seed % 13;
                    let style = Style::of(n, thread);
                    let text: String = (0..lines)
                        .map(|line| style.line(seed * 100 + line, line + 1 == lines, old))
                        .collect();
                    if stream.write_all(text.as_bytes()).is_err() {
                        return;
                    }
                    match style {
                        Style::Unread => thread::sleep(UNREAD),
                        _ => read_answers(&stream, lines),
                    }
                    if style == Style::Watch {
                        watcher = Some(stream);
                    }
                });
                drop(watcher);
            });
        }
    });
}

/// What a connection says. No two lines are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As many conditions as there may be, in so few bytes that many lines are read at once.
    Short,
    /// The same in as many bytes as a line may have.
    Long,
    /// What has changed since an old revision, with as many conditions.
    Since,
    /// What the whole list satisfies; nothing is read of it.
    Unread,
    /// Short ones, and to watch with conditions at the end.
    Watch,
}

impl Style {
    fn of(n: u32, thread: u32) -> Self {
        match (n + thread) % 8 {
            4 => Self::Long,
            5 => Self::Since,
            6 => Self::Unread,
            7 if thread < WATCHING => Self::Watch,
            _ => Self::Short,
        }
    }

    fn line(self, seed: u32, is_last: bool, old: Option<Revision>) -> String {
        let verb = match self {
            Self::Watch if is_last => "WATCH",
            _ => "LIST",
        };
        let since = old.filter(|_| self == Self::Since);
        let since = since.map(|old| format!("since={old} ")).unwrap_or_default();
        let last = match self {
            Self::Unread => format!("zz!={seed}"),
            _ => format!("zz={seed}"),
        };
        let keys = (0..MAX_CONDITIONS - 1).map(key);
        let value = match self {
            // What is left of the line, for each condition.
            Self::Long => format!("{seed:0>24}"),
            _ => "1".to_owned(),
        };
        let conditions: String = keys.map(|key| format!("{key}!={value} ")).collect();
        let line = format!("{verb} {since}{conditions}{last}\n");
        debug_assert!(line.len() <= LINE + 1);
        line
    }
}

/// `a` to `z`, and so on with two letters.
fn key(number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
    match number / 26 {
        0 => letter(number).to_string(),
        more => format!("{}{}", letter(more - 1), letter(number)),
    }
}

/// Reads so many answers, or until the tracker has had enough.
fn read_answers(stream: &TcpStream, mut count: u32) {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while count > 0 && lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        count -= u32::from(line.starts_with(b"END "));
        line.clear();
    }
}

/// The revision before the last half of all changes.
fn old_revision(ip: IpAddr, ports: Ports) -> Option<Revision> {
    let mut stream = dial(ip, ports.clients)?;
    stream.write_all(b"LIST zz=1\n").ok()?;
    let mut end = String::new();
    BufReader::new(stream).read_line(&mut end).ok()?;
    let revision = end.split(' ').find_map(|word| word.strip_prefix("rev="))?;
    let mut revision: Revision = revision.trim_end().parse().ok()?;
    revision.count /= 2;
    Some(revision)
}
