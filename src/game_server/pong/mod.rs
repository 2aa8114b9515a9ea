//! Answers to the datagrams that come to a game server's UDP port.
//!
//! In reading order: `datagram` is which of them deserve an answer, `responder` the sockets of one
//! address, and `port` at which addresses of this machine they are waited for.

mod datagram;

mod responder;

mod port;

pub use datagram::{Datagram, MAX_DATAGRAM};
pub use port::{Pong, PongError, PongPlace, PongPort};
