//! What the threads share, and its locks.

pub(crate) mod answers;
pub mod connection;
pub(crate) mod current;
pub(crate) mod lasting;
pub(crate) mod lock;
pub mod log;
pub(crate) mod outsiders;
pub(crate) mod session_context;
pub(crate) mod shared;
pub(crate) mod slot_guard;
pub mod stats;
pub(crate) mod tuning;
pub mod udp_probe;
pub(crate) mod wake;
pub(crate) mod watched;
