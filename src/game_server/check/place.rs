//! Where the game server is, as it sees itself and as a tracker sees it. Pure.

use crate::protocol::scope::Scope;
use crate::reach::check::{Mark, Step};
use std::net::{IpAddr, SocketAddr};

/// The addresses of one host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// From which it has connected.
    pub(super) local: IpAddr,
    /// From which the tracker says that the connection comes.
    pub(super) seen: Option<IpAddr>,
    /// That of the field `ip`.
    pub(super) named: Option<IpAddr>,
    /// The port that players join.
    pub(super) port: u16,
    /// The family of addresses is one that somebody has chosen.
    pub(super) is_chosen: bool,
}

impl Place {
    /// Where it is to be listed, if that is known.
    pub(super) fn listed(self) -> Option<SocketAddr> {
        let ip = self.named.or(self.seen)?;
        Some(SocketAddr::new(ip.to_canonical(), self.port))
    }

    /// True if this may be the entry of this game server.
    pub(super) fn may_be(self, entry: SocketAddr) -> bool {
        match self.listed() {
            Some(listed) => listed == entry,
            None => self.port == entry.port(),
        }
    }

    /// True if a router or a proxy is in between, or the game server is at another address than the one
    /// that it speaks from.
    pub(super) fn is_elsewhere(self) -> bool {
        let local = Some(self.local.to_canonical());
        self.listed().map(|listed| listed.ip()) != local
    }

    /// The steps of the addresses.
    pub(super) fn steps(self) -> Vec<Step> {
        let mut steps = vec![self.of_seen()];
        if let Some(named) = self.named {
            steps.push(match Some(named) == self.seen {
                true => Step::well(format!("{named} is also what you name with ip=.")),
                false => Step::aside(
                    format!(
                        "You name another address, ip={named}: the tracker sends a datagram there, \
                         and lists it when that is answered (or at once if it trusts you)."
                    ),
                    "",
                ),
            });
        }
        steps
    }

    fn of_seen(self) -> Step {
        let (local, port) = (self.local.to_canonical(), self.port);
        let Some(seen) = self.seen else {
            let found = "The tracker does not say at which address it sees this host.";
            return Step::aside(found, "");
        };
        if seen != local {
            return Step::aside(
                format!(
                    "The tracker sees this host at {seen}, and its own address is {local}: a router \
                     (NAT) or a proxy is in between."
                ),
                format!(
                    "Players reach the game only if the router passes port {port} on to this host: \
                     UDP, and TCP if the game uses it."
                ),
            );
        }
        match Scope::of(seen) {
            Some(scope @ (Scope::Machine | Scope::Network)) => Step::aside(
                format!(
                    "The tracker sees this host at {seen}: {} reach that.",
                    scope.who()
                ),
                "For others, name the address that they reach: ip=ADDRESS.",
            ),
            _ => Step::new(
                Mark::Well,
                format!("The tracker sees this host at its own address, {seen}."),
                match seen.is_ipv6() && !self.is_chosen && self.named.is_none() {
                    true => "That is IPv6: if the game listens on IPv4 only, add --ipv4.",
                    false => "",
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(local: &str, seen: &str, named: &str) -> Place {
        Place {
            local: local.parse().unwrap(),
            seen: seen.parse().ok(),
            named: named.parse().ok(),
            port: 23460,
            is_chosen: false,
        }
    }

    #[test]
    fn the_two_views_of_a_host_are_compared() {
        for (local, seen, mark, part) in [
            (
                "198.51.100.7",
                "198.51.100.7",
                Mark::Well,
                "its own address, 198.51.100.7",
            ),
            ("2001:db8::7", "2001:db8::7", Mark::Well, "2001:db8::7"),
            (
                "127.0.0.1",
                "127.0.0.1",
                Mark::Aside,
                "only players on the same machine",
            ),
            (
                "10.0.0.7",
                "10.0.0.7",
                Mark::Aside,
                "only players in the same network",
            ),
            (
                "192.168.1.5",
                "198.51.100.7",
                Mark::Aside,
                "a router (NAT) or a proxy",
            ),
            ("192.168.1.5", "", Mark::Aside, "does not say"),
        ] {
            let steps = place(local, seen, "").steps();
            assert_eq!((steps.len(), steps[0].mark), (1, mark), "{steps:?}");
            assert!(steps[0].found.contains(part), "{steps:?}");
        }
        let nat = place("192.168.1.5", "198.51.100.7", "").steps();
        assert!(nat[0].advice.contains("passes port 23460 on"), "{nat:?}");
        let six = place("2001:db8::7", "2001:db8::7", "");
        assert!(six.steps()[0].advice.contains("--ipv4"));
        let chosen = Place {
            is_chosen: true,
            ..six
        };
        assert_eq!(chosen.steps()[0].advice, "");
        let mapped = place("::ffff:198.51.100.7", "198.51.100.7", "");
        assert_eq!(mapped.steps()[0].mark, Mark::Well);
    }

    #[test]
    fn a_named_address_is_where_it_is_listed() {
        let named = place("198.51.100.7", "198.51.100.7", "203.0.113.9");
        assert_eq!(named.listed(), "203.0.113.9:23460".parse().ok());
        assert!(named.is_elsewhere());
        let steps = named.steps();
        assert_eq!(steps[1].mark, Mark::Aside);
        assert!(steps[1].found.contains("ip=203.0.113.9"), "{steps:?}");
        let same = place("198.51.100.7", "198.51.100.7", "198.51.100.7");
        assert_eq!(same.steps()[1].mark, Mark::Well);
        assert!(!same.is_elsewhere());
    }

    #[test]
    fn an_entry_that_may_be_ours_is_known() {
        let [ours, other, far] = ["198.51.100.7:23460", "198.51.100.7:1", "203.0.113.9:23460"]
            .map(|address| address.parse().unwrap());
        let known = place("198.51.100.7", "198.51.100.7", "");
        assert_eq!(
            [ours, other, far].map(|it| known.may_be(it)),
            [true, false, false]
        );
        let unknown = place("192.168.1.5", "", "");
        assert_eq!(
            [ours, other, far].map(|it| unknown.may_be(it)),
            [true, false, true]
        );
    }
}
