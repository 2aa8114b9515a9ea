//! What one peer may do: how long it may take, how many lines it may send, how many mistakes it may make.

mod timings;

mod mistakes;

mod pace;

mod patience;

pub use mistakes::MAX_MISTAKES;
pub(super) use mistakes::Mistakes;
pub(super) use pace::Pace;
pub use pace::{LINES_FOR_SECONDS, LINES_PER_SECOND, LIST_WEIGHT};
pub(super) use patience::Patience;
pub use timings::{LONGEST, SHORTEST, Setting, Timings};
