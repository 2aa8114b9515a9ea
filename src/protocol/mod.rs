//! The wire: text in, values out, and back again.
//!
//! Everything here is pure: no I/O, no clock, no lock. The tracker, a game server and a client speak the
//! protocol through the same code. Each file imports only from those above it:
//!
//! - [`text`]: which characters may travel, and how numbers are written.
//! - [`scope`]: how far an address reaches.
//! - [`mod@line`]: bytes into lines.
//! - [`refusal`]: the `ERR` codes, and how an `ERR` line is written.
//! - [`argument`]: a line into arguments.
//! - [`revision`]: which list a client has already.
//! - [`fields`]: what a game server says about itself, and what a client asks for.
//! - [`command`]: a line into a command.
//! - [`hmac`]: HMAC-SHA256, for a login with a key.

pub mod text;

pub mod scope;

pub mod line;

pub mod refusal;

pub mod argument;

pub mod revision;

pub mod fields;

pub mod command;

pub mod hmac;
