//! What a game server says about itself, and what a client asks for. Each file imports only from those
//! above it:
//!
//! - `field`: which keys are known, in which order they are sent, and what their values may be.
//! - `changes`: what one INFOS line changes.
//! - `infos`: a set of fields, in the one spelling in which it is kept and sent.
//! - [`filter`]: when a set of fields satisfies a filter.
//! - `request`: which part of the list a client asks for.
//! - [`json`]: fields as JSON.

mod field;

mod changes;

mod infos;

pub mod filter;

mod request;

pub mod json;

pub use changes::Changes;
pub use field::MAX_FIELDS;
pub(crate) use field::{KNOWN, is_known};
pub use filter::Filter;
pub(crate) use infos::places;
pub use infos::{Infos, MAX_FIELDS_BYTES};
pub use request::Request;
