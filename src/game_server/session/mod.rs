//! The announcer's side of one connection to a tracker. Pure.
//!
//! In reading order: `refusal` is what a tracker's ERR means, and `advice` what a person can do about
//! it; `fields` is what is still to be said, `credential` the password or the key, `proofs` decides
//! which numbers of datagrams are passed on, `outbox` is what comes out of a session, and
//! `state_machine` the session itself.

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
