//! The UDP datagrams of proofs.
//!
//! This file hides the limits that keep them from being of use to anybody else: they go to the
//! address of a peer that has logged in over TCP and nowhere else, few to each host and few in
//! all, and carry nothing that a peer chose. When they are sent is the sessions' business.

use super::network::Network;
use crate::protocol::message::format_number;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Datagrams to one host in [`HOST_WINDOW`].
pub const PER_HOST: usize = 3;

/// The time in which a host is sent no more than [`PER_HOST`].
pub const HOST_WINDOW: Duration = Duration::from_secs(10);

/// Datagrams in a second, to all hosts together.
pub const PER_SECOND: usize = 50;

/// Sends datagrams within the limits.
#[derive(Debug)]
pub struct Reachability {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    quota: Mutex<Quota>,
}

impl Reachability {
    /// Opens the sockets that datagrams are sent from: at the address that game servers connect
    /// to, so that they come from where the game server has connected.
    pub fn open(servers: IpAddr) -> Self {
        let bind = |ip: IpAddr| {
            let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        let any_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let (v4, v6) = match servers.to_canonical() {
            IpAddr::V4(ip) => (bind(IpAddr::V4(ip)).ok(), None),
            IpAddr::V6(ip) if ip.is_unspecified() => (
                bind(any_v4).ok(),
                bind(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).ok(),
            ),
            IpAddr::V6(ip) => (None, bind(IpAddr::V6(ip)).ok()),
        };
        Self {
            v4,
            v6,
            quota: Mutex::default(),
        }
    }

    /// Sends `CHALLENGE <number>` to `peer`, which may be `trusted` to be sent as many as it wants.
    /// False if that would be too many now.
    pub fn send(&self, peer: SocketAddr, number: u64, trusted: bool, now: Instant) -> bool {
        let socket = if peer.is_ipv4() { &self.v4 } else { &self.v6 };
        let Some(socket) = socket else { return false };
        let host = (!trusted).then(|| Network::host(peer.ip()));
        if !self
            .quota
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(host, now)
        {
            return false;
        }
        // What cannot be sent is lost, as any datagram may be.
        let _ = socket.send_to(
            format!("CHALLENGE {}", format_number(number)).as_bytes(),
            peer,
        );
        true
    }
}

/// What was sent lately. Bounded by itself: no more than [`PER_SECOND`] a second are remembered
/// for [`HOST_WINDOW`].
#[derive(Debug, Default)]
struct Quota {
    /// When the last datagrams went out, to all hosts, the oldest first.
    all: VecDeque<(Instant, Option<Network>)>,
    /// How many of them went to each host.
    to_host: HashMap<Network, usize>,
}

impl Quota {
    /// One more for `host`; for a trusted one, which has no limit of its own, `None`.
    fn take(&mut self, host: Option<Network>, now: Instant) -> bool {
        while let Some(&(sent, to)) = self.all.front()
            && now >= sent + HOST_WINDOW
        {
            self.all.pop_front();
            let Some(to) = to else { continue };
            match self.to_host.get_mut(&to) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.to_host.remove(&to)),
            }
        }
        // The one that went out so many before the next is more than a second ago.
        let last_second = self.all.iter().rev().nth(PER_SECOND - 1);
        if last_second.is_some_and(|(sent, _)| now < *sent + Duration::from_secs(1)) {
            return false;
        }
        if let Some(host) = host {
            let count = self.to_host.entry(host).or_default();
            if *count >= PER_HOST {
                return false;
            }
            *count += 1;
        }
        self.all.push_back((now, host));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn host(n: u8) -> Option<Network> {
        Some(Network::host(IpAddr::from([192, 0, 2, n])))
    }

    #[test]
    fn three_to_a_host_in_ten_seconds() {
        let start = Instant::now();
        let mut quota = Quota::default();
        for second in 0..3 {
            assert!(quota.take(host(1), start + Duration::from_secs(second)));
        }
        assert!(!quota.take(host(1), start + Duration::from_millis(9_999)));
        assert!(quota.take(host(2), start + Duration::from_millis(9_999)));
        assert!(quota.take(host(1), start + Duration::from_secs(10)));
        assert!(!quota.take(host(1), start + Duration::from_secs(10)));
        assert!(quota.take(host(1), start + Duration::from_secs(11)));
    }

    #[test]
    fn a_trusted_host_has_the_limit_of_all_and_no_other() {
        let (start, mut quota) = (Instant::now(), Quota::default());
        let sent = (0..100).filter(|_| quota.take(None, start)).count();
        assert_eq!(sent, PER_SECOND);
        assert!(!quota.take(host(1), start), "it is everybody's");
        assert!(quota.take(host(1), start + Duration::from_secs(1)));
        assert!(quota.take(None, start + HOST_WINDOW));
        assert_eq!(quota.all.len(), 2, "what is over is forgotten");
    }

    quickcheck! {
        fn no_window_holds_more_than_it_may(history: Vec<(u16, u8)>) -> bool {
            let start = Instant::now();
            let mut quota = Quota::default();
            let mut sent: Vec<(Instant, u8)> = Vec::new();
            let mut now = start;
            for (milliseconds, to) in history.into_iter().cycle().take(600) {
                now += Duration::from_millis(u64::from(milliseconds % 40));
                if quota.take(host(to), now) {
                    sent.push((now, to));
                }
                let within = |window| move |(at, _): &&(Instant, u8)| now < *at + window;
                let second = sent.iter().filter(within(Duration::from_secs(1))).count();
                let window = sent.iter().filter(within(HOST_WINDOW)).filter(|(_, h)| *h == to);
                assert!(second <= PER_SECOND && window.count() <= PER_HOST);
                assert!(quota.all.len() <= 10 * PER_SECOND && quota.to_host.len() <= quota.all.len());
            }
            true
        }
    }
}
