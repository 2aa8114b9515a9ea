//! What the operator reads: one `key=value` line for each event. Each file imports only from those above it.

mod time;

mod line;

mod writer;

mod handle;

pub(crate) mod lasting;

pub use handle::Log;
pub use line::Level;
pub(crate) use time::push_time;
