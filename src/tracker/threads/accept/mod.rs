//! The threads that accept, and how the tracker finds out that they do.

pub(crate) mod probe;

pub(crate) mod listener;

pub(crate) mod acceptor;
