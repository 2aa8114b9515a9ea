//! The announcer's side of one connection to a tracker. Pure.
//!
//! In reading order: `refusal` is what a tracker's "no" means, `advice` what a person can do about
//! it, `fields` what is still to be said, `credential` who says it, `proofs` which numbers of datagrams are passed on,
//! `outbox` what comes out of a session, and `state_machine` is told what happens and fills it.

mod refusal;

mod advice;

pub(crate) mod fields;

mod credential;

pub(crate) mod proofs;

mod outbox;

mod state_machine;

pub use advice::Situation;
pub use credential::{Credential, CredentialError};
pub use outbox::{Ending, News, Outbox};
pub use refusal::{Fate, Stage, TrackerRefusal};
pub use state_machine::Session;
