//! The game servers that have registered: when each is asked, told and given up. Pure.
//!
//! A registration is a promise to answer by UDP. Who answers is listed, and asked again for as long as
//! he does; who falls silent is off the list, and asked now and then, so that he comes back by himself.
//!
//! In reading order: `entry` is one of them, and `all` is all.

mod entry;

mod all;

pub use all::Roll;
pub use entry::Act;
