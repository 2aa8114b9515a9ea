//! A socket that connections are accepted from, before its threads are there.

use crate::tracker::state::sockets::connection;
use std::io::{
    self,
    ErrorKind::{InvalidInput, Unsupported},
};
use std::net::{SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::OwnedFd as Socket;
#[cfg(windows)]
use std::os::windows::io::OwnedSocket as Socket;
use std::time::Duration;

/// A socket that connections are accepted from.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Who was accepted before its threads were there.
    pub(crate) first: Option<(TcpStream, SocketAddr)>,
}

impl Listener {
    /// One of the tracker's own.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            address,
            first: None,
        })
    }

    /// Finds out whether it listens, which only accepting tells: if somebody is waiting already, that is
    /// the first. From now on it waits, though its maker may have left it so that it does not, as systemd
    /// does.
    ///
    /// # Errors
    /// When nobody can be accepted from it.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        self.first = match self.socket.accept() {
            // Whoever was waiting may have gone, and there may be no descriptor at the moment.
            Err(error) if !matches!(error.kind(), InvalidInput | Unsupported) => None,
            first => Some(first?),
        };
        self.socket.set_nonblocking(false)
    }

    /// Gives it the options that its connections are to have, where they inherit them.
    ///
    /// # Errors
    /// When the system refuses one of them.
    pub(crate) fn preset(self, write: Duration) -> io::Result<Self> {
        if !connection::INHERITS {
            return Ok(self);
        }
        // A listener has no methods for this, but it is a socket as any other.
        let socket = TcpStream::from(Socket::from(self.socket));
        connection::preset(&socket, write)?;
        let socket = TcpListener::from(Socket::from(socket));
        Ok(Self { socket, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_have_the_options_of_their_listener_or_get_them() {
        let write = Duration::from_secs(5);
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = listener.preset(write).unwrap();
        let _client = TcpStream::connect(listener.address).unwrap();
        let (accepted, _) = listener.socket.accept().unwrap();
        if !connection::INHERITS {
            connection::preset(&accepted, write).unwrap();
        }
        assert!(accepted.nodelay().unwrap());
        assert_eq!(accepted.write_timeout().unwrap(), Some(write));
    }
}
