//! What the threads share, and its locks.

pub mod stats;

pub mod sharing_status;

pub mod current;

pub mod sockets;

pub mod hidden_servers;

pub(crate) mod answers;

pub(crate) mod shared;

pub(crate) mod slot;
