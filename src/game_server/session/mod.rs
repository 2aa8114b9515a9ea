//! The announcer's side of one connection to a tracker. Pure.
//!
//! In reading order: `refusal` is what a tracker's "no" means, `fields` what is still to be said,
//! `credential` who says it, `proofs` which numbers of datagrams are passed on, and
//! [`state_machine`] is told what happens and says what to send.

mod refusal;

pub(crate) mod fields;

mod credential;

pub(crate) mod proofs;

pub mod state_machine;

pub use credential::{Credential, CredentialError};
pub use refusal::{Fate, Situation, Stage, TrackerRefusal};
