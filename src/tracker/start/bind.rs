//! Opening a port.

use crate::tracker::start::error::StartError;
use crate::tracker::threads::accept::acceptor;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

/// Listens on `asked`, or on `port` of all addresses. Connections have `write` to take what is sent.
pub(super) fn open(
    asked: Option<SocketAddr>,
    port: u16,
    write: Duration,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = listen(asked, port)?;
    let listener = acceptor::preset(listener, write).map_err(StartError::Thread)?;
    let unknown = || asked.unwrap_or(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    let address = listener.local_addr();
    let address = address.map_err(|error| StartError::Bind(unknown(), error))?;
    Ok((listener, address))
}

/// Listens on `asked`, or on `port` of all addresses: of both families where there is IPv6.
fn listen(asked: Option<SocketAddr>, port: u16) -> Result<TcpListener, StartError> {
    if let Some(address) = asked {
        return TcpListener::bind(address).map_err(|error| StartError::Bind(address, error));
    }
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let all_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match TcpListener::bind(all) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::Bind(all, error)),
        Err(_) => TcpListener::bind(all_v4).map_err(|error| StartError::Bind(all_v4, error)),
    }
}
