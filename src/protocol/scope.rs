//! How far an address reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can reach an address, the fewest first.
///
/// ```
/// use gltracker::protocol::scope::Scope;
/// let of = |ip: &str| Scope::of(ip.parse().unwrap());
/// assert_eq!(of("192.168.7.2"), Some(Scope::Network));
/// assert_eq!(of("2001:db8::7"), Some(Scope::World));
/// assert_eq!(of("224.0.0.1"), None);
/// assert!(Scope::Machine < Scope::World);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// This machine: loopback.
    Machine,
    /// One network, behind its router: private addresses (RFC 1918), those that a provider shares out
    /// (RFC 6598), unique local (RFC 4193) and link-local ones.
    Network,
    /// Everybody.
    World,
}

impl Scope {
    /// Who can reach `ip`; `None` if that is nobody's address: unspecified, broadcast, multicast, or
    /// of a range that is given to nobody.
    pub fn of(ip: IpAddr) -> Option<Self> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Option<Self> {
        let is_shared = matches!(ip.octets(), [100, 64..=127, ..]);
        match ip.octets()[0] {
            0 | 224.. => None,
            127 => Some(Self::Machine),
            _ if ip.is_private() || is_shared || ip.is_link_local() => Some(Self::Network),
            _ => Some(Self::World),
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Option<Self> {
        if ip.is_unspecified() || ip.is_multicast() {
            return None;
        }
        Some(match ip {
            Ipv6Addr::LOCALHOST => Self::Machine,
            _ if ip.is_unique_local() || ip.is_unicast_link_local() => Self::Network,
            _ => Self::World,
        })
    }

    /// Who that is, in words.
    pub fn who(self) -> &'static str {
        match self {
            Self::Machine => "only players on the same machine",
            Self::Network => "only players in the same network",
            Self::World => "everybody",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_its_scope() {
        for (scope, addresses) in [
            (
                None,
                "0.0.0.0 0.1.2.3 :: 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1",
            ),
            (
                Some(Scope::Machine),
                "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1",
            ),
            (
                Some(Scope::Network),
                "169.254.0.1 169.254.255.255 fe80::1 febf::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.255.255 100.64.0.1 100.127.255.255 \
                 fc00::1 fdff::1 ::ffff:10.0.0.1",
            ),
            (
                Some(Scope::World),
                "1.1.1.1 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 192.0.2.1 \
                 223.255.255.255 2001:db8::1 fe00::1",
            ),
        ] {
            for ip in addresses.split_whitespace() {
                assert_eq!(Scope::of(ip.parse().unwrap()), scope, "{ip}");
            }
        }
    }
}
