//! Answers to the datagrams that come to a game server's UDP port.
//!
//! In reading order: `datagram` decides what is answered, `responder` has the sockets of one address,
//! and `port` decides which addresses there must be.

mod datagram;

mod responder;

mod port;

pub use datagram::{Datagram, MAX_DATAGRAM};
pub use port::{Pong, PongError, PongPlace, PongPort};
