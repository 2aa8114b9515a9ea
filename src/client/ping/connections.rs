//! How near game servers are that are asked on connections.
//!
//! This file hides that each of those that are measured at the moment has a thread, since std waits for one
//! connection at a time.

use super::room::Room;
use super::schedule::{Limits, Permits};
use super::target::{Ping, Target};
use crate::base::mutex::lock;
use crate::base::random::RANDOM;
use crate::base::threads;
use crate::protocol::scope::Scope;
use crate::query::{Asking, Reply, Status};
use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes are read at a time; a status with a picture has some 10 KiB.
const READ_SIZE: usize = 4096;

/// How long it waits for one of those that are being measured to be done.
const PERMIT_INTERVAL: Duration = Duration::from_millis(5);

/// Measures game servers as they come, each unless it is being measured already.
pub(super) struct Connector {
    pub(super) targets: Receiver<Target>,
    pub(super) limits: Limits,
    pub(super) permits: Arc<Permits>,
    pub(super) room: Arc<Room>,
    pub(super) is_stopped: Arc<AtomicBool>,
    pub(super) on_ping: Arc<dyn Fn(Ping) + Send + Sync>,
}

impl Connector {
    /// Returns when no more targets can come, and all are measured.
    pub(super) fn run(self) {
        let Self {
            targets,
            limits,
            permits,
            room,
            is_stopped,
            on_ping,
        } = self;
        let (permits, room) = (&permits, &room);
        let (is_stopped, on_ping) = (&is_stopped, &on_ping);
        let measured = &Mutex::new(HashSet::new());
        thread::scope(|scope| {
            for target in targets {
                if !lock(measured).insert(target) {
                    continue;
                }
                while !permits.take() {
                    if is_stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(PERMIT_INTERVAL);
                }
                let work = move || {
                    let ping = measure(target, limits, room, is_stopped);
                    permits.give_back();
                    lock(measured).remove(&target);
                    on_ping(ping);
                };
                let thread = thread::Builder::new().name("ping".to_owned());
                let thread = thread.stack_size(threads::STACK);
                if thread.spawn_scoped(scope, work).is_err() {
                    // There is no thread left but this.
                    work();
                }
            }
        });
    }
}

/// The most probes on one connection: until it is accepted, until the question is answered, and until what
/// is sent after that is sent back.
const ON_ONE_CONNECTION: u32 = 3;

/// Measures one game server. What there is no room for is not sent.
fn measure(target: Target, limits: Limits, room: &Room, is_stopped: &AtomicBool) -> Ping {
    let mut ping = Ping::none(target);
    let mut time = Duration::ZERO;
    while ping.sent < limits.probes && !is_stopped.load(Ordering::Relaxed) {
        let wanted = (limits.probes - ping.sent).min(ON_ONE_CONNECTION);
        let begin = || Visit::begin(target, wanted, limits.timeout);
        let Ok(visit) = room.wait(is_stopped, begin) else {
            break;
        };
        ping.sent += wanted;
        if let Ok((status, times)) = visit.and_then(Visit::ask) {
            ping.status = Some(status);
            ping.answered += times.len() as u32;
            time += times.iter().sum::<Duration>();
        }
    }
    ping.mean = time.checked_div(ping.answered);
    ping
}

/// One connection.
struct Visit {
    stream: TcpStream,
    asking: Asking,
    timeout: Duration,
    /// How long each probe took.
    times: Vec<Duration>,
}

impl Visit {
    /// Connects. That is a probe itself, if more than one is wanted.
    fn begin(target: Target, wanted: u32, timeout: Duration) -> io::Result<Self> {
        let address = target.address;
        let may_be_asked = Scope::of(address.ip()).is_some();
        let Some(kind) = target.kind.filter(|_| may_be_asked) else {
            return Err(ErrorKind::AddrNotAvailable.into());
        };
        let asking = match wanted {
            ON_ONE_CONNECTION => Asking::all(kind, RANDOM.number()),
            _ => Asking::probe(kind, RANDOM.number()),
        };
        let start = Instant::now();
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        let took = start.elapsed();
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self {
            stream,
            asking: asking.at(&address.ip().to_string(), address.port()),
            timeout,
            times: if wanted > 1 { vec![took] } else { Vec::new() },
        })
    }

    /// Asks. An answer counts also if what comes after it is lost. Nothing counts without one: whoever
    /// accepts a connection need not be a game server.
    fn ask(mut self) -> io::Result<(Box<Status>, Vec<Duration>)> {
        let mut next = self.asking.question();
        let status = loop {
            match self.exchange(&next) {
                Ok(Reply::Status(status)) => break Ok(status),
                Ok(Reply::Send(more)) => next = more,
                Ok(_) => break Err(ErrorKind::InvalidData.into()),
                Err(error) => break self.asking.known().map(Box::new).ok_or(error),
            }
        };
        Ok((status?, self.times))
    }

    /// Sends this, and reads until that is answered. The time is that until the answer begins, which may be
    /// long.
    fn exchange(&mut self, bytes: &[u8]) -> io::Result<Reply> {
        let start = Instant::now();
        self.stream.write_all(bytes)?;
        let mut first = None;
        let mut buffer = [0; READ_SIZE];
        loop {
            let left = self.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            let length = self.stream.read(&mut buffer)?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let took = *first.get_or_insert_with(|| start.elapsed());
            let reply = self.asking.receive(&buffer[..length]);
            if !matches!(reply, Reply::Part | Reply::Stray) {
                self.times.push(took);
                return Ok(reply);
            }
        }
    }
}
