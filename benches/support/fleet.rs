//! Game servers that are on the list, or believe so, for as long as the fleet lives.
//!
//! All of them are looked after by whoever holds the fleet, in one thread: their sockets do not
//! block, and what they were sent is read from many at a time.

use super::load::PATIENCE;
use super::run::Result;
use super::sample;
use super::tracker::PASSWORD;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Logins that go on at the same time; the tracker has 128 slots for those.
pub(crate) const AT_ONCE: usize = 64;

/// What a tracker answers to the three lines of [`log_in`], for a server that only pretends.
pub(crate) const WELCOME: &[u8] = b"CHALLENGE 5f1c9a3e77b04d21\nOK listed 127.0.0.1:10000\nPONG\n";

/// The tracker sends a PING after 15 s of silence. Nobody is to be silent for so long, so that no
/// ping falls into a round.
const CHECK_IN_EVERY: Duration = Duration::from_secs(6);

/// Pause between two looks at everybody while something is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Game servers, in the order of their numbers.
#[derive(Debug)]
pub(crate) struct Fleet {
    tracker: SocketAddr,
    /// Loopback addresses of the tracker that are connected to in turn.
    hosts: u8,
    /// The number of the first of them.
    first: usize,
    game_servers: Vec<GameServer>,
    last_word: Instant,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct GameServer {
    stream: TcpStream,
    /// The beginning of a line.
    unread: Vec<u8>,
    /// The last `ERR` that it was sent.
    refusal: Vec<u8>,
    /// Its number, and one more for each update.
    turn: usize,
    seen: Seen,
}

/// What game servers were sent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `PING`, each of which was answered at once.
    pub(crate) pings: u64,
    /// `PONG` and `OK`.
    pub(crate) answers: u64,
    /// `OK`, which answers an update.
    pub(crate) oks: u64,
    /// The connection is gone: 1 or 0 for one game server.
    pub(crate) lost: u64,
}

impl Fleet {
    /// An empty fleet.
    pub(crate) fn new(tracker: SocketAddr) -> Self {
        Self::spread(tracker, 1)
    }

    /// An empty fleet that connects to so many addresses of 127.0.0.0/24 in turn, each of which
    /// has all ports for itself.
    pub(crate) fn spread(tracker: SocketAddr, hosts: u8) -> Self {
        Self {
            tracker,
            hosts,
            first: 0,
            game_servers: Vec::new(),
            last_word: Instant::now(),
        }
    }

    /// An empty fleet whose numbers begin with `first`.
    pub(crate) fn numbered_from(tracker: SocketAddr, first: usize) -> Self {
        Self {
            first,
            ..Self::new(tracker)
        }
    }

    /// The number of the first of them.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    /// How many game servers have logged in.
    pub(crate) fn size(&self) -> usize {
        self.game_servers.len()
    }

    /// Logs in more game servers, [`AT_ONCE`] at a time, until there are `size`; returns how long
    /// that took.
    pub(crate) fn grow(&mut self, size: usize) -> Result<Duration> {
        self.check_in()?;
        let next = AtomicUsize::new(self.size());
        let (tracker, hosts) = (self.tracker, usize::from(self.hosts));
        let first = self.first;
        let log_in_some = || -> Result<Vec<(usize, TcpStream)>> {
            let mut some = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= size {
                    return Ok(some);
                }
                let mut address = tracker;
                if hosts > 1 {
                    let host = 1 + (number % hosts) as u8;
                    address.set_ip(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)));
                }
                some.push((number, log_in(first + number, address)?));
            }
        };
        let start = Instant::now();
        let mut new = thread::scope(|scope| -> Result<Vec<_>> {
            let threads = [(); AT_ONCE].map(|()| scope.spawn(log_in_some));
            let mut new = Vec::new();
            for thread in threads {
                new.extend(thread.join().expect("a login does not panic")?);
            }
            Ok(new)
        })?;
        let took = start.elapsed();
        new.sort_by_key(|&(number, _)| number);
        for (number, stream) in new {
            self.take_in(first + number, stream)?;
        }
        self.check_in()?;
        Ok(took)
    }

    /// Looks after one more that has logged in.
    pub(crate) fn take_in(&mut self, number: usize, stream: TcpStream) -> Result<()> {
        stream.set_nonblocking(true)?;
        self.game_servers.push(GameServer {
            stream,
            unread: Vec::new(),
            refusal: Vec::new(),
            turn: number,
            seen: Seen::default(),
        });
        Ok(())
    }

    /// Lets every game server say something if it is time to, and returns when the tracker has
    /// answered them all.
    pub(crate) fn check_in(&mut self) -> Result<()> {
        match self.last_word.elapsed() < CHECK_IN_EVERY {
            true => Ok(()),
            false => self.speak(),
        }
    }

    /// Lets every game server say something, and returns when the tracker has answered them all.
    pub(crate) fn speak(&mut self) -> Result<()> {
        self.last_word = Instant::now();
        let answers = self.seen().answers + self.size() as u64;
        for game_server in &mut self.game_servers {
            game_server.say("PING\n")?;
        }
        self.await_until(|seen| seen.answers >= answers)
    }

    /// All of them, to be looked after by as many threads as wanted.
    pub(crate) fn game_servers(&mut self) -> &mut [GameServer] {
        &mut self.game_servers
    }

    /// Reads what all were sent, and returns what has come until now.
    pub(crate) fn listen_to_all(&mut self) -> Seen {
        self.game_servers.iter_mut().for_each(GameServer::listen);
        self.seen()
    }

    /// Reads on until `is_enough`. Nobody may be lost.
    pub(crate) fn await_until(&mut self, is_enough: impl Fn(Seen) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let seen = self.listen_to_all();
            if seen.lost > 0 {
                return Err(self.why_lost(seen.lost).into());
            }
            if is_enough(seen) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("no more came than {seen:?}").into());
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn why_lost(&self, lost: u64) -> String {
        let mut told = self.game_servers.iter().map(|one| &one.refusal);
        match told.find(|refusal| !refusal.is_empty()) {
            Some(one) => format!("{lost} game servers were dropped: {}", one.escape_ascii()),
            None => format!("{lost} game servers were dropped without a word"),
        }
    }

    /// What has come until now, added up.
    pub(crate) fn seen(&self) -> Seen {
        let each = self.game_servers.iter().map(|game_server| game_server.seen);
        each.fold(Seen::default(), |all, one| Seen {
            pings: all.pings + one.pings,
            answers: all.answers + one.answers,
            oks: all.oks + one.oks,
            lost: all.lost + one.lost,
        })
    }

    /// The fewest pings that any of them was sent.
    pub(crate) fn fewest_pings(&self) -> u64 {
        let each = self.game_servers.iter();
        let pings = each.map(|game_server| game_server.seen.pings);
        pings.min().unwrap_or_default()
    }
}

impl GameServer {
    /// Says how many players it has now, which is another number every time, and returns that.
    pub(crate) fn update(&mut self) -> Result<usize> {
        self.update_with("")
    }

    /// The same with other fields behind it, each with a space before it.
    pub(crate) fn update_with(&mut self, more: &str) -> Result<usize> {
        self.turn += 1;
        let players = sample::players(self.turn);
        self.say(&format!("INFOS nbplayers={players}{more}\n"))?;
        Ok(players)
    }

    fn say(&mut self, line: &str) -> Result<()> {
        // So little always fits: what was sent before was read soon after.
        self.stream.write_all(line.as_bytes())?;
        Ok(())
    }

    /// Reads what it was sent, if anything was.
    pub(crate) fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while self.seen.lost == 0 {
            match self.stream.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    self.unread.extend_from_slice(&buffer[..count]);
                    self.read_lines();
                    if count < buffer.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => self.seen.lost = 1,
            }
        }
    }

    fn read_lines(&mut self) {
        let Some(end) = self.unread.iter().rposition(|&byte| byte == b'\n') else {
            return;
        };
        let mut is_lost = false;
        for line in self.unread[..end].split(|&byte| byte == b'\n') {
            if line.starts_with(b"PING") {
                let pong = [b"PONG", &line[4..], b"\n"].concat();
                is_lost |= (&self.stream).write_all(&pong).is_err();
                self.seen.pings += 1;
            } else if line.starts_with(b"PONG") || line.starts_with(b"OK") {
                self.seen.answers += 1;
                self.seen.oks += u64::from(line.starts_with(b"OK"));
            } else if line.starts_with(b"ERR") {
                self.refusal = line.to_vec();
            }
        }
        self.unread.drain(..=end);
        self.unread.shrink_to(0);
        self.seen.lost |= u64::from(is_lost);
    }
}

/// Puts game server `number` on the list, and lets it say something there.
pub(crate) fn log_in(number: usize, tracker: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(tracker)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let ask = |question: String, expected: &str| -> Result<String> {
        (&stream).write_all(question.as_bytes())?;
        let mut line = Vec::new();
        let mut buffer = [0; 128];
        while !line.ends_with(b"\n") {
            match (&stream).read(&mut buffer)? {
                0 => return Err(format!("hung up after '{}'", line.escape_ascii()).into()),
                count => line.extend_from_slice(&buffer[..count]),
            }
        }
        let line = String::from_utf8(line)?;
        let answer = line.strip_prefix(expected).ok_or(line.trim_end())?;
        Ok(answer.trim_end().to_owned())
    };
    let challenge = ask(format!("LOGIN {PASSWORD}\n"), "CHALLENGE ")?;
    let infos = sample::fields(number);
    ask(format!("INFOS {challenge} {infos}\n"), "OK listed ")?;
    ask("PING\n".to_owned(), "PONG")?;
    Ok(stream)
}
