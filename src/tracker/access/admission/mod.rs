//! Who may hold a slot.
//!
//! - [`denied`]: why a newcomer is refused.
//! - `slot_table`: the connections of one class, and whom a full class drops for a newcomer.
//! - [`slots_in_use`]: the slots of all classes, and who gets one.
//! - `moves`: how a connection moves on to a slot of another class.

pub mod denied;

mod slot_table;

pub mod slots_in_use;

mod moves;

pub use denied::Denied;
pub use slot_table::Newcomer;
pub(crate) use slots_in_use::SlotOf;
pub use slots_in_use::{Admission, Caps, host_cap};
