//! Who is who: connections by a number, peers by what they logged in with.

/// Names one connection for as long as the process lives; never used twice.
pub type ConnectionId = u64;

/// Tells what somebody logged in with, without being it. The same password gives the same credential
/// for as long as the process lives, and the same key for as long as its file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A password, which many may share.
    Password(u32),
    /// A key, which belongs to one admin.
    Key(u32),
    /// A password in the life of a tracker before this one: nobody knows any more which.
    Forgotten,
}

impl Credential {
    /// Itself if it is a key.
    pub fn key(self) -> Option<Self> {
        matches!(self, Self::Key(_)).then_some(self)
    }

    /// True if whoever holds `newer` may take over what was listed with this. What was listed with
    /// a password that nobody remembers goes to the first who comes with anything that is valid:
    /// without it the place would have been free.
    pub(crate) fn yields_to(self, newer: Self) -> bool {
        self == newer || self == Self::Forgotten
    }
}
