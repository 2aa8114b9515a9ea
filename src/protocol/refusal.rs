//! How a refusal is said.

use super::line::LineError;
use std::fmt;

/// What an `ERR` line is about. The codes are stable; their texts are for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A verb that this port does not know.
    UnknownCommand,
    /// A line whose arguments do not have the right form.
    BadSyntax,
    /// A line of more than [`MAX_LINE`](super::line::MAX_LINE) bytes.
    LineTooLong,
    /// A line that is not UTF-8 text.
    NotText,
    /// A value that its key cannot have.
    BadValue,
    /// An `ip` at which this game server cannot be.
    BadIp,
    /// Not a password of this tracker.
    BadPassword,
    /// Not the number that was to be sent back.
    BadChallenge,
    /// Something that only a game server which has logged in may say.
    NotLoggedIn,
    /// The ip:port belongs to somebody else.
    Taken,
    /// All slots of this class are in use.
    Busy,
    /// More of something than one peer may have.
    TooMany,
    /// The operator has banned this address.
    Banned,
    /// The advertised port did not answer.
    Unreachable,
    /// A step took longer than it may.
    Timeout,
    /// The peer did not read what it asked for.
    SlowReader,
}

impl ErrorCode {
    /// All codes, in the order in which PROTOCOL.md lists them.
    pub const ALL: [Self; 16] = [
        Self::UnknownCommand,
        Self::BadSyntax,
        Self::LineTooLong,
        Self::NotText,
        Self::BadValue,
        Self::BadIp,
        Self::BadPassword,
        Self::BadChallenge,
        Self::NotLoggedIn,
        Self::Taken,
        Self::Busy,
        Self::TooMany,
        Self::Banned,
        Self::Unreachable,
        Self::Timeout,
        Self::SlowReader,
    ];

    /// The code as it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown-command",
            Self::BadSyntax => "bad-syntax",
            Self::LineTooLong => "line-too-long",
            Self::NotText => "not-text",
            Self::BadValue => "bad-value",
            Self::BadIp => "bad-ip",
            Self::BadPassword => "bad-password",
            Self::BadChallenge => "bad-challenge",
            Self::NotLoggedIn => "not-logged-in",
            Self::Taken => "taken",
            Self::Busy => "busy",
            Self::TooMany => "too-many",
            Self::Banned => "banned",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::SlowReader => "slow-reader",
        }
    }
}

/// A refusal with its reason. Displayed as it is sent, without the LF: `ERR <code> <text>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What a program reads.
    pub code: ErrorCode,
    /// What a person reads: plain text, what is wrong and what would be right.
    pub text: String,
}

impl Refusal {
    /// A refusal with a text for people. The text must be plain; quote what a peer typed with
    /// [`spelled_out`](super::text::spelled_out).
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERR {} {}", self.code.as_str(), self.text)
    }
}

impl std::error::Error for Refusal {}

impl From<LineError> for Refusal {
    fn from(error: LineError) -> Self {
        let code = match error {
            LineError::TooLong => ErrorCode::LineTooLong,
            LineError::NotText | LineError::ProxyHeader => ErrorCode::NotText,
        };
        Self::new(code, error.to_string())
    }
}

/// The lines before an ERR line that is for a web browser, which would not show it otherwise. The browser
/// shows it as text, whatever the page that sent it here takes it for. The last LF is not part of it.
pub const HTTP_HEAD: &str = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\
                        X-Content-Type-Options: nosniff\r\n\r";

/// The text of the ERR line that a web browser or curl gets. The connection is closed after it: a web page
/// must not get a second line.
pub const NOT_A_WEB_SERVER: &str = "this is a tracker of game servers and not a web server: its list is shown by \
                        'gltracker browse HOST' and 'gltracker list HOST', and as a web page only \
                        where its operator has put one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn the_head_is_lines_of_http_and_a_blank_one() {
        let head = format!("{HTTP_HEAD}\n");
        assert!(head.starts_with("HTTP/1.0 400 ") && head.ends_with("\r\n\r\n"));
        assert!(head.split_terminator('\n').all(|line| line.ends_with('\r')));
    }
}
