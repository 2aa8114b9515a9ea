//! What the operator reads: one `key=value` line for each event. Each file imports only from those above it.

mod time;

mod format;

mod writer;

mod handle;

pub(crate) mod lasting;

pub use format::Level;
pub use handle::Log;
pub(crate) use time::push_time;
