//! How a tracker finds out that its own port is accepted from, without anybody noticing.
//!
//! A port is well if somebody was accepted there since it was last looked at. If nobody was, the
//! tracker connects to it itself: the acceptor knows that connection by its address and drops it
//! before it is counted, takes a slot or is refused. That the kernel completes a connection proves
//! nothing.

use crate::base::mutex::lock;
use crate::tracker::state::sockets::tuning::{PROBE_ACCEPT, PROBE_CONNECT};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// The probe of one listener.
#[derive(Debug)]
pub(crate) struct AcceptProbe {
    /// Where it listens.
    address: SocketAddr,
    accepted: AtomicU64,
    is_probing: AtomicBool,
    /// The probe's own end of the connection; locked until it is known.
    own: Mutex<Option<SocketAddr>>,
    was_accepted: Condvar,
}

impl AcceptProbe {
    /// Nobody was accepted yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            accepted: AtomicU64::default(),
            is_probing: AtomicBool::default(),
            own: Mutex::default(),
            was_accepted: Condvar::default(),
        }
    }

    /// Counts a connection that was accepted. True if it is the probe's own.
    pub(crate) fn is_accepted(&self, peer: SocketAddr) -> bool {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        if !self.is_probing.load(Ordering::Acquire) {
            return false;
        }
        let own = lock(&self.own);
        self.was_accepted.notify_all();
        let canonical = |address: SocketAddr| (address.ip().to_canonical(), address.port());
        own.is_some_and(|own| canonical(own) == canonical(peer))
    }

    /// How many were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connects to the listener.
    pub(crate) fn connect(&self) -> Option<TcpStream> {
        // Where IPv6 is switched off, its addresses can be listened on, but not connected to.
        within(self.address)
            .into_iter()
            .find_map(|address| TcpStream::connect_timeout(&address, PROBE_CONNECT).ok())
    }

    /// Connects to the listener unless somebody was accepted since `seen`; waits for a moment until
    /// somebody is. Returns how many were accepted so far.
    pub(crate) fn probe(&self, seen: u64) -> u64 {
        if self.accepted() != seen {
            return self.accepted();
        }
        let mut own = lock(&self.own);
        self.is_probing.store(true, Ordering::Release);
        let stream = self.connect();
        *own = stream.as_ref().and_then(|stream| stream.local_addr().ok());
        let is_waiting = |_: &mut _| self.accepted() == seen;
        let waited = self
            .was_accepted
            .wait_timeout_while(own, PROBE_ACCEPT, is_waiting);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.is_probing.store(false, Ordering::Release);
        self.accepted()
    }
}

/// The addresses by which this machine reaches what listens on `address`, the surest first.
///
/// Who listens on all of IPv6 has IPv4 too on Linux, unless the system says otherwise
/// (`net.ipv6.bindv6only`): then the second is nobody's, or somebody else's. Where the system has
/// IPv6 switched off (`net.ipv6.conf.all.disable_ipv6`), only the second is there.
pub(crate) fn within(address: SocketAddr) -> Vec<SocketAddr> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        IpAddr::V6(ip) if ip.is_unspecified() && cfg!(target_os = "linux") => vec![v6, v4],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v6],
        _ => vec![address],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn probe(address: SocketAddr) -> &'static AcceptProbe {
        Box::leak(Box::new(AcceptProbe::new(address)))
    }

    #[test]
    fn the_acceptor_knows_the_probe_and_nobody_else() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        let probe = probe(address);
        let (say, said) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let peer = stream.unwrap().peer_addr().unwrap();
                say.send(probe.is_accepted(peer)).unwrap();
            }
        });
        assert_eq!(probe.probe(0), 1);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(true));
        let _somebody = TcpStream::connect(within(address)[0]).unwrap();
        assert_eq!(said.recv_timeout(PATIENCE), Ok(false));
        assert_eq!(probe.probe(1), 2, "there is no need to probe");
        assert!(said.try_recv().is_err());
        assert_eq!(probe.probe(2), 3);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(true));
    }

    #[test]
    fn an_address_keeps_the_interface_that_it_is_good_on() {
        for address in ["[fe80::1%3]:7", "192.0.2.7:7"] {
            let address = address.parse().unwrap();
            assert_eq!(within(address), [address]);
        }
    }

    #[test]
    fn a_port_that_nobody_accepts_from_does_not_answer() {
        // The kernel completes the connection all the same.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(probe(listener.local_addr().unwrap()).probe(0), 0);
    }
}
