//! What a player's program finds out: the list of one address of a tracker, and who answers a ping.

use crate::client::ask::fetch_within;
use crate::client::ping::{Limits, Ping, Pinger, Target};
use crate::client::replica::{Conditions, Doubt, Error, KnownList};
use crate::client::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use crate::reach::check::ANSWER_TIME;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// How long all pings may take together: twice the time after which one that does not answer at all is
/// given up.
const PINGS_TIME: Duration = Duration::from_secs(4);

/// What the tracker at this address lists.
pub(super) fn ask(address: SocketAddr) -> Result<KnownList, Error> {
    let tracker = TrackerAddress::new(address);
    fetch_within(ANSWER_TIME, &tracker, &Conditions::default())
}

/// The game servers that the tracker at this address lists, or why there is no list.
///
/// # Errors
/// A text for a person.
pub fn list(address: SocketAddr) -> Result<Vec<(SocketAddr, Infos)>, String> {
    let list = ask(address).map_err(|error| error.to_string())?;
    let entries = list.iter().map(|(address, infos)| (address, infos.clone()));
    Ok(entries.collect())
}

/// What speaks against an entry for players who have reached the tracker at that address.
pub fn doubt(address: SocketAddr, infos: &Infos, tracker: IpAddr) -> Option<&'static str> {
    Doubt::of(address.ip(), infos, Some(tracker)).map(Doubt::text)
}

/// Pings the game server of this entry; the mean, if there was an answer.
pub fn ping(address: SocketAddr, infos: &Infos) -> Option<Duration> {
    let pings = ping_all(vec![Target::of(address, infos)]);
    pings.into_iter().find_map(|ping| ping.mean)
}

/// Pings these game servers, all at the same time.
pub(super) fn ping_all(targets: Vec<Target>) -> Vec<Ping> {
    let until = Instant::now() + PINGS_TIME;
    let (results, received) = channel();
    let on_ping = move |ping| {
        // Nobody may be waiting any more.
        let _ = results.send(ping);
    };
    let limits = Limits {
        in_flight: targets.len(),
        ..Limits::default()
    };
    let pinger = Pinger::start(limits, on_ping);
    let mut pings: Vec<Ping> = targets.into_iter().map(Ping::none).collect();
    if let Ok(pinger) = &pinger {
        pings.iter().for_each(|ping| pinger.ping(ping.target));
    }
    for _ in 0..pings.len() {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(ping) = received.recv_timeout(left) else {
            break;
        };
        if let Some(place) = pings.iter_mut().find(|it| it.target == ping.target) {
            *place = ping;
        }
    }
    pings
}
