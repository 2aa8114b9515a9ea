//! What the threads share, and its locks.

pub mod log;

pub mod stats;

pub mod random;

pub mod current;

pub mod udp_probe;

pub mod hidden_servers;

pub mod connection;

pub mod answers;

pub mod shared;

pub mod session_context;

pub(crate) use log::lasting;
