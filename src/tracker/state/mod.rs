//! What the threads share, and its locks.

pub mod answers;
pub mod connection;
pub mod current;
pub mod log;
pub mod outsiders;
pub mod random;
pub mod session_context;
pub mod shared;
pub mod stats;
pub mod udp_probe;

pub(crate) use log::lasting;
