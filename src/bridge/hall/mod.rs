//! What a door needs. In reading order: `counters` count what happens, `listen` opens sockets, `address` is
//! how sockets write addresses, and `door` is what a door is.

mod counters;

pub mod listen;

pub(super) mod address;

mod door;

pub use counters::{Counter, Counters};
pub use door::{Door, DoorError, Hall, Opened};
