//! A game server that is wanted, and where it stands.

use super::link::Link;
use crate::protocol::fields::Infos;
use crate::protocol::scope::Scope;
use std::net::SocketAddr;
use std::time::Instant;

/// Fields that the tracker has refused.
pub(super) type Avoided = Vec<(String, String)>;

/// Where a game server stands.
#[derive(Debug)]
pub(super) enum State {
    /// In the queue before the gate, with this ticket.
    Queued(u64),
    /// It is tried again later.
    Resting,
    /// Another login has its address. It is looked at again when that is gone from the list, or then.
    Taken(Instant),
    /// Somebody connects for it.
    Dialing,
    /// It has a connection. The flag says that the gate counts it.
    Linked(Box<Link>, bool),
}

/// A game server that is wanted.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is; `None` once it is not wanted any more.
    pub(super) wanted: Option<Infos>,
    /// What the tracker has refused of it.
    pub(super) avoided: Avoided,
    pub(super) state: State,
    /// Its place in the agenda.
    pub(super) due: Option<Instant>,
    /// When its last connection ended.
    pub(super) ended: Option<Instant>,
    /// True if the log says that it is not listed.
    pub(super) is_said: bool,
    /// True if the tracker has refused it for want of trust.
    pub(super) is_distrusted: bool,
}

impl Entry {
    /// One that nothing was done for yet.
    pub(super) fn new(wanted: Infos) -> Self {
        Self {
            wanted: Some(wanted),
            avoided: Vec::new(),
            state: State::Resting,
            due: None,
            ended: None,
            is_said: false,
            is_distrusted: false,
        }
    }
}

/// The fields of the game server at `address`, as it logs in with them.
///
/// # Errors
/// Why nobody could be listed with them.
pub(super) fn complete(address: SocketAddr, mut infos: Infos) -> Result<Infos, String> {
    let ip = address.ip().to_canonical();
    if Scope::of(ip).is_none() {
        return Err(format!("nobody can be at {ip}"));
    }
    let set = infos
        .set("ip", &ip.to_string())
        .and_then(|()| infos.set("port", &address.port().to_string()))
        .and_then(|()| infos.check_complete());
    set.map_err(|no| no.text).map(|()| infos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    #[test]
    fn the_address_is_a_part_of_the_fields_if_somebody_can_be_there() {
        let infos = Infos::default().with(&Changes::parse("map=x port=5 ip=10.0.0.1").unwrap());
        let complete = |address: &str| complete(address.parse().unwrap(), infos.clone());
        let listed = complete("[::ffff:198.51.100.7]:9").unwrap();
        assert_eq!(listed.to_string(), "ip=198.51.100.7 port=9 map=x");
        for nobody in ["0.0.0.0:9", "224.0.0.1:9", "198.51.100.7:0", "[ff02::1]:9"] {
            assert!(complete(nobody).is_err(), "{nobody}");
        }
    }
}
