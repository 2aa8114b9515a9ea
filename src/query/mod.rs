//! How game servers of existing games are asked what they are: bytes to values and back. Pure.
//!
//! In reading order: `kind` names the protocols, `clean` makes plain text of what a game says, `status`
//! is what becomes known of a game server, `quake3` one protocol, and `asking` one question from its
//! first byte to its answer.

mod kind;

mod clean;

mod status;

pub mod quake3;

mod asking;

pub use asking::{Asking, Reply};
pub use kind::{Kind, Transport};
pub use status::Status;
