//! What the benches share, one room per subject.
//!
//! - [`run`]: how long a bench is to take, and its way out.
//! - [`process`]: a child process, and what it takes of the machine.
//! - [`queue`]: longer accept queues.
//! - [`tracker`]: what is measured. [`bare`]: what it is compared with. [`haproxy`]: what is
//!   in front of both.
//! - [`fleet`]: game servers that stay on the list. [`updates`]: what they say meanwhile.
//!   [`holder`]: who holds their connections. [`stage`]: a tracker with those, which change.
//! - [`load`]: clients that ask. [`questions`]: those who each ask something else. [`audience`]: connections to which many are sent the same.
//!   [`redis`]: who sends that too. [`replica`]: the list as a client keeps it.
//! - [`turns`]: rounds in which everybody has a turn. [`report`]: the figures that come of them.
//! - [`games`]: game servers that answer pings.
//! - [`memory`]: what the kernel keeps.
//! - [`sample`]: game servers as they are.

pub(crate) mod audience;
pub(crate) mod bare;
pub(crate) mod fleet;
pub(crate) mod games;
pub(crate) mod haproxy;
pub(crate) mod holder;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod questions;
pub(crate) mod queue;
pub(crate) mod redis;
pub(crate) mod replica;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod stage;
pub(crate) mod tracker;
pub(crate) mod turns;
pub(crate) mod updates;
