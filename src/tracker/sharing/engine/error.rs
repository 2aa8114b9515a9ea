//! Why the engine is of no use at the moment, in words that say what would be right. Pure.

use crate::base::io_error::{in_words, unreached};
use crate::tracker::sharing::share::ENGINE_PORT;
use crate::tracker::sharing::wire::resp::NotResp;
use std::fmt;
use std::io;
use std::time::Duration;

/// A node of the engine.
pub(super) type Node = crate::reach::Address<ENGINE_PORT>;

/// Who has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nobody: it passes when the engine is back.
    Away,
    /// The operator: it stays as it is until something is changed.
    Refused,
}

/// Where the next connection begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// At the same node.
    Same,
    /// At another node: this one takes no writes.
    Other,
    /// At the node of a cluster that has the keys.
    To(Node),
}

/// Why the engine is of no use at the moment. Displayed as one sentence for a person, without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineError {
    kind: Kind,
    text: String,
    turn: Turn,
}

impl EngineError {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            turn: Turn::Same,
        }
    }

    /// It holds something that no tracker can use.
    pub(crate) fn refused(text: String) -> Self {
        Self::new(Kind::Refused, text)
    }

    /// No connection was made.
    pub(super) fn unreached(error: &io::Error) -> Self {
        Self::new(Kind::Away, unreached(error))
    }

    /// The same, after which the next connection begins elsewhere.
    pub(super) fn and_then(self, turn: Turn) -> Self {
        Self { turn, ..self }
    }

    /// The same, of the node of this name.
    pub(super) fn at(self, node: &str) -> Self {
        Self {
            text: format!("{node}: {}", self.text),
            ..self
        }
    }

    /// Both, of two nodes.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            kind: self.kind.max(other.kind),
            text: format!("{}; {}", self.text, other.text),
            turn: Turn::Same,
        }
    }

    /// Who has to do something.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn turn(&self) -> &Turn {
        &self.turn
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for EngineError {}

/// What happened to a connection.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The engine closed it.
    Closed,
    /// Nothing came or went for so long.
    Silent(Duration),
    /// There was always something, and it was not done after so long.
    Slow(Duration),
    /// What came is no reply.
    NotResp(NotResp),
    /// There were more replies than commands.
    Surplus,
    /// The replies had more than so many bytes.
    TooMuch(usize),
    /// The system says this.
    System(io::Error),
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        let away = |text: String| Self::new(Kind::Away, text);
        match trouble {
            Trouble::Closed => away("it has closed the connection".into()),
            Trouble::Silent(time) => away(format!("it has said nothing for {}", seconds(time))),
            Trouble::Slow(time) => away(format!(
                "it was not done after {}; the way to it is too slow, or it has too much to do",
                seconds(time)
            )),
            Trouble::NotResp(what) => Self::new(
                Kind::Refused,
                format!("what answers there is no Redis or Valkey: {what}; correct --share"),
            ),
            Trouble::TooMuch(bytes) => Self::new(
                Kind::Refused,
                format!(
                    "it has answered with more than {} MiB; see what else has the --share-prefix there",
                    bytes / (1024 * 1024)
                ),
            ),
            Trouble::Surplus => away("it has answered more than it was asked".into()),
            Trouble::System(error) => away(in_words(&error)),
        }
    }
}

fn seconds(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10).replace(".0 s", " s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_two_nodes_counts_and_both_are_named() {
        let away = EngineError::from(Trouble::Silent(Duration::from_secs(3))).at("a:1");
        let refused = EngineError::new(Kind::Refused, "no").at("b:2");
        let both = away.and(refused);
        assert_eq!(both.kind(), Kind::Refused);
        assert_eq!(
            both.to_string(),
            "a:1: it has said nothing for 3 s; b:2: no"
        );
    }
}
