//! The threads that connections are on.

pub mod accept_probe;
pub(crate) mod acceptor;
pub(crate) mod holders;
pub(crate) mod party;
pub(crate) mod peer;
pub(crate) mod polled;
pub(crate) mod queue;
pub(crate) mod reception;
pub(crate) mod sender;
pub(crate) mod watchers;
