//! The wire: text in, values out, and back again.
//!
//! Everything here is pure. There is no I/O, no clock and no lock, so that the tracker, a game
//! server and a client can all speak the protocol through the same code. In reading order:
//! [`text`] says which characters may travel, [`mod@line`] cuts bytes into lines, [`argument`] cuts a
//! line into arguments, [`infos`] is what a game server says about itself, [`filter`] is what a
//! client asks for, [`revision`] what it has already, and [`message`] names the verbs and the refusals.
//! [`json`] is for programs that do not speak the protocol.

pub mod argument;
pub mod filter;
pub mod http;
pub mod infos;
pub mod json;
pub mod line;
pub mod message;
pub mod proof;
pub mod revision;
pub mod text;
