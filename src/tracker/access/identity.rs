//! Who is who: connections by a number, peers by what they logged in with.

/// Names one connection for as long as the process lives; never used twice.
pub type ConnectionId = u64;

/// What somebody logged in with, without the secret itself. The same password gives the same credential for
/// as long as the process lives; the same key, for as long as its file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A password, which many may share.
    Password(u32),
    /// A key, which belongs to one admin.
    Key(u32),
    /// A password of the run before this one. Nobody knows any more which.
    Forgotten,
    /// A password or key of another tracker, which this one does not have.
    Unknown,
}

impl Credential {
    /// Itself if it is a key.
    pub(crate) fn key(self) -> Option<Self> {
        matches!(self, Self::Key(_)).then_some(self)
    }

    /// True if whoever holds `newer` may take over what was listed with this. What was listed with a
    /// forgotten password goes to the first who has any valid credential.
    pub(crate) fn yields_to(self, newer: Self) -> bool {
        self == newer || self == Self::Forgotten
    }
}
