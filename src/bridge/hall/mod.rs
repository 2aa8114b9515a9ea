//! What a door needs. In reading order: `counters` count what happens, `listen` opens sockets, and
//! `door` is what a door is.

mod counters;

pub mod listen;

mod door;

pub use counters::{Counter, Counters};
pub use door::{Door, DoorError, Hall, Opened};
