//! How near game servers are, measured from here.
//!
//! In reading order: `target` is where and how a game server is pinged, and what comes of it; `schedule`
//! decides what is sent when; `queue` has the entries of a list that changes, which wait for that; `questions`
//! writes and reads the datagrams; all these are pure.
//! `room` waits where the machine has none for one more socket. `connections` measures those that are asked
//! by TCP, and `pinger` has the sockets and the threads.

mod target;

mod schedule;

mod queue;

mod questions;

mod room;

mod connections;

mod pinger;

pub use pinger::Pinger;
pub use queue::Queue;
pub use schedule::Limits;
pub use target::{Ping, Target};
pub(crate) use target::{TOO_FAR, TOO_LATE};
