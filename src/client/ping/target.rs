//! Where and how a game server is pinged, and what came of it. Pure.

use crate::protocol::fields::Infos;
use crate::query::{Kind, Status};
use std::net::SocketAddr;
use std::time::Duration;

/// A game server that answers later than this is too far away to play on; a figure of GLtron's.
pub(crate) const TOO_FAR: Duration = Duration::from_millis(400);

/// The fields that an answer may say anew. All others are the admin's.
pub(crate) const REFRESHED: [&str; 3] = ["nbplayers", "maxplayers", "map"];

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
            status: None,
        }
    }

    /// Puts what the answer says in place of what a tracker lists: players, places and map, where the answer
    /// has them. Returns which.
    pub(crate) fn refresh(&self, infos: &mut Infos) -> Vec<&'static str> {
        let fields = self.status.iter().flat_map(|status| status.fields());
        fields
            .filter(|(key, value)| REFRESHED.contains(key) && !value.is_empty())
            .filter(|(key, value)| infos.set(key, value).is_ok())
            .map(|(key, _)| key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    #[test]
    fn what_an_answer_says_replaces_what_changes_while_people_play() {
        let fields = "port=5 nbplayers=1 maxplayers=8 map=old description=mine query=quake3";
        let mut infos = Infos::default().with(&Changes::parse(fields).unwrap());
        let mut ping = Ping::none(Target::of("192.0.2.1:5".parse().unwrap(), &infos));
        assert!(ping.refresh(&mut infos).is_empty());
        ping.status = Some(Box::new(Status {
            players: Some(3),
            map: Some("new town".to_owned()),
            name: Some("theirs".to_owned()),
            game: Some("theirs".to_owned()),
            ..Status::default()
        }));
        assert_eq!(ping.refresh(&mut infos), ["nbplayers", "map"]);
        assert_eq!(
            infos.to_string(),
            "port=5 nbplayers=3 maxplayers=8 description=mine query=quake3 map=\"new town\""
        );
    }
}
