//! A connection's slot, and what its session may ask of the tracker with it.

pub(crate) mod guard;

mod enlistment;

mod context;
