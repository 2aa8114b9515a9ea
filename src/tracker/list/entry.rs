//! One game server on the list.
//!
//! Its fields are spelled as the line that everybody is sent.

use crate::protocol::fields::Infos;
use crate::tracker::access::identity::Credential;
use std::net::{IpAddr, SocketAddr};

/// One game server on the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where players join: the address that it logged in from or has proven, and the port that it named.
    pub address: SocketAddr,
    /// Where it logged in from.
    pub peer: IpAddr,
    /// Its fields as the list shows them: what it said, and the tracker's own words.
    pub infos: Infos,
    /// What it logged in with.
    pub credential: Credential,
    /// True if its owner is another tracker.
    pub is_elsewhere: bool,
}

impl Entry {
    /// The entry of a game server that connects from `peer` and said `infos`. It is at the `ip` in them, or
    /// else at `peer`. `None` if they have no port.
    pub fn new(peer: IpAddr, mut infos: Infos, credential: Credential) -> Option<Self> {
        let peer = peer.to_canonical();
        let named = infos.get("ip").and_then(|ip| ip.parse().ok());
        let ip = named.unwrap_or(peer);
        let address = SocketAddr::new(ip, infos.number("port")?);
        if named.is_none() {
            infos.set("ip", &ip.to_string()).ok()?;
        }
        Some(Self {
            address,
            peer,
            infos,
            credential,
            is_elsewhere: false,
        })
    }

    /// True if it was listed before the tracker was restarted, and has not logged in since, or if nothing is
    /// heard of its owner. No game server can say `stale` itself.
    pub fn is_stale(&self) -> bool {
        self.infos.get("stale").is_some()
    }

    /// Its INFOS line with the LF, in pieces.
    pub fn line(&self) -> [&str; 3] {
        ["INFOS", self.infos.spelled(), "\n"]
    }
}
