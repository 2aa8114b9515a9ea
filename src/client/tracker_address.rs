//! Where a tracker answers clients.

use crate::reach::Address;

/// The port on which trackers answer clients.
pub const TRACKER_PORT: u16 = 23471;

/// A tracker's client port: `HOST[:PORT]`, IPv6 in brackets, port [`TRACKER_PORT`] if none is given.
///
/// ```
/// use gltracker::client::TrackerAddress;
/// let address: TrackerAddress = "tracker.example".parse()?;
/// assert_eq!(address.to_string(), "tracker.example:23471");
/// # Ok::<(), gltracker::reach::NotAnAddress>(())
/// ```
pub type TrackerAddress = Address<TRACKER_PORT>;
