//! The threads that accept, how the tracker finds out that they do, and whose connections a proxy passes on.

pub(crate) mod probe;

pub(crate) mod listener;

pub(crate) mod acceptor;

pub(crate) mod proxy_headers;
