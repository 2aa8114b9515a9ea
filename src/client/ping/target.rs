//! Where and how a game server is pinged, and what came of it. Pure.

use crate::protocol::fields::Infos;
use crate::query::{Kind, Status};
use std::net::SocketAddr;
use std::time::Duration;

/// A game server that answers later than this is too far away to play on; a figure of GLtron's.
pub(crate) const TOO_FAR: Duration = Duration::from_millis(400);

/// An answer that takes longer than this does not count, as PROTOCOL.md says. That there was one is known.
pub(crate) const TOO_LATE: Duration = Duration::from_secs(1);

/// Where and how a game server is pinged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Where.
    pub address: SocketAddr,
    /// The protocol of its game; `None` for `PING`.
    pub kind: Option<Kind>,
}

impl Target {
    /// How the game server at `address` with these fields is pinged: at its `pingport` if it has one, else
    /// at its port; with what `query` names, else with `PING`.
    ///
    /// ```
    /// use gltracker::client::ping::Target;
    /// use gltracker::protocol::fields::{Changes, Infos};
    /// use gltracker::query::Kind;
    /// let fields = Changes::parse("port=5 pingport=6 query=quake3").unwrap();
    /// let target = Target::of("192.0.2.1:5".parse().unwrap(), &Infos::default().with(&fields));
    /// assert_eq!((target.address.port(), target.kind), (6, Some(Kind::Quake3)));
    /// ```
    pub fn of(address: SocketAddr, infos: &Infos) -> Self {
        let port = infos.number("pingport").unwrap_or(address.port());
        let kind = infos.get("query").and_then(|word| Kind::of(&word));
        Self {
            address: SocketAddr::new(address.ip(), port),
            kind,
        }
    }

    /// True if an answer says which probe it belongs to.
    pub(super) fn has_word(self) -> bool {
        self.kind.is_none_or(Kind::has_word)
    }
}

impl From<SocketAddr> for Target {
    /// It is pinged with `PING`.
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            kind: None,
        }
    }
}

/// What was measured of one game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Where the probes went.
    pub target: Target,
    /// The mean of the answered ones; `None` if there was none. That is unknown, not zero.
    pub mean: Option<Duration>,
    /// Probes that were sent.
    pub sent: u32,
    /// Those that were answered in time; the others are lost.
    pub answered: u32,
    /// True if a datagram was answered after that time, while others were waited for.
    pub is_late: bool,
    /// What the latest answer says. An answer to `PING` says nothing.
    pub status: Option<Box<Status>>,
}

impl Ping {
    /// One that was not measured.
    pub(crate) fn none(target: Target) -> Self {
        Self {
            target,
            mean: None,
            sent: 0,
            answered: 0,
            is_late: false,
            status: None,
        }
    }

    /// `PING`s that were not answered in time. Questions of existing games do not count: those games answer
    /// only so many.
    pub(crate) fn lost(&self) -> u32 {
        match self.target.kind {
            None => self.sent.saturating_sub(self.answered),
            Some(_) => 0,
        }
    }

    /// True if all that came, came too late.
    pub(crate) fn is_too_late(&self) -> bool {
        self.is_late && self.mean.is_none()
    }

    /// How many play, if the answer says that. It goes before what a tracker lists; everything else is the
    /// admin's to say.
    pub(crate) fn players(&self) -> Option<u16> {
        self.status.as_ref()?.players
    }
}
