//! Addresses of game servers and players, whatever socket they come by.
//!
//! This file hides that a socket for both families has IPv4 addresses as IPv6, and what counts as one host.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// `address` as it is written elsewhere: IPv4 as IPv4.
pub(in crate::bridge) fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        // The zone of a link-local address stays.
        IpAddr::V6(_) => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

/// `address` as a socket has it that listens at `local`.
pub(in crate::bridge) fn at_socket(local: SocketAddr, address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if local.is_ipv6() => (ip.to_ipv6_mapped(), address.port()).into(),
        _ => address,
    }
}

/// True if a socket at `local` reaches those of the family of `ip`; `is_alone` if its door has no other, and
/// all addresses of IPv6 stand for those of IPv4 too.
pub(in crate::bridge) fn is_for(local: SocketAddr, is_alone: bool, ip: IpAddr) -> bool {
    let is_both = is_alone && local.is_ipv6() && local.ip().is_unspecified();
    is_both || local.is_ipv4() == ip.is_ipv4()
}

/// One host: an IPv4 address, or an IPv6 /64.
pub(in crate::bridge) fn host(ip: IpAddr) -> IpAddr {
    first(ip, 32, 64)
}

/// The network around a host: an IPv4 /24, or an IPv6 /48.
pub(in crate::bridge) fn group(ip: IpAddr) -> IpAddr {
    first(ip, 24, 48)
}

/// The first address of those that share so many bits with `ip`.
fn first(ip: IpAddr, of_ipv4: u32, of_ipv6: u32) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & u32::MAX << (32 - of_ipv4)).into()),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & u128::MAX << (128 - of_ipv6)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form_here_and_that_of_its_socket_there() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (v4, v6) = (address("192.0.2.7:9"), address("[2001:db8::7]:9"));
        let mapped = address("[::ffff:192.0.2.7]:9");
        assert_eq!((plain(mapped), plain(v4), plain(v6)), (v4, v4, v6));
        let zoned = address("[fe80::7%2]:9");
        assert_eq!(plain(zoned), zoned);
        let both = address("[::]:1");
        assert_eq!((at_socket(both, v4), at_socket(both, v6)), (mapped, v6));
        assert_eq!(at_socket(address("0.0.0.0:1"), v4), v4);
        let is_for = |local, is_alone| {
            let local = address(local);
            [v4, v6].map(|address| is_for(local, is_alone, address.ip()))
        };
        assert_eq!(is_for("[::]:1", true), [true, true]);
        assert_eq!(is_for("[::]:1", false), [false, true]);
        assert_eq!(is_for("0.0.0.0:1", true), [true, false]);
        assert_eq!(is_for("[2001:db8::1]:1", true), [false, true]);
    }

    #[test]
    fn hosts_and_groups_are_as_wide_as_they_should_be() {
        for (text, its_host, its_group) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.0"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.0"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::", "2001:db8:1::"),
        ] {
            let ip = text.parse().unwrap();
            let seen = (host(ip).to_string(), group(ip).to_string());
            assert_eq!(seen, (its_host.to_owned(), its_group.to_owned()), "{text}");
        }
    }
}
