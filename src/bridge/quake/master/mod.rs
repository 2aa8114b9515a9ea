//! The door as a state machine: `act` is what it does, and `machine` when.

mod act;

mod machine;

pub(super) use act::WORD;
pub use act::{Act, Event, Rules};
pub use machine::Master;
