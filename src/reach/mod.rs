//! How a tracker is reached that somebody has named: what game servers and players have in common.
//!
//! In reading order: `memory` is which of its addresses are tried, and in which order, `address`
//! how `HOST[:PORT]` is written, `dial` how a name becomes a connection that is answered. The first is
//! pure.

mod address;
mod dial;
mod memory;

pub use address::{Address, NotAnAddress};
pub(crate) use dial::{Reached, is_answer};
pub use memory::Family;
