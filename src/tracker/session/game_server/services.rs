//! What a session with a game server needs from the tracker around it.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Taken;
use crate::tracker::session::limits::Timings;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

/// What the session needs from the tracker around it.
pub trait Services {
    /// The address that the game server connects from.
    fn peer_ip(&self) -> IpAddr;
    /// True for a peer that may name another `ip` and send as many lines as it likes.
    fn is_trusted(&self) -> bool;
    /// What `password` stands for, if it is valid.
    fn verify(&self, password: &str) -> Option<Credential>;
    /// What the key `name` stands for, if `mac` shows that the peer knows its secret.
    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential>;
    /// A number that nobody can guess.
    fn challenge_number(&self) -> u64;
    /// Sends a number to `target` in a datagram. False if too many are being sent to that host, for the
    /// peer, or in all.
    fn send_proof(&self, number: u64, target: SocketAddr, now: Instant) -> bool;
    /// What came of the proof that was sent to `target`.
    fn proven(&self, target: SocketAddr, is_reachable: bool);
    /// True while steps must be quick, because many others are logging in.
    fn is_crowded(&self) -> bool;
    /// The entry that this connection has on the list; `None` once it was taken over by another.
    fn entry(&self) -> Option<Arc<Entry>>;
    /// The entry that `entry` would take over from a game server that is not connected to this tracker.
    fn absent(&self, entry: &Entry) -> Option<Arc<Entry>>;
    /// Fails if `entry` is at an address where somebody else is listed, or where nobody may be.
    ///
    /// # Errors
    /// `taken` or `banned`.
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal>;
    /// Puts this connection's entry on the list, or a new one in place of the old.
    ///
    /// # Errors
    /// `taken`, `busy` or `too-many`; nothing has changed then.
    fn put(&self, entry: Entry) -> Result<(), Refusal>;
    /// Takes this connection's entry off the list; nothing happens if it has none.
    fn leave(&self);
    /// One line of counters, if this peer may see them.
    fn stats(&self) -> Option<String>;
}

/// Told to a game server that names an ip:port which somebody else holds.
pub fn taken(address: SocketAddr, why: Taken) -> Refusal {
    let text = match why {
        Taken::ByAnother => format!("{address} is listed with another credential"),
        // A ghost of its own is gone after that time.
        Taken::FromElsewhere => format!(
            "{address} is listed by a login with the same credential from another address; wait {} s",
            Timings::default().drop_after.as_secs()
        ),
    };
    Refusal::new(ErrorCode::Taken, text)
}

/// Told to the connection whose entry a newer login has replaced.
pub fn taken_over(address: SocketAddr) -> Refusal {
    Refusal::new(
        ErrorCode::Taken,
        format!("another login took over {address}"),
    )
}
