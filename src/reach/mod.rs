//! How game servers and players reach a tracker by its name.
//!
//! In reading order: `memory` decides which of its addresses are tried, in which order; `address`
//! is how `HOST[:PORT]` is written; `dial` turns a name into a connection; `throttle` bounds how much
//! a tracker may say in a second; `check` says step by step what goes well and what does not. The first and
//! `throttle` are pure.

mod memory;

mod address;

mod dial;

mod throttle;

pub(crate) mod check;

pub use address::{Address, NotAnAddress};
pub(crate) use dial::{Dial, Reached, connect};
pub use memory::Family;
pub(crate) use throttle::Throttle;
