//! From a tracker's name to a connection.
//!
//! This file hides that a name has several addresses. They are tried a moment apart, as RFC 8305
//! says; one that accepts a connection and then says nothing does not use up the time of the others.
//! Look-ups and connections may hang, so that each has a thread of its own. Nobody waits for these
//! threads; their number and their time are bounded.

use super::address::Address;
use super::memory::{Family, Memory};
use crate::base::mutex::lock;
use crate::base::random::RANDOM;
use crate::base::threads;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The time from one address to the next while none has accepted (RFC 8305, section 5).
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(250);

/// How long one address may say nothing while there are others to try. A healthy tracker answers
/// within a second.
const MAX_SILENCE: Duration = Duration::from_secs(3);

/// The most look-ups at the same time: four for each of the 64 trackers that one command may ask.
/// The system's resolver knows no deadline, and may hang for ever.
const MAX_LOOK_UPS: usize = 256;

impl<const PORT: u16> Address<PORT> {
    /// All addresses of the name; one at least.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub(crate) fn look_up(&self, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        let mut found = look_up(self.host(), self.port(), deadline)?;
        keep_only(self.family(), &mut found)?;
        Ok(found)
    }

    /// Looks the name up. The look-up and the connections share the time until `deadline`.
    ///
    /// # Errors
    /// What the system says, [`ErrorKind::TimedOut`] if it says nothing in time, and
    /// [`ErrorKind::NotFound`] if there is no address of the wanted family.
    pub(crate) fn dial(&self, deadline: Instant) -> io::Result<Dial> {
        let found = self.look_up(deadline)?;
        let order = lock(&self.memory).order(found, RANDOM.number());
        Ok(Dial::new(order, Arc::clone(&self.memory), deadline))
    }

    /// The tracker at this address has answered: the next dial begins there.
    pub(crate) fn answered(&self, address: SocketAddr) {
        lock(&self.memory).answered(address);
    }

    /// The tracker at this address has no room, or does not answer: the next dial begins with others.
    pub(crate) fn failed(&self, address: SocketAddr) {
        lock(&self.memory).full(address);
    }
}

fn keep_only(family: Option<Family>, found: &mut Vec<SocketAddr>) -> io::Result<()> {
    found.retain(|found| family.is_none_or(|only| Family::of(*found) == only));
    if !found.is_empty() {
        return Ok(());
    }
    let text = match family {
        Some(family) => format!("it has no {family} address"),
        None => "its name has no address".to_owned(),
    };
    Err(io::Error::new(ErrorKind::NotFound, text))
}

/// The addresses of a tracker that are left to try.
#[derive(Debug)]
pub(crate) struct Dial {
    queue: VecDeque<SocketAddr>,
    memory: Arc<Mutex<Memory>>,
    deadline: Instant,
}

/// A connection on which nothing was said yet.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) stream: TcpStream,
    pub(crate) address: SocketAddr,
    /// When it is time for the next address, if nothing was said by then.
    pub(crate) until: Instant,
}

impl Dial {
    fn new(queue: VecDeque<SocketAddr>, memory: Arc<Mutex<Memory>>, deadline: Instant) -> Self {
        Self {
            queue,
            memory,
            deadline,
        }
    }

    /// Connects to the first of the addresses that accepts. If that one does not answer, the next call
    /// goes on with the addresses behind it; if it does, call [`answered`](Self::answered).
    ///
    /// # Errors
    /// What the system said first, and [`ErrorKind::TimedOut`] at the deadline.
    pub(crate) fn next(&mut self) -> io::Result<Reached> {
        let (tell, told) = mpsc::channel();
        let mut trying: Vec<SocketAddr> = Vec::new();
        let mut failed = None;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let patience = match self.queue.pop_front() {
                Some(address) => {
                    try_it(address, left, tell.clone())?;
                    trying.push(address);
                    ATTEMPT_INTERVAL
                }
                None if trying.is_empty() => {
                    return Err(failed.unwrap_or(ErrorKind::NotConnected.into()));
                }
                None => left,
            };
            // A sender is held here: if nothing comes, it is time for the next address.
            let Ok((address, tried)) = told.recv_timeout(patience.min(left)) else {
                continue;
            };
            trying.retain(|other| *other != address);
            match tried {
                Ok(stream) => {
                    // The others hang up when they find that nobody waits for them any more.
                    trying.into_iter().rev().for_each(|slower| {
                        self.queue.push_front(slower);
                    });
                    let until = self.silent_until(address, Instant::now());
                    return Ok(Reached {
                        stream,
                        address,
                        until,
                    });
                }
                Err(error) => {
                    lock(&self.memory).failed(address);
                    failed.get_or_insert(error);
                }
            }
        }
    }

    /// When one address has had enough of the time for a whole answer.
    pub(crate) fn share(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline - left + left / (self.queue.len() as u32 + 1)
    }

    /// The tracker at this address has answered: the next dial begins there.
    pub(crate) fn answered(&self, address: SocketAddr) {
        lock(&self.memory).answered(address);
    }

    /// Who answered at this address has no room, or is of no use: the next dial begins with others.
    pub(crate) fn full(&self, address: SocketAddr) {
        lock(&self.memory).full(address);
    }

    fn silent_until(&self, address: SocketAddr, now: Instant) -> Instant {
        let left = self.deadline.saturating_duration_since(now);
        let is_worth_it = lock(&self.memory).connected(address);
        match self.queue.len() {
            0 if is_worth_it => self.deadline,
            others => now + MAX_SILENCE.min(left / (others as u32 + 1)),
        }
    }
}

type Tried = (SocketAddr, io::Result<TcpStream>);

/// Connects from another thread.
fn try_it(address: SocketAddr, time: Duration, tell: Sender<Tried>) -> io::Result<()> {
    let connect = move || {
        // Nobody may be waiting any more.
        let _ = tell.send((address, connect(address, time)));
    };
    threads::start("connect", threads::STACK, connect).map(drop)
}

/// A connection to this address.
///
/// # Errors
/// What the system says, at the end of `time` at the latest.
pub(crate) fn connect(address: SocketAddr, time: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, time)?;
    // Asked for a port of this machine on which nobody listens, the system may connect a socket
    // with itself.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn look_up(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![(ip, port).into()]);
    }
    let place = Place::of(&RUNNING).ok_or(ErrorKind::TimedOut)?;
    let (answer, answered) = mpsc::channel();
    let host = host.to_owned();
    let look_up = move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // Nobody may be waiting any more.
        let _ = answer.send(found.map(Iterator::collect));
        drop(place);
    };
    threads::start("look-up", threads::STACK, look_up)?;
    let patience = deadline.saturating_duration_since(Instant::now());
    let answer = answered.recv_timeout(patience);
    answer.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// One of the look-ups that may run at the same time.
struct Place(&'static AtomicUsize);

impl Place {
    fn of(running: &'static AtomicUsize) -> Option<Self> {
        let one_more = |count| (count < MAX_LOOK_UPS).then_some(count + 1);
        let taken = running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Self(running))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// An address at which nobody takes connections, and none is refused: its queue is full.
    #[cfg(target_os = "linux")]
    fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let (listener, address) = listener();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, ATTEMPT_INTERVAL) {
            waiting.push(stream);
        }
        (address, listener, waiting)
    }

    fn dial(found: &[SocketAddr], patience: Duration) -> Dial {
        again(found, Arc::default(), Instant::now() + patience)
    }

    /// Chance leaves the addresses as they are.
    fn again(found: &[SocketAddr], memory: Arc<Mutex<Memory>>, deadline: Instant) -> Dial {
        let order = lock(&memory).order(found.to_vec(), 0);
        Dial::new(order, memory, deadline)
    }

    #[test]
    fn every_address_of_a_name_is_tried() {
        // `localhost` may be ::1 before it is 127.0.0.1, where alone somebody listens.
        let (listener, address) = listener();
        let tracker: Address<1> = format!("localhost:{}", address.port()).parse().unwrap();
        let reach = |tracker: &Address<1>| tracker.dial(Instant::now() + PATIENCE)?.next();
        assert_eq!(reach(&tracker).unwrap().address, address);
        let four = tracker.clone().over(Family::Ipv4);
        assert_eq!(reach(&four).unwrap().address, address);
        drop(listener);
        let refused = reach(&tracker).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{refused}");
        let late = tracker.dial(Instant::now()).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut, "{late}");
    }

    #[test]
    fn one_family_is_one_family() {
        let (_listener, address) = listener();
        let tracker = Address::<1>::new(address);
        let deadline = Instant::now() + PATIENCE;
        let error = tracker.clone().over(Family::Ipv6).dial(deadline);
        assert_eq!(error.unwrap_err().to_string(), "it has no IPv6 address");
        assert!(tracker.over(Family::Ipv4).dial(deadline).is_ok());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_address_that_swallows_everything_is_passed_over_in_a_moment() {
        let (hole, _queue, _waiting) = black_hole();
        let (other, address) = listener();
        let start = Instant::now();
        let mut dial = dial(&[hole, address], 10 * PATIENCE);
        let reached = dial.next().unwrap();
        assert_eq!(reached.address, address);
        assert!(start.elapsed() >= ATTEMPT_INTERVAL && start.elapsed() < 5 * PATIENCE);
        // One connection alone is open, and the other address is what is left to try.
        other.accept().unwrap();
        other.set_nonblocking(true).unwrap();
        assert!(other.accept().is_err());
        assert_eq!(dial.queue, [hole]);
        assert!(reached.until < dial.deadline);
    }

    #[test]
    fn one_that_is_silent_is_passed_over_and_tried_last_the_next_time() {
        let listeners = [listener(), listener(), listener()];
        let [silent, other, _] = listeners.each_ref().map(|(_, address)| *address);
        let all = listeners.each_ref().map(|(_, address)| *address);
        let mut dial = dial(&all, PATIENCE);
        let reached = dial.next().unwrap();
        assert_eq!(reached.address, silent);
        assert!(reached.until <= Instant::now() + PATIENCE / 3);
        let reached = dial.next().unwrap();
        assert_eq!(reached.address, other);
        dial.answered(other);
        let at_last = again(&all, Arc::clone(&dial.memory), dial.deadline);
        assert_eq!(at_last.queue, [all[1], all[2], all[0]]);
        let reached = dial.next().unwrap();
        assert_eq!(reached.until, dial.deadline, "there is no other");
        let nobody = dial.next().unwrap_err();
        assert_eq!(nobody.kind(), ErrorKind::NotConnected);
        // While the one that answers is started again, the other does not take all the time.
        let [(_silent, first), (closed, second), _] = listeners;
        dial.answered(second);
        drop(closed);
        let mut again = again(&[first, second], dial.memory, dial.deadline);
        let reached = again.next().unwrap();
        assert_eq!(reached.address, first);
        assert!(reached.until <= Instant::now() + MAX_SILENCE);
    }

    #[test]
    fn what_the_system_said_first_is_told() {
        let (closed, address) = listener();
        drop(closed);
        // Nobody is there: the system has no way, or the wrong one.
        let nowhere = "[::]:0".parse().unwrap();
        let error = dial(&[address, nowhere], PATIENCE).next().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
    }

    #[test]
    fn look_ups_that_hang_are_bounded() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        let mut all: Vec<Place> = std::iter::from_fn(|| Place::of(&RUNNING)).collect();
        assert_eq!(all.len(), MAX_LOOK_UPS);
        all.pop();
        assert!(Place::of(&RUNNING).is_some());
    }
}
