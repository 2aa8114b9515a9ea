//! Listeners that the tracker makes itself.

use crate::tracker::threads::accept::listener::Listener;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Connections that may wait to be accepted, as std asks for them.
const QUEUE_OF_STD: usize = 128;

/// How many connections may wait at a listener that is made here, where the system tells.
pub(super) fn queue() -> Option<usize> {
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?;
    let most: usize = most.trim().parse().ok()?;
    Some(most.min(QUEUE_OF_STD))
}

/// Listens on `asked`. All addresses of IPv6 stand for those of IPv4 too: where the system keeps the
/// families apart there are two listeners, and where there is only one family there is one.
///
/// # Errors
/// The address that cannot be had, and why.
pub(super) fn bind(asked: SocketAddr) -> Result<Vec<Listener>, (SocketAddr, io::Error)> {
    let bind = |address| Listener::bind(address).map_err(|error| (address, error));
    if asked.ip() != Ipv6Addr::UNSPECIFIED {
        return Ok(vec![bind(asked)?]);
    }
    let v4 = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    // A trial, to learn whether the port is in use: an IPv6 listener that has no IPv4 would not tell.
    let in_use = |(_, error): &(SocketAddr, io::Error)| error.kind() == ErrorKind::AddrInUse;
    if let Some(taken) = bind(v4(asked.port())).err().filter(in_use) {
        return Err(taken);
    }
    let first = match bind(asked) {
        Err(taken) if in_use(&taken) => return Err(taken),
        Err(_) => return Ok(vec![bind(v4(asked.port()))?]),
        Ok(first) => first,
    };
    // If the port is in use now, that is by the first, which has IPv4 as well.
    let second = bind(v4(first.address.port())).ok();
    // Nobody reaches a listener of its own for a family that is switched off, not even the watchdog.
    let first = (second.is_none() || is_there(Ipv6Addr::LOCALHOST.into())).then_some(first);
    Ok(first.into_iter().chain(second).collect())
}

/// True if this machine has the address.
fn is_there(ip: IpAddr) -> bool {
    TcpListener::bind((ip, 0)).is_ok()
}

/// The families that listeners on all addresses serve.
pub(super) fn families(listeners: &[SocketAddr]) -> &'static str {
    let has = |ip: IpAddr| listeners.iter().any(|listener| listener.ip() == ip);
    let v6 = has(Ipv6Addr::UNSPECIFIED.into());
    // Where IPv6 is switched off, it can be listened on, and has no address.
    let is_v6 = v6 && is_there(Ipv6Addr::LOCALHOST.into());
    let is_v4 = has(Ipv4Addr::UNSPECIFIED.into()) || (v6 && is_there(Ipv4Addr::LOCALHOST.into()));
    match (is_v4, is_v6) {
        (true, false) => "IPv4 only",
        (false, true) => "IPv6 only",
        _ => "IPv4 and IPv6",
    }
}
