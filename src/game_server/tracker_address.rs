//! Where a tracker waits for game servers.

use crate::reach::Address;

/// The port where trackers expect game servers, by tradition.
pub const TRACKER_PORT: u16 = 23470;

/// A tracker's port for game servers: `HOST[:PORT]`, IPv6 in brackets, port [`TRACKER_PORT`] if none
/// is given.
///
/// ```
/// use gltracker::game_server::TrackerAddress;
/// let tracker: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!((tracker.host(), tracker.port()), ("tracker.example", 23470));
/// # Ok::<(), gltracker::reach::NotAnAddress>(())
/// ```
pub type TrackerAddress = Address<TRACKER_PORT>;
