//! Addresses as limits see them.
//!
//! Some bits of an address name one host, fewer name the network around it. Whoever has one IPv6 address
//! has at least the 2^64 of its subnet, and often 65,536 such subnets; whoever can rent one IPv4 address
//! can often rent its neighbours.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses: those that begin with the same bits.
///
/// ```
/// use gltracker::tracker::access::network::Network;
/// let network: Network = "192.0.2.0/24".parse().unwrap();
/// assert!(network.contains("192.0.2.77".parse().unwrap()));
/// assert!(network.contains("::ffff:192.0.2.77".parse().unwrap()));
/// assert!(!network.contains("192.0.3.1".parse().unwrap()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    /// The first address of the range.
    pub(super) first: IpAddr,
    /// How many bits all addresses of the range have in common.
    bits: u8,
}

impl Network {
    /// The range of addresses that share their first `bits` with `ip`. IPv4-mapped IPv6 addresses
    /// count as IPv4.
    pub(crate) fn around(ip: IpAddr, bits: u8) -> Self {
        let first = match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & mask))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask))
            }
        };
        Self { first, bits }
    }

    /// One host: an IPv4 address, or an IPv6 /64.
    pub(crate) fn host(ip: IpAddr) -> Self {
        Self::around(ip, if ip.to_canonical().is_ipv4() { 32 } else { 64 })
    }

    /// The network around a host, its *group*: an IPv4 /24, or an IPv6 /48.
    pub(crate) fn group(ip: IpAddr) -> Self {
        Self::around(ip, if ip.to_canonical().is_ipv4() { 24 } else { 48 })
    }

    /// The networks that a host is in, the widest first, down to the host itself. Whoever has an
    /// IPv6 /48 hands out /56 to his customers.
    pub(crate) fn nested(ip: IpAddr) -> [Self; 3] {
        let bits = if ip.to_canonical().is_ipv4() { 32 } else { 56 };
        [Self::group(ip), Self::around(ip, bits), Self::host(ip)]
    }

    /// How many bits the addresses of the range have in common.
    pub(crate) fn bits(self) -> u8 {
        self.bits
    }

    /// True for a range of IPv4 addresses.
    pub(crate) fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// True if `ip` is in the range.
    pub fn contains(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.first.is_ipv4() && Self::around(ip, self.bits) == self
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_and_groups_are_as_wide_as_they_should_be() {
        assert_eq!(Network::host(ip("192.0.2.77")).to_string(), "192.0.2.77/32");
        assert_eq!(Network::group(ip("192.0.2.77")).to_string(), "192.0.2.0/24");
        assert_eq!(
            Network::host(ip("2001:db8:1:2:3:4:5:6")).to_string(),
            "2001:db8:1:2::/64"
        );
        assert_eq!(
            Network::group(ip("2001:db8:1:2:3:4:5:6")).to_string(),
            "2001:db8:1::/48"
        );
        let mapped = ip("::ffff:192.0.2.77");
        assert_eq!(Network::host(mapped), Network::host(ip("192.0.2.77")));
        assert_eq!(Network::group(mapped), Network::group(ip("192.0.2.1")));
    }

    #[test]
    fn the_whole_of_one_family_is_not_the_other() {
        let all_v4: Network = "0.0.0.0/0".parse().unwrap();
        let all_v6: Network = "::/0".parse().unwrap();
        assert!(all_v4.contains(ip("203.0.113.9")) && !all_v4.contains(ip("2001:db8::1")));
        assert!(all_v6.contains(ip("2001:db8::1")) && !all_v6.contains(ip("203.0.113.9")));
        assert!(all_v4.contains(ip("::ffff:203.0.113.9")));
    }

    quickcheck! {
        fn a_network_contains_what_shares_its_bits(a: u32, b: u32, bits: u8) -> bool {
            let bits = bits % 33;
            let (one, other) = (IpAddr::V4(a.into()), IpAddr::V4(b.into()));
            let same = bits == 0 || (a ^ b) >> (32 - bits) == 0;
            Network::around(one, bits).contains(other) == same
                && Network::around(one, bits).contains(one)
        }
    }
}
