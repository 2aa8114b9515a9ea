//! The listeners of a port: made here, or handed over by whoever started the tracker.

mod bind;

pub(super) mod handed_over;

pub(super) mod open;
