//! Sockets at an address, of both families where that is all addresses.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// The sockets for datagrams at `asked`. All addresses of IPv6 stand for those of IPv4 too: where the
/// system keeps the families apart there are two sockets, and where there is only one family there is
/// one.
///
/// # Errors
/// What the system says.
pub fn udp(asked: SocketAddr) -> io::Result<Vec<UdpSocket>> {
    both(asked, UdpSocket::bind, UdpSocket::local_addr)
}

/// The sockets for connections at `asked`, as with [`udp`].
///
/// # Errors
/// What the system says.
pub fn tcp(asked: SocketAddr) -> io::Result<Vec<TcpListener>> {
    both(asked, TcpListener::bind, TcpListener::local_addr)
}

fn both<S>(
    asked: SocketAddr,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
    address: impl Fn(&S) -> io::Result<SocketAddr>,
) -> io::Result<Vec<S>> {
    if asked.ip() != Ipv6Addr::UNSPECIFIED {
        return Ok(vec![bind(asked)?]);
    }
    let v4 = |port| bind((Ipv4Addr::UNSPECIFIED, port).into());
    match v4(asked.port()) {
        // A trial, to learn whether the port is in use: a socket of IPv6 alone would not tell.
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        _ => {}
    }
    let first = match bind(asked) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
        Err(_) => return Ok(vec![v4(asked.port())?]),
        Ok(first) => first,
    };
    // If the port is in use now, that is by the first, which has IPv4 as well.
    let second = v4(address(&first)?.port()).ok();
    Ok([first].into_iter().chain(second).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_of_both_families_and_a_port_is_had_once() {
        let everywhere = (Ipv6Addr::UNSPECIFIED, 0).into();
        let sockets = udp(everywhere).unwrap();
        let port = sockets[0].local_addr().unwrap().port();
        let ours = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        ours.send_to(b"x", (Ipv4Addr::LOCALHOST, port)).unwrap();
        let at = |socket: &UdpSocket| socket.local_addr().unwrap().ip();
        let hears = |ip: IpAddr| sockets.iter().any(|socket| at(socket) == ip);
        assert!(hears(Ipv6Addr::UNSPECIFIED.into()) || hears(Ipv4Addr::UNSPECIFIED.into()));
        let again = udp((Ipv6Addr::UNSPECIFIED, port).into()).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AddrInUse);
        let one = tcp((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        assert_eq!(one.len(), 1);
    }

    use std::net::IpAddr;
}
