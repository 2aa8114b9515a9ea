//! The connections of all game servers that are wanted, which one thread looks after.
//!
//! This folder hides whose turn it is: an agenda says when each is to be looked at, and the gate who may
//! log in. In reading order: `table` is all of them, `endings` what comes of a connection that is over,
//! and `turns` what the thread does.

mod table;

mod endings;

mod turns;

pub(super) use table::Links;
