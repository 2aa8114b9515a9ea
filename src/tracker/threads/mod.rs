//! The threads that connections are on.
//!
//! src/README.md says which there are, what wakes each and which locks they take.

pub(crate) mod queue;

pub(crate) mod peer;

pub(crate) mod watchers;

pub(crate) mod holders;

pub(crate) mod poll_loop;

pub(crate) mod polled;

pub(crate) mod reception;

pub(crate) mod accept;

pub(crate) mod port_threads;
