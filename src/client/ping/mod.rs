//! How near game servers are, measured from here.
//!
//! In reading order: `schedule` is what is sent when, and pure; `pinger` the sockets and threads.

mod schedule;

mod pinger;

pub(crate) use pinger::TOO_FAR;
pub use pinger::{Pinger, target};
pub use schedule::{Limits, Ping};
