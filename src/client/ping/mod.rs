//! How near game servers are, measured from here.
//!
//! In reading order: `schedule` decides what is sent when, and is pure; `pinger` has the sockets and
//! the threads.

mod schedule;

mod pinger;

pub(crate) use pinger::TOO_FAR;
pub use pinger::{Pinger, target};
pub use schedule::{Limits, Ping};
