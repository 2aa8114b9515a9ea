//! Why a tracker gave no list.

use crate::base::io_error::{is_unknown_name, unreached};
use crate::client::tracker_address::TRACKER_PORT;
use crate::protocol::refusal::ErrorCode;
use crate::protocol::text::spelled_out;
use std::{fmt, io};

/// The most characters of what a stranger sent that are shown.
const MAX_SHOWN: usize = 300;

/// Why there is no list. Displayed as a sentence without the tracker's name; what the tracker
/// sent is plain text in it.
#[derive(Debug)]
pub enum Error {
    /// Its name was not found, or nobody accepts a connection there.
    Unreachable(io::Error),
    /// The whole answer did not come in time.
    Late,
    /// The connection ended before END. Part of an answer is not a list.
    CutOff,
    /// It said `ERR`.
    Refused(Refused),
    /// It does not speak the protocol; with a text for a person.
    NotATracker(String),
    /// It contradicts itself; with a text for a person.
    Wrong(String),
    /// It sent more than a client is willing to keep; with the bound.
    TooMuch(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) if is_unknown_name(error) => f.write_str(&unreached(error)),
            Self::Unreachable(error) => write!(f, "no connection: {}", unreached(error)),
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

impl Error {
    /// True if the tracker had no room: another of its addresses may have some.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        let of_room = [ErrorCode::Busy, ErrorCode::TooMany];
        matches!(self, Self::Refused(refused) if of_room.iter().any(|&code| refused.is(code)))
    }

    /// The text for the user of `gltracker <command>` about this tracker, with what to do where that is
    /// known.
    pub(crate) fn told(&self, tracker: &str, command: &str) -> String {
        let host = tracker.strip_suffix(&format!(":{TRACKER_PORT}"));
        let is_word = |host: &str| host != "localhost" && !host.contains(['.', ':']);
        match (self, host) {
            (Self::Unreachable(error), Some("127.0.0.1" | "[::1]" | "localhost"))
                if error.kind() == io::ErrorKind::ConnectionRefused =>
            {
                format!("{tracker}: no tracker on this machine; name one: gltracker {command} HOST")
            }
            (Self::Unreachable(error), Some(host)) if is_word(host) && is_unknown_name(error) => {
                format!("{tracker}: {self}; a condition is written key=value")
            }
            _ => format!("{tracker}: {self}"),
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
    pub(crate) fn parse(rest: &str) -> Self {
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
    fn what_the_system_says_is_told_in_words_with_what_to_do() {
        let refused = || Error::Unreachable(io::ErrorKind::ConnectionRefused.into());
        let no_route = || Error::Unreachable(io::Error::from_raw_os_error(113));
        let unknown = || {
            let text = "failed to lookup address information: Name or service not known";
            Error::Unreachable(io::Error::other(text))
        };
        let here = "no tracker on this machine; name one: gltracker list HOST";
        let not_found = "the name was not found: Name or service not known";
        for (error, tracker, told) in [
            (refused(), "127.0.0.1:23471", here),
            (refused(), "[::1]:23471", here),
            (refused(), "localhost:23471", here),
            (
                refused(),
                "127.0.0.1:1",
                "no connection: nobody listens there",
            ),
            (
                refused(),
                "a.example:23471",
                "no connection: nobody listens there",
            ),
            (
                no_route(),
                "127.0.0.1:23471",
                "no connection: No route to host",
            ),
            (unknown(), "a.example:23471", not_found),
            (unknown(), "localhost:23471", not_found),
            (
                unknown(),
                "bogus:23471",
                &format!("{not_found}; a condition is written key=value"),
            ),
        ] {
            assert_eq!(error.told(tracker, "list"), format!("{tracker}: {told}"));
        }
    }

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
