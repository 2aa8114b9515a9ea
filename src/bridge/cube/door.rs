//! How the door is opened.

use super::dialect::{Dialect, WORD};
use super::service::Service;
use crate::base::log::lasting;
use crate::base::threads;
use crate::bridge::hall::{Door, DoorError, Hall, Opened, listen};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::ops::ControlFlow;

/// How often another port is tried where any will do, and the one that was had for connections is not
/// free for datagrams.
const TRIES: usize = 20;

/// The door of the Cube family at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where it listens: by TCP, and by UDP at the same port.
    pub at: SocketAddr,
    /// The game of those who come. `None`: each dialect is the game that it is named after, and Cube 2's
    /// is Sauerbraten's.
    pub game: Option<String>,
}

impl Door for Options {
    fn word(&self) -> &'static str {
        WORD
    }

    fn open(self: Box<Self>, hall: &Hall) -> Result<Opened, DoorError> {
        let sockets = sockets(self.at).map_err(|error| DoorError::Listen(self.at, error))?;
        let (mut at, is_alone) = (Vec::new(), sockets.len() == 1);
        for (listener, socket) in sockets {
            at.push(listener.local_addr().unwrap_or(self.at));
            let service = Service::new(hall, listener, socket, is_alone, self.game.clone());
            start(
                service.map_err(|error| DoorError::Listen(self.at, error))?,
                hall,
            )?;
        }
        let guide = guide(&at, self.game.as_deref());
        Ok(Opened { at, guide })
    }
}

fn start(mut service: Service, hall: &Hall) -> Result<(), DoorError> {
    let turn = move || {
        service.turn();
        ControlFlow::Continue(())
    };
    lasting::start(WORD, threads::STACK, &hall.log, turn)
        .map(drop)
        .map_err(DoorError::Thread)
}

/// For each family a listener, and a socket for datagrams at the same port.
fn sockets(at: SocketAddr) -> io::Result<Vec<(TcpListener, UdpSocket)>> {
    let pair = |listener: TcpListener| {
        let socket = UdpSocket::bind(listener.local_addr()?)?;
        Ok((listener, socket))
    };
    let all = || {
        listen::tcp(at)?
            .into_iter()
            .map(pair)
            .collect::<io::Result<Vec<_>>>()
    };
    let mut pairs = all();
    for _ in 0..TRIES {
        match &pairs {
            Err(error) if at.port() == 0 && error.kind() == ErrorKind::AddrInUse => pairs = all(),
            _ => break,
        }
    }
    pairs
}

fn guide(at: &[SocketAddr], game: Option<&str>) -> String {
    let Some(at) = at.first() else {
        return String::new();
    };
    let mut games = Dialect::ALL.map(|dialect| dialect.game(game)).to_vec();
    games.dedup();
    let port = at.port();
    format!(
        "Cube family at {at} (game={}):\n  \
         Sauerbraten, server-init.cfg, and a player's console: mastername HOST; masterport {port}\n  \
         Red Eclipse, servinit.cfg, and a player's console: servermaster HOST; servermasterport {port}\n  \
         its list: printf 'list\\n' | nc HOST {port}\n",
        games.join(", ")
    )
}
