//! What comes of something that was received.

use super::status::Status;

/// What comes of something that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It does not belong to the question.
    Stray,
    /// It is a part of the answer, and more will come.
    Part,
    /// The game server wants this first.
    Send(Vec<u8>),
    /// The answer.
    Status(Box<Status>),
    /// Somebody answers, but not as a game server of this kind does: who that is, for a person.
    Wrong(String),
}

impl Reply {
    /// Somebody else answers.
    pub(super) fn wrong(who: impl Into<String>) -> Self {
        Self::Wrong(who.into())
    }
}
