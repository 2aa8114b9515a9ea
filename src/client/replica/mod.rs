//! A tracker's list as a client knows it. Pure.
//!
//! In reading order: `conditions` select game servers, `error` says why a tracker gave no list, `known`
//! is the list itself, `doubt` says what speaks against an entry, and `twins` which two are one game server.

mod conditions;

mod error;

mod known;

mod doubt;

mod twins;

pub use conditions::Conditions;
pub use doubt::Doubt;
pub use error::{Error, Refused};
pub use known::{Change, KnownList, MAX_BYTES, MAX_ENTRIES};
pub(crate) use twins::twins;
