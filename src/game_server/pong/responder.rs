//! The sockets that answer at one address of this machine, or at all.
//!
//! This file hides which sockets that takes, and the thread of each.

use super::datagram::{Datagram, MAX_DATAGRAM};
use crate::base::threads;
use crate::game_server::announcer::Relay;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a thread checks whether it is to end, if the datagram that wakes it was lost.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The stack of a thread, in bytes.
const STACK: usize = 128 * 1024;

/// The address that stands for all addresses of this machine, of both families.
pub(crate) fn everywhere(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}

/// True if this machine has the address.
pub(crate) fn is_ours(address: &SocketAddr) -> bool {
    let mut any_port = *address;
    any_port.set_port(0);
    UdpSocket::bind(any_port).is_ok()
}

/// The sockets for an address or for [`everywhere`], each with the address that it was bound for.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Vec<(SocketAddr, UdpSocket)>> {
    if address != everywhere(address.port()) {
        return Ok(vec![(address, UdpSocket::bind(address)?)]);
    }
    let v4 = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port));
    let among_all = |socket: UdpSocket| Ok((everywhere(socket.local_addr()?.port()), socket));
    // A trial, to learn whether the port is in use: an IPv6 socket that does not receive IPv4 would
    // not tell.
    drop(v4(address.port())?);
    let Ok(v6) = UdpSocket::bind(address) else {
        return v4(address.port())
            .and_then(among_all)
            .map(|socket| vec![socket]);
    };
    let mut sockets = vec![among_all(v6)?];
    match v4(sockets[0].0.port()) {
        Ok(v4) => sockets.push(among_all(v4)?),
        // The IPv6 socket receives IPv4 as well.
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Err(error) => return Err(error),
    }
    Ok(sockets)
}

/// Answers at one socket, until it is dropped.
pub(crate) struct Responder {
    /// What it was bound for.
    pub(crate) address: SocketAddr,
    /// Where it is bound.
    local: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    pub(crate) fn start(address: SocketAddr, socket: UdpSocket, relay: Relay) -> io::Result<Self> {
        socket.set_read_timeout(Some(POLL_INTERVAL))?;
        let local = socket.local_addr()?;
        let is_over = Arc::<AtomicBool>::default();
        let until = Arc::clone(&is_over);
        let answer = move || answer_all(&socket, &until, &relay);
        let thread = Some(threads::start("pong", STACK, answer)?);
        Ok(Self {
            address,
            local,
            is_over,
            thread,
        })
    }
}

fn answer_all(socket: &UdpSocket, is_over: &AtomicBool, relay: &Relay) {
    // A byte more than is answered, to tell what is too long.
    let mut buffer = [0; MAX_DATAGRAM + 1];
    while !is_over.load(Ordering::Relaxed) {
        // An error is not the end. Some systems report one for each answer that nobody received.
        let Ok((count, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        match Datagram::read(&buffer[..count]) {
            // A game that does not run has no ping.
            Some(Datagram::Ping(answer)) if !relay.is_hidden() => {
                let _ = socket.send_to(&answer, from);
            }
            Some(Datagram::Challenge(number)) => relay.pass_on(number, from),
            Some(Datagram::Ping(_)) | None => {}
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // An empty datagram wakes it; if that is lost, it looks by itself.
        let (from, home): (IpAddr, IpAddr) = match self.local {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::LOCALHOST.into()),
        };
        let mut to = self.local;
        if to.ip().is_unspecified() {
            to.set_ip(home);
        }
        if let Ok(socket) = UdpSocket::bind((from, 0)) {
            let _ = socket.send_to(&[], to);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
