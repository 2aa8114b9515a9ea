//! The UDP datagrams of proofs.
//!
//! Limits keep them from being of use to anybody else: few for each peer that has logged in, few to each
//! host, whoever names it, and few in all. No byte of them is chosen by a peer. The sessions decide when
//! they are sent.

use crate::base::mutex::lock;
use crate::protocol::text::format_number;
use crate::tracker::access::network::Network;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Datagrams in ten seconds to one host, and for one host to all that it names.
pub const PER_HOST: usize = 3;

/// Datagrams in ten seconds to one host that others name, one for each of them. The last of
/// [`PER_HOST`] is left for the host itself.
pub const FOR_OTHERS: usize = PER_HOST - 1;

/// The time in which a host is sent no more than [`PER_HOST`].
pub(crate) const HOST_WINDOW: Duration = Duration::from_secs(10);

/// Datagrams in a second, to all hosts together.
pub const PER_SECOND: usize = 50;

/// Sends datagrams within the limits.
#[derive(Debug)]
pub(crate) struct UdpProbe {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    quota: Mutex<Quota>,
}

impl UdpProbe {
    /// Opens the sockets that datagrams are sent from. One is at the address that game servers connect to,
    /// so that a datagram comes from where its game server has connected; one is for the other family, of
    /// which addresses may be named. Where that address is unspecified, the system chooses.
    pub(crate) fn open(servers: IpAddr) -> Self {
        let bind = |any: IpAddr| {
            let servers = servers.to_canonical();
            let ip = if servers.is_ipv4() == any.is_ipv4() {
                servers
            } else {
                any
            };
            let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        Self {
            v4: bind(Ipv4Addr::UNSPECIFIED.into()).ok(),
            v6: bind(Ipv6Addr::UNSPECIFIED.into()).ok(),
            quota: Mutex::default(),
        }
    }

    /// Sends `CHALLENGE <number>` to `target`, for the peer that is `asking`; `None` is one that is
    /// trusted to be sent as many as it wants. False if that would be too many now.
    pub(crate) fn send(
        &self,
        target: SocketAddr,
        number: u64,
        asking: Option<IpAddr>,
        now: Instant,
    ) -> bool {
        let ip = target.ip().to_canonical();
        let socket = if ip.is_ipv4() { &self.v4 } else { &self.v6 };
        // What cannot be sent is lost, as any datagram may be.
        let Some(socket) = socket else { return true };
        let hosts = asking.map(|asking| [ip, asking].map(Network::host));
        if !lock(&self.quota).take(hosts, now) {
            return false;
        }
        let _ = socket.send_to(
            format!("CHALLENGE {}", format_number(number)).as_bytes(),
            SocketAddr::new(ip, target.port()),
        );
        true
    }

    /// What was last sent to `target` for the peer that is `asking` has come back. If that is another host,
    /// the datagram no longer counts for either: many game servers may be on a second address.
    pub(crate) fn answered(&self, target: IpAddr, asking: IpAddr) {
        lock(&self.quota).give_back([target, asking].map(Network::host));
    }
}

/// What was sent lately. It is bounded, since no more than [`PER_SECOND`] a second are remembered for
/// ten seconds.
#[derive(Debug, Default)]
struct Quota {
    /// When the last datagrams went out, to all hosts, the oldest first, and for which hosts.
    all: VecDeque<(Instant, [Option<Network>; 2])>,
    /// How many of them went to each host, or for it.
    of_host: HashMap<Network, usize>,
}

impl Quota {
    /// Counts one more to the first of `hosts`, which the second asks for; `None` for a trusted one, which
    /// has no limit of its own. False if that would be too many.
    fn take(&mut self, hosts: Option<[Network; 2]>, now: Instant) -> bool {
        while let Some(&(sent, hosts)) = self.all.front()
            && now >= sent + HOST_WINDOW
        {
            self.all.pop_front();
            self.forget(hosts);
        }
        // The datagram that went out so many before this one is more than a second ago.
        let last_second = self.all.iter().rev().nth(PER_SECOND - 1);
        if last_second.is_some_and(|(sent, _)| now < *sent + Duration::from_secs(1)) {
            return false;
        }
        let hosts = match hosts {
            None => [None; 2],
            Some([target, asking]) if target == asking => [Some(target), None],
            Some(hosts) if !self.may_name(hosts) => return false,
            Some(hosts) => hosts.map(Some),
        };
        let each = hosts.into_iter().flatten();
        if each.clone().any(|host| self.count(host) >= PER_HOST) {
            return false;
        }
        for host in each {
            *self.of_host.entry(host).or_default() += 1;
        }
        self.all.push_back((now, hosts));
        true
    }

    /// The last datagram to the first of `hosts` for the second counts no longer, but among all.
    fn give_back(&mut self, hosts: [Network; 2]) {
        let of_these = Some(hosts.map(Some)).filter(|_| hosts[0] != hosts[1]);
        let mut sent = self.all.iter_mut().rev();
        if let Some((_, hosts)) = sent.find(|(_, sent)| Some(*sent) == of_these) {
            let hosts = std::mem::take(hosts);
            self.forget(hosts);
        }
    }

    fn forget(&mut self, hosts: [Option<Network>; 2]) {
        for host in hosts.into_iter().flatten() {
            match self.of_host.get_mut(&host) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.of_host.remove(&host)),
            }
        }
    }

    /// True if the second of `hosts` may have a datagram sent to the first. One host that asks again and
    /// again must not use up what is for the first itself, or for a third that names it.
    fn may_name(&self, hosts: [Network; 2]) -> bool {
        let mut sent = self.all.iter();
        self.count(hosts[0]) < FOR_OTHERS && !sent.any(|(_, sent)| *sent == hosts.map(Some))
    }

    fn count(&self, host: Network) -> usize {
        self.of_host.get(&host).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn network(n: u8) -> Network {
        Network::host(IpAddr::from([192, 0, 2, n]))
    }

    /// Asks for itself.
    fn host(n: u8) -> Option<[Network; 2]> {
        named(n, n)
    }

    /// `asking` names `target`.
    fn named(target: u8, asking: u8) -> Option<[Network; 2]> {
        Some([target, asking].map(network))
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
    fn who_names_another_host_spends_his_own_share_and_two_of_three_of_the_other() {
        let (start, mut quota) = (Instant::now(), Quota::default());
        // Three for one that asks, whomever he names.
        assert!((1..=3).all(|target| quota.take(named(target, 9), start)));
        assert!(!quota.take(named(4, 9), start), "he has asked three times");
        assert!(!quota.take(host(9), start), "also for himself");
        // Two for one that is named, one for each who asks.
        assert!(quota.take(named(4, 10), start));
        assert!(!quota.take(named(4, 10), start));
        assert!(quota.take(named(4, 11), start));
        assert!(!quota.take(named(4, 12), start));
        // One that was answered is no harm to anybody.
        quota.give_back([4, 11].map(network));
        quota.give_back([4, 11].map(network));
        assert!(quota.take(named(4, 11), start));
        assert!(!quota.take(named(4, 12), start));
        assert!(quota.take(host(4), start), "the third is its own");
        assert!(!quota.take(host(4), start));
        assert!(quota.take(host(12), start), "what is not sent is not spent");
        assert!(quota.take(named(4, 12), start + HOST_WINDOW));
        assert_eq!((quota.all.len(), quota.of_host.len()), (1, 2));
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
        fn no_window_holds_more_than_it_may(history: Vec<(u16, u8, u8)>) -> bool {
            let start = Instant::now();
            let mut quota = Quota::default();
            let mut sent: Vec<(Instant, [u8; 2])> = Vec::new();
            let mut now = start;
            for (milliseconds, to, by) in history.into_iter().cycle().take(600) {
                now += Duration::from_millis(u64::from(milliseconds % 40));
                let hosts = [to % 8, by % 8];
                if quota.take(Some(hosts.map(network)), now) {
                    sent.push((now, hosts));
                }
                let within = |window| move |(at, _): &&(Instant, [u8; 2])| now < *at + window;
                let second = sent.iter().filter(within(Duration::from_secs(1))).count();
                assert!(second <= PER_SECOND);
                for host in hosts {
                    let window = sent.iter().filter(within(HOST_WINDOW));
                    assert!(window.filter(|(_, hosts)| hosts.contains(&host)).count() <= PER_HOST);
                }
                let bound = 2 * quota.all.len();
                assert!(quota.all.len() <= 10 * PER_SECOND && quota.of_host.len() <= bound);
            }
            true
        }
    }
}
