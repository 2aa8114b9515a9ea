//! What a client watches, and how much of it it knows.

use crate::protocol::command::Request;
use crate::protocol::fields::Filter;
use crate::protocol::revision::Revision;
use std::time::Instant;

/// What a client watches, and how much of it it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub(super) filter: Filter,
    /// What the client has, or is being sent, is its part of the list at this revision …
    pub(super) revision: Revision,
    /// … and the revision that it was told is this, which may be older: of changes that are not in
    /// its part it is told nothing.
    pub(super) told: Revision,
    /// Since when.
    pub(super) told_at: Instant,
}

impl Watch {
    /// A client has asked for this, and is sent an answer that leads to `revision`.
    pub fn new(request: Request, revision: Revision, now: Instant) -> Self {
        Self {
            filter: request.filter,
            revision,
            told: revision,
            told_at: now,
        }
    }
}
