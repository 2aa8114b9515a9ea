//! What comes out of a session: lines for the tracker, news, and the end.

use super::refusal::TrackerRefusal;

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The connection broke: why, for a person.
    Lost(String),
    /// The tracker refused.
    Refused(TrackerRefusal),
    /// The tracker takes the new port only with a new login.
    LogInAgain,
    /// We said QUIT.
    Left,
}

/// Something that the game server's admin should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// LOGIN is taken, and there is nothing to list: the session leaves.
    Welcome,
    /// On the list, under this address.
    Listed(String),
    /// The tracker is sending datagrams to this address and lists nobody who does not answer.
    Checking(String),
    /// The UDP port was proven to answer.
    Checked,
    /// On the list for a while, and no number has come back.
    Unchecked,
    /// The tracker did not take these fields; all others stand.
    NotTaken(String, TrackerRefusal),
}

/// What is to be sent and told next.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Lines, each with its LF.
    pub text: String,
    /// In the order in which it happened.
    pub news: Vec<News>,
    /// Set once the connection is to be closed.
    pub ending: Option<Ending>,
}

impl Outbox {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }
}
