//! Why a tracker gave no list.

use crate::protocol::message::ErrorCode;
use crate::protocol::text::spelled_out;
use std::fmt;
use std::io;

/// The most characters of what a stranger sent that are shown.
const MAX_SHOWN: usize = 300;

/// Why there is no list. Displayed as a sentence without the tracker's name; what the tracker
/// sent is plain text in it.
#[derive(Debug)]
pub enum Error {
    /// Its name was not found, or nobody accepts a connection there.
    Unreachable(io::Error),
    /// The whole answer was not there in time.
    Late,
    /// The connection ended before END. What came until then is not a list.
    CutOff,
    /// It said `ERR`.
    Refused(Refused),
    /// Whatever it is, it does not speak the protocol; with a text for a person.
    NotATracker(String),
    /// It contradicts itself; with a text for a person.
    Wrong(String),
    /// It sent more than a client is willing to keep; with the bound.
    TooMuch(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => {
                let text = error.to_string();
                // What std wraps around the resolver's words says nothing to a person.
                let text = text.strip_prefix("failed to lookup address information: ");
                match text {
                    Some(text) => write!(f, "the name was not found: {text}"),
                    None => write!(f, "no connection: {error}"),
                }
            }
            Self::Late => f.write_str("it did not answer in time"),
            Self::CutOff => f.write_str("the answer was cut off before its END, it is not a list"),
            Self::Refused(refused) => write!(f, "it said {refused}"),
            Self::NotATracker(text) => write!(
                f,
                "it does not speak like a tracker, whose port for clients is 23471: {text}"
            ),
            Self::Wrong(text) => write!(f, "its answer cannot be right: {text}"),
            Self::TooMuch(bound) => write!(f, "it sent too much: {bound}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(error),
            _ => None,
        }
    }
}

/// An `ERR` line of a tracker. Displayed as it came, with what is not plain text spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    code: String,
    text: String,
}

impl Refused {
    /// Reads what follows `ERR `.
    pub(super) fn parse(rest: &str) -> Self {
        let (code, text) = rest.split_once(' ').unwrap_or((rest, ""));
        Self {
            code: spelled_out(code, 32),
            text: spelled_out(text, MAX_SHOWN),
        }
    }

    /// True if this is the code. A tracker of another version may send codes that are not in
    /// [`ErrorCode`].
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.as_str()
    }

    /// What it said to a person; plain text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("ERR {} {}", self.code, self.text);
        f.write_str(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tracker_said_is_shown_as_plain_text_of_bounded_length() {
        let refused = Refused::parse(&format!("busy \u{1b}[2J\u{202e}{}", "x".repeat(900)));
        assert!(refused.is(ErrorCode::Busy));
        let shown = Error::Refused(refused).to_string();
        assert!(shown.starts_with("it said ERR busy \\u{1b}[2J\\u{202e}xxx"));
        assert!(shown.chars().count() < 350, "{shown}");
        assert_eq!(Refused::parse("new-code").to_string(), "ERR new-code");
    }
}
