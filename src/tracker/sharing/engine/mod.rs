//! The engine: a Valkey or Redis, and the one connection to it.
//!
//! In reading order: `error` says why something did not work, `refusals` what the engine's own words for that
//! mean, `secret` what it is shown first, `greeting` what is said on a new connection, `connection` how a pipeline
//! is exchanged by a deadline, `nodes` which node is tried first, `handle` has all of it. `error`, `refusals`,
//! `greeting` and `nodes` are pure.

mod error;

mod refusals;

mod secret;

mod greeting;

mod connection;

mod nodes;

mod handle;

pub(crate) use error::{EngineError, Kind};
pub(crate) use handle::{Connected, Engine};
