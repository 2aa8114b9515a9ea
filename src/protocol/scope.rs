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
    /// One network, behind its router: private (RFC 1918), unique local (RFC 4193) and link-local
    /// addresses, and those that a provider shares out (RFC 6598).
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
        match ip.octets() {
            // Unspecified, reserved for protocols (RFC 6890), multicast, reserved and broadcast.
            [0 | 224..=255, ..] | [192, 0, 0, _] => None,
            [127, ..] => Some(Self::Machine),
            // Benchmarks of networks (RFC 2544).
            [198, 18 | 19, ..] => Some(Self::Network),
            _ if ip.is_private() || is_shared || ip.is_link_local() => Some(Self::Network),
            _ => Some(Self::World),
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Option<Self> {
        match ip.segments() {
            _ if ip == Ipv6Addr::LOCALHOST => Some(Self::Machine),
            // An IPv4 address written as IPv6 (RFC 4291, 2765, 6052, 8215) is nobody's address; 100::
            // discards what is sent there (RFC 6666).
            [0 | 0x64 | 0x100 | 0xff00..=0xffff, ..] => None,
            // The router of that IPv4 address (RFC 3056).
            [0x2002, high, low, ..] => {
                let ip = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
                Self::of_v4(ip)
            }
            // Unique local, link-local, and site-local as it was once (RFC 3879).
            [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] => Some(Self::Network),
            _ => Some(Self::World),
        }
    }

    /// Who that is, in words.
    pub(crate) fn who(self) -> &'static str {
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
                "0.0.0.0 0.1.2.3 192.0.0.8 :: ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 \
                 100::1 2002:e000:1::1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1",
            ),
            (
                Some(Scope::Machine),
                "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1",
            ),
            (
                Some(Scope::Network),
                "169.254.0.1 169.254.255.255 fe80::1 febf::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.255.255 100.64.0.1 100.127.255.255 \
                 198.19.0.1 fc00::1 fdff::1 fec0::1 2002:a00:1::1 ::ffff:10.0.0.1",
            ),
            (
                Some(Scope::World),
                "1.1.1.1 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 192.0.2.1 \
                 192.0.1.1 198.17.0.1 198.20.0.1 223.255.255.255 200::1 2001:db8::1 2002:c633:6407::1",
            ),
        ] {
            for ip in addresses.split_whitespace() {
                assert_eq!(Scope::of(ip.parse().unwrap()), scope, "{ip}");
            }
        }
    }
}
