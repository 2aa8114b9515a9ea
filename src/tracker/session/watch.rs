//! What a client watches, and how much of it it knows.

use crate::protocol::fields::Filter;
use crate::protocol::fields::Request;
use crate::protocol::revision::Revision;
use std::time::Instant;

/// What a client watches, and how much of it it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub(super) filter: Filter,
    /// The client has, or is being sent, its part of the list at this revision …
    pub(super) revision: Revision,
    /// … but was told this one, which may be older: a change outside its part is not sent.
    pub(super) told: Revision,
    /// When it was told.
    pub(super) told_at: Instant,
}

impl Watch {
    /// The watch of a client that asked for `request` and is sent an answer that leads to `revision`.
    pub(crate) fn new(request: Request, revision: Revision, now: Instant) -> Self {
        Self {
            filter: request.filter,
            revision,
            told: revision,
            told_at: now,
        }
    }
}
