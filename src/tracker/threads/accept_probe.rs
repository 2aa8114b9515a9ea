//! How a tracker finds out that its own door is attended, without anybody noticing.
//!
//! A door that has let somebody in since it was last looked at is attended. At one that nobody came
//! to, the bell is rung: a connection from this process, which a doorman knows by its address and
//! lets go before it is counted, takes a slot or is refused. What the kernel does by itself, which
//! is to complete the connection, proves nothing; only a doorman counts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the one who rings waits for the connection to each address of the door, while a doorman
/// who let somebody else in may have to wait for the ringer's. Within a machine a connection takes
/// microseconds.
const CONNECT: Duration = Duration::from_millis(250);

/// How long until somebody must have come to the door.
const ANSWER: Duration = Duration::from_secs(1);

/// The bell of one door.
#[derive(Debug, Default)]
pub struct Doorbell {
    opened: AtomicU64,
    is_ringing: AtomicBool,
    /// The address of the ringer's end; locked until it is known.
    ringer: Mutex<Option<SocketAddr>>,
}

impl Doorbell {
    /// Says that somebody was let in. True if that is the one who rings, who wants no more.
    pub fn open(&self, peer: SocketAddr) -> bool {
        self.opened.fetch_add(1, Ordering::Relaxed);
        if !self.is_ringing.load(Ordering::Acquire) {
            return false;
        }
        let ringer = self.ringer.lock().unwrap_or_else(PoisonError::into_inner);
        let canonical = (peer.ip().to_canonical(), peer.port());
        ringer.is_some_and(|ringer| (ringer.ip().to_canonical(), ringer.port()) == canonical)
    }

    /// How many were let in so far.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Rings at `door` unless somebody was let in since `opened`; waits for a moment until somebody
    /// is. Returns how many were let in so far.
    pub fn ring(&self, door: SocketAddr, opened: u64) -> u64 {
        if self.opened() != opened {
            return self.opened();
        }
        let mut ringer = self.ringer.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_ringing.store(true, Ordering::Release);
        // Where IPv6 is switched off, its addresses can be listened on, but not connected to.
        let stream = within(door)
            .into_iter()
            .find_map(|address| TcpStream::connect_timeout(&address, CONNECT).ok());
        *ringer = stream.as_ref().and_then(|stream| stream.local_addr().ok());
        drop(ringer);
        let start = Instant::now();
        while self.opened() == opened && start.elapsed() < ANSWER {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.is_ringing.store(false, Ordering::Release);
        self.opened()
    }
}

/// The addresses by which this machine reaches what listens on `address`, the surest first.
///
/// Who listens on all of IPv6 has IPv4 too on Linux, unless the system says otherwise
/// (`net.ipv6.bindv6only`): then the second is nobody's, or somebody else's. Where the system has
/// IPv6 switched off (`net.ipv6.conf.all.disable_ipv6`), only the second is there.
pub fn within(address: SocketAddr) -> Vec<SocketAddr> {
    let (v4, v6) = (
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    );
    let ips = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => vec![v4],
        IpAddr::V6(ip) if ip.is_unspecified() && cfg!(target_os = "linux") => vec![v6, v4],
        IpAddr::V6(ip) if ip.is_unspecified() => vec![v6],
        ip => vec![ip],
    };
    let with_port = |ip| SocketAddr::new(ip, address.port());
    ips.into_iter().map(with_port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn bell() -> &'static Doorbell {
        Box::leak(Box::default())
    }

    #[test]
    fn a_doorman_knows_the_ringer_and_nobody_else() {
        let bell = bell();
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (say, said) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let peer = stream.unwrap().peer_addr().unwrap();
                say.send(bell.open(peer)).unwrap();
            }
        });
        assert_eq!(bell.ring(address, 0), 1);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(true));
        let _somebody = TcpStream::connect(within(address)[0]).unwrap();
        assert_eq!(said.recv_timeout(PATIENCE), Ok(false));
        assert_eq!(bell.ring(address, 1), 2, "there is no need to ring");
        assert!(said.try_recv().is_err());
        assert_eq!(bell.ring(address, 2), 3);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(true));
    }

    #[test]
    fn a_door_that_nobody_attends_does_not_answer() {
        // The kernel completes the connection all the same.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(bell().ring(listener.local_addr().unwrap(), 0), 0);
    }
}
