//! What the threads share, and its locks.

pub mod log;

pub mod stats;

pub mod current;

pub mod sockets;

pub mod hidden_servers;

pub(crate) mod answers;

pub(crate) mod shared;

pub(crate) mod slot_guard;

pub(crate) mod session_context;

pub(crate) use log::lasting;
