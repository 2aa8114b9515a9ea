//! Where a game server may say that it is, and where that is proven.

use crate::protocol::fields::Infos;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::scope::Scope;
use std::net::{IpAddr, SocketAddr};

/// What is known of a peer before it names anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whereabouts {
    /// Where its connection comes from, IPv4 as IPv4.
    pub(super) seen: IpAddr,
    /// It may name any address, which needs no proof.
    pub(super) is_trusted: bool,
}

impl Whereabouts {
    /// Refuses an `ip` at which no game server can be, and one that fewer people can reach than the address
    /// it is seen at: so nobody makes the tracker send datagrams into its own network.
    pub(super) fn check(self, named: &str) -> Result<(), Refusal> {
        let seen = self.seen;
        // The line was accepted, so this is an address or empty; empty names none.
        let named = named.parse::<IpAddr>().ok();
        let Some(ip) = named.filter(|ip| *ip != seen) else {
            return Ok(());
        };
        let refused = |text| Err(Refusal::new(ErrorCode::BadIp, text));
        let advice =
            format!("leave ip out to be listed at {seen}, or name the address that players reach");
        let Some(scope) = Scope::of(ip) else {
            return refused(format!("nobody can be at {ip}; {advice}"));
        };
        if !self.is_trusted && scope < Scope::of(seen).unwrap_or(Scope::World) {
            return refused(format!("{who} reach {ip}; {advice}", who = scope.who()));
        }
        Ok(())
    }

    /// Where the datagrams go that prove `infos`: to the address in them, or else to that of the peer. What
    /// a trusted peer names needs no proof.
    pub(super) fn target(self, infos: &Infos) -> SocketAddr {
        let named = infos.get("ip").filter(|_| !self.is_trusted);
        let ip = named.and_then(|ip| ip.parse().ok()).unwrap_or(self.seen);
        SocketAddr::new(ip, udp_port(infos))
    }

    /// True if `infos` name another address, which is listed only when it is proven.
    pub(super) fn is_elsewhere(self, infos: &Infos) -> bool {
        self.target(infos).ip() != self.seen
    }
}

/// The UDP port that pings and proofs go to.
pub(super) fn udp_port(infos: &Infos) -> u16 {
    infos
        .number("pingport")
        .or(infos.number("port"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    fn at(seen: &str, is_trusted: bool) -> Whereabouts {
        let seen = seen.parse().unwrap();
        Whereabouts { seen, is_trusted }
    }

    fn infos(text: &str) -> Infos {
        Infos::default().with(&Changes::parse(text).unwrap())
    }

    #[test]
    fn an_address_may_be_named_that_no_fewer_can_reach() {
        for (seen, named, is_right) in [
            ("198.51.100.7", "203.0.113.9", true),
            ("198.51.100.7", "2001:db8::9", true),
            ("198.51.100.7", "192.168.7.2", false),
            ("198.51.100.7", "fd00::9", false),
            ("198.51.100.7", "127.0.0.1", false),
            ("192.168.7.2", "10.0.0.9", true),
            ("192.168.7.2", "198.51.100.7", true),
            ("192.168.7.2", "127.0.0.1", false),
            ("127.0.0.1", "::1", true),
            ("127.0.0.1", "192.168.7.2", true),
            ("127.0.0.1", "0.0.0.0", false),
            // Nobody knows who can reach that.
            ("240.0.0.7", "192.168.7.2", false),
            ("240.0.0.7", "198.51.100.7", true),
            ("240.0.0.7", "240.0.0.7", true),
        ] {
            assert_eq!(at(seen, false).check(named).is_ok(), is_right, "{named}");
            let is_somebodys = named != "0.0.0.0";
            assert!(at(seen, false).check("").is_ok());
            assert_eq!(at(seen, true).check(named).is_ok(), is_somebodys, "{named}");
        }
    }

    #[test]
    fn a_proof_goes_to_what_is_named_unless_that_is_trusted() {
        let named = infos("ip=203.0.113.9 port=1 pingport=4000");
        let target = |seen, is_trusted, infos| at(seen, is_trusted).target(infos).to_string();
        assert_eq!(target("198.51.100.7", false, &named), "203.0.113.9:4000");
        assert_eq!(target("198.51.100.7", true, &named), "198.51.100.7:4000");
        assert_eq!(
            target("2001:db8::7", false, &infos("port=5")),
            "[2001:db8::7]:5"
        );
        assert!(at("198.51.100.7", false).is_elsewhere(&named));
        assert!(!at("203.0.113.9", false).is_elsewhere(&named));
        assert!(!at("198.51.100.7", true).is_elsewhere(&named));
    }
}
