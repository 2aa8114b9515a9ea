//! The threads that hold connections.

pub mod accept_probe;
pub mod acceptor;
pub mod guests;
pub mod idle_clients;
pub mod parking;
pub mod peer;
pub mod unattended;
pub mod watchers;
pub mod workers;
