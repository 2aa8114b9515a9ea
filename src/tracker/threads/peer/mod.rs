//! One connection and its session, on whichever thread they are.

pub(crate) mod sender;

pub(crate) mod io;

pub(crate) mod any_session;
