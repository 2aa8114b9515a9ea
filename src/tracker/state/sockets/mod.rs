//! The sockets that threads share, and the constants of both.

pub(crate) mod tuning;

pub(crate) mod connection;

pub mod udp_probe;
