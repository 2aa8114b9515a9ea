//! How a tracker is reached that somebody has named: what game servers and players have in common.
//!
//! In reading order: `memory` is which of its addresses are tried, and in which order, `address`
//! how `HOST[:PORT]` is written, `dial` how a name becomes a connection that is answered, and `throttle`
//! how much a tracker may say in a second. The first and the last are pure.

mod memory;

mod address;

mod dial;

mod throttle;

pub use address::{Address, NotAnAddress};
pub(crate) use dial::{Dial, Reached};
pub use memory::Family;
pub(crate) use throttle::Throttle;
