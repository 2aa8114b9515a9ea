//! What the targets share: slow models written from PROTOCOL.md, and checks of what is sent.
//!
//! - [`checks`]: what is true of every line that leaves a program.
//! - [`naive`]: fields and filters, the slow way.
//! - [`script`]: bytes of the fuzzer as steps.
//! - [`world`]: a tracker without sockets, for its sessions.

pub mod checks;
pub mod naive;
pub mod script;
pub mod world;
