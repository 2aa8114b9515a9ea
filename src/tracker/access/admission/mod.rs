//! Who may hold a slot.
//!
//! - [`denied`]: why a newcomer is refused.
//! - `slot_table`: the connections of one class, and whom a full class drops for a newcomer.
//! - [`slots_in_use`]: the rules of all classes together.

pub mod denied;

mod slot_table;

pub mod slots_in_use;

pub use denied::Denied;
pub use slot_table::Newcomer;
pub use slots_in_use::{Admission, Caps, host_cap};
