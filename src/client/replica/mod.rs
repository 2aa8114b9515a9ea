//! A tracker's list as a client knows it. Pure.
//!
//! In reading order: `conditions` is what is wanted of a tracker, `error` why it gave no list,
//! `known` the list itself, and `doubt` what speaks against an entry.

mod conditions;

mod error;

mod known;

mod doubt;

pub use conditions::Conditions;
pub use doubt::Doubt;
pub use error::{Error, Refused};
pub use known::{Change, KnownList, MAX_BYTES, MAX_ENTRIES};
