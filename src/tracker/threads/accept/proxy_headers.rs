//! How a tracker that is behind a proxy learns whose connections it has.
//!
//! A connection from a proxied network begins with a header. What has come is read without waiting, by
//! the thread that accepts: nearly always that is all of it. A connection whose header is not there yet
//! waits here, where it takes no slot and counts for nobody.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::network::Network;
use crate::tracker::access::slots::Class;
use crate::tracker::proxy_header::{Header, MAX_HEADER, parse};
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sockets::connection::{Connection, unless_not_now};
use crate::tracker::state::sockets::tuning::MOST_HEADERS;
use crate::tracker::threads::poll_loop::{PollLoop, Turn};
use crate::tracker::threads::reception::{Arrival, Reception};
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The connections whose header has not come yet, and where those go whose has.
pub(crate) struct ProxyHeaders {
    shared: &'static Shared,
    reception: &'static Reception,
    networks: Vec<Network>,
    waiting: PollLoop<Headless>,
}

/// A connection without its header.
struct Headless {
    /// The proxy's, with what has come of the header and whatever came with it.
    arrival: Arrival,
    /// When the rest must have come.
    deadline: Instant,
}

/// How far a header has come.
enum Heard {
    Part,
    All(Header),
    Wrong(Refusal),
    /// The proxy has hung up, as health checks do.
    End,
}

impl ProxyHeaders {
    /// For proxies in these networks.
    pub(crate) fn new(
        shared: &'static Shared,
        reception: &'static Reception,
        networks: Vec<Network>,
    ) -> Self {
        Self {
            shared,
            reception,
            networks,
            waiting: PollLoop::new(MOST_HEADERS),
        }
    }

    /// Starts the thread that looks after those who wait, if there may be any.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&'static self) -> io::Result<()> {
        if self.networks.is_empty() {
            return Ok(());
        }
        let look_at = |one, now| self.look_at(one, now);
        self.waiting
            .start("proxy-headers", &self.shared.log, look_at)
    }

    /// Passes on a connection at once if it needs no header or has it.
    pub(crate) fn receive(&self, class: Class, stream: TcpStream, peer: SocketAddr) {
        let arrival = Arrival {
            class,
            stream,
            peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            unread: Vec::new(),
            is_of_proxy: false,
        };
        let ip = arrival.peer.ip();
        if !self.networks.iter().any(|network| network.contains(ip)) {
            return self.reception.receive(arrival);
        }
        let now = Instant::now();
        let deadline = now + self.patience();
        let headless = Headless { arrival, deadline };
        // A socket that cannot be told to return at once is not read from. The oldest may have its header
        // by now: in a burst the thread that looks after them gets its turn too late.
        if headless.arrival.stream.set_nonblocking(true).is_ok()
            && let Some(headless) = self.listen(headless, now)
            && let Some(oldest) = self.waiting.enter(headless, Duration::ZERO)
            && let Some(oldest) = self.listen(oldest, now)
        {
            self.refuse(oldest.arrival, too_many());
        }
    }

    /// As long as a step takes where many want to log in.
    fn patience(&self) -> Duration {
        self.shared.setting.timings.login_step_crowded
    }

    fn look_at(&self, mut one: Turn<Headless>, now: Instant) -> Option<Turn<Headless>> {
        one.item = self.listen(one.item, now)?;
        if one.must_go {
            self.refuse(one.item.arrival, too_many());
            return None;
        }
        Some(one.again(now, false))
    }

    /// Reads what has come. It is returned if that is not all.
    fn listen(&self, mut headless: Headless, now: Instant) -> Option<Headless> {
        let heard = hear(&mut headless.arrival);
        let arrival = match heard {
            Heard::Part if now < headless.deadline => return Some(headless),
            _ => headless.arrival,
        };
        match heard {
            Heard::Part => {
                let text = format!("no whole PROXY header came in {:?}", self.patience());
                self.refuse(arrival, Refusal::new(ErrorCode::Timeout, text));
            }
            Heard::All(header) => self.reception.receive(behind(header, arrival)),
            Heard::Wrong(refusal) => self.refuse(arrival, refusal),
            Heard::End => {}
        }
        None
    }

    fn refuse(&self, arrival: Arrival, refusal: Refusal) {
        let (shared, proxy) = (self.shared, arrival.peer);
        shared.stats.refused.of(refusal.code).add_one();
        let fields = [
            ("peer", &proxy as _),
            ("class", &arrival.class.as_str() as _),
        ];
        shared.log.noisy("bad-header", &refusal, &fields);
        let sent = &shared.stats.bytes_sent;
        Connection::new(shared.next_id(), arrival.stream, proxy, sent).reject(&refusal);
    }
}

fn hear(arrival: &mut Arrival) -> Heard {
    let bytes = &mut arrival.unread;
    // There is room: a header that is not whole is shorter.
    let mut buffer = [0; MAX_HEADER];
    let room = &mut buffer[bytes.len()..];
    match unless_not_now(arrival.stream.read(room)) {
        Ok(Some(0)) | Err(_) => return Heard::End,
        Ok(Some(count)) => bytes.extend_from_slice(&room[..count]),
        Ok(None) => return Heard::Part,
    }
    match parse(bytes) {
        Ok(None) => Heard::Part,
        Ok(Some(header)) => Heard::All(header),
        Err(wrong) => Heard::Wrong(Refusal::new(ErrorCode::BadSyntax, wrong.to_string())),
    }
}

/// A proxy's connection as that of whom the header names.
fn behind(header: Header, mut arrival: Arrival) -> Arrival {
    arrival.unread.drain(..header.length);
    match header.peer_behind(arrival.peer.ip()) {
        Some(peer) => arrival.peer = peer,
        None => arrival.is_of_proxy = true,
    }
    arrival
}

fn too_many() -> Refusal {
    let text = "too many connections from proxies wait for their PROXY header";
    Refusal::new(ErrorCode::Busy, text)
}
