//! The door of the Cube family: Cube 2 (Sauerbraten), Red Eclipse and AssaultCube.
//!
//! In reading order: `text` is how it spells text, `dialect` what is said on a connection, `pong` what is
//! said by UDP, `roll` who has registered, `lists` what players are told, `session` one connection: all of
//! that is pure. `connections` are the sockets, `service` is the thread, and `door` opens it.

pub mod text;

pub mod dialect;

pub mod pong;

pub mod roll;

pub mod lists;

pub mod session;

mod connections;

mod service;

mod door;

pub use door::Options;
