//! How game servers of existing games are asked what they are: bytes to values and back. Pure.
//!
//! In reading order: `kind` names the protocols, `clean` makes plain text of what a game says, `status`
//! is what becomes known of a game server, `reply` what comes of something that was received. Then one
//! folder for each protocol: what its bytes mean, and in `exchange.rs` who says what when. `asking` is
//! one question of any kind, from its first byte to its answer.

mod kind;

pub mod clean;

mod status;

mod reply;

pub mod quake3;

mod source;

mod minecraft;

mod asking;

pub use asking::Asking;
pub use kind::{Kind, Transport};
pub use reply::Reply;
pub use status::Status;
