//! What the threads share, and its locks.

pub(crate) mod tuning;

pub mod log;

pub mod stats;

pub mod current;

pub mod udp_probe;

pub mod hidden_servers;

pub mod connection;

pub(crate) mod answers;

pub(crate) mod watched;

pub(crate) mod wake;

pub(crate) mod shared;

pub(crate) mod slot_guard;

pub(crate) mod session_context;

pub(crate) use log::lasting;
