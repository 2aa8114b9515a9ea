//! The verbs, and how a refusal is said.
//!
//! This file hides how a line becomes a command. What a command does is decided by the sessions.

use super::argument::{self, Argument, Operator, check_word};
use super::filter::Filter;
use super::http;
use super::infos::Changes;
use super::line::LineError;
use super::revision::Revision;
use super::text::spelled_out;
use std::borrow::Cow;
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
    /// An `ip` that is not the one the tracker sees.
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

/// A "no" with its reason. Displayed as it is sent, without the LF: `ERR <code> <text>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What a program reads.
    pub code: ErrorCode,
    /// What a person reads: plain text, what is wrong and what would be right.
    pub text: String,
}

impl Refusal {
    /// A refusal with a text for people. The text must be plain; quote what a peer typed with
    /// [`spelled_out`].
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
            LineError::NotText => ErrorCode::NotText,
        };
        Self::new(code, error.to_string())
    }
}

/// What both ports understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Common<'a> {
    /// Answer `PONG` with the same word, which may be missing.
    Ping(&'a str),
    /// What can be typed here?
    Help,
    /// How is the tracker doing?
    Stats,
    /// Close the connection.
    Quit,
}

/// What a game server says to the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GameServerCommand<'a> {
    /// The password as it was typed, spaces inside included.
    Login(&'a str),
    /// The name of a key.
    LoginByKey(&'a str),
    /// A number that came in a CHALLENGE, if there is one, and fields.
    Infos(Option<&'a str>, Changes<'a>),
    /// The answer to the tracker's PING.
    Pong(&'a str),
    /// One of the commands of both ports.
    Common(Common<'a>),
}

/// What a client says to the tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCommand<'a> {
    /// The list.
    List(Request),
    /// The list, and from then on what changes in it.
    Watch(Request),
    /// One of the commands of both ports.
    Common(Common<'a>),
}

/// Which part of the list a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// What the client has already; `None` if it has nothing, or nothing that any tracker wrote.
    pub since: Option<Revision>,
    /// What it wants to see.
    pub filter: Filter,
}

/// A line as the verb as it was typed, and arguments.
fn split_verb(line: &str) -> (&str, &str) {
    let line = line.trim_matches(' ');
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    (verb, arguments.trim_start_matches(' '))
}

/// The verb that was typed, which may be in small letters.
fn in_capitals(typed: &str) -> Cow<'_, str> {
    match typed.bytes().any(|b| b.is_ascii_lowercase()) {
        true => Cow::Owned(typed.to_ascii_uppercase()),
        false => Cow::Borrowed(typed),
    }
}

/// Reads a line as a command of both ports; `None` if its verb is not one of theirs.
fn parse_common<'a>(verb: &str, arguments: &'a str) -> Result<Option<Common<'a>>, Refusal> {
    let command = match verb {
        "PING" => {
            check_word(verb, arguments)?;
            return Ok(Some(Common::Ping(arguments)));
        }
        "HELP" => Common::Help,
        "STATS" => Common::Stats,
        "QUIT" => Common::Quit,
        _ => return Ok(None),
    };
    if !arguments.is_empty() {
        return Err(Refusal::new(
            ErrorCode::BadSyntax,
            format!("{verb} takes no arguments"),
        ));
    }
    Ok(Some(command))
}

fn unknown(typed: &str, hint: &str) -> Refusal {
    let text = format!(
        "'{}' is not understood here; {hint}",
        spelled_out(typed, 40)
    );
    Refusal::new(ErrorCode::UnknownCommand, text)
}

fn no_web_server() -> Refusal {
    Refusal::new(ErrorCode::UnknownCommand, http::TEXT)
}

impl<'a> GameServerCommand<'a> {
    /// Reads one line that came in on the game-server port.
    ///
    /// # Errors
    /// `unknown-command`, `bad-syntax` or `bad-value`.
    pub fn parse(line: &'a str) -> Result<Self, Refusal> {
        let (typed, arguments) = split_verb(line);
        let verb = in_capitals(typed);
        if let Some(common) = parse_common(&verb, arguments)? {
            return Ok(Self::Common(common));
        }
        match &*verb {
            "LOGIN" if arguments.is_empty() => {
                Err(Refusal::new(ErrorCode::BadSyntax, "write LOGIN <password>"))
            }
            "LOGIN" => match arguments.strip_prefix("name=") {
                Some(name) => {
                    check_word("LOGIN name=", name)?;
                    Ok(Self::LoginByKey(name))
                }
                None => Ok(Self::Login(arguments)),
            },
            "INFOS" => {
                let (first, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
                if first.is_empty() || first.contains(['=', '<', '>', '!', '"']) {
                    return Ok(Self::Infos(None, Changes::parse(arguments)?));
                }
                Ok(Self::Infos(Some(first), Changes::parse(rest)?))
            }
            "PONG" => {
                check_word(&verb, arguments)?;
                Ok(Self::Pong(arguments))
            }
            "LIST" | "WATCH" => Err(unknown(
                &verb,
                "this port is for game servers, the list is on the client port",
            )),
            _ if http::is_request(line) => Err(no_web_server()),
            _ => Err(unknown(
                typed,
                "try LOGIN <password>, INFOS key=value, or HELP",
            )),
        }
    }
}

impl<'a> ClientCommand<'a> {
    /// Reads one line that came in on the client port.
    ///
    /// # Errors
    /// `unknown-command`, `bad-syntax` or `bad-value`.
    pub fn parse(line: &'a str) -> Result<Self, Refusal> {
        let (typed, arguments) = split_verb(line);
        let verb = in_capitals(typed);
        if let Some(common) = parse_common(&verb, arguments)? {
            return Ok(Self::Common(common));
        }
        match &*verb {
            "LIST" => Ok(Self::List(Request::parse(arguments)?)),
            "WATCH" => Ok(Self::Watch(Request::parse(arguments)?)),
            "LOGIN" | "INFOS" => Err(unknown(
                &verb,
                "this port is for clients, game servers have their own",
            )),
            _ if http::is_request(line) => Err(no_web_server()),
            _ => Err(unknown(typed, "try LIST, WATCH or HELP")),
        }
    }
}

impl Request {
    /// Reads `[since=<rev>] [condition …]`. A revision that no tracker can have written is one
    /// that this tracker cannot tell the changes since: it is no mistake.
    ///
    /// # Errors
    /// As [`Filter::parse`]; `bad-syntax` for a second `since=`.
    fn parse(arguments: &str) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let mut is_since_said = false;
        let mut rest = arguments;
        while let Some(argument) = argument::next_argument(&mut rest)? {
            match &argument {
                Argument::Pair("since", Operator::Is, _) if is_since_said => {
                    let text = "since is given twice";
                    return Err(Refusal::new(ErrorCode::BadSyntax, text));
                }
                Argument::Pair("since", Operator::Is, revision) => {
                    is_since_said = true;
                    request.since = revision.parse().ok();
                }
                condition => request.filter.add(condition)?,
            }
        }
        Ok(request)
    }
}

/// The number of a challenge as it travels: 16 hexadecimal digits, so that a password, a port and
/// a number cannot be taken for one another.
pub fn format_number(number: u64) -> String {
    format!("{number:016x}")
}

/// The number that `text` spells, if it has the form of one.
pub fn parse_number(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn game_server(line: &str) -> Result<GameServerCommand<'_>, ErrorCode> {
        GameServerCommand::parse(line).map_err(|refusal| refusal.code)
    }

    fn client(line: &str) -> Result<ClientCommand<'_>, ErrorCode> {
        ClientCommand::parse(line).map_err(|refusal| refusal.code)
    }

    #[test]
    fn verbs_are_read_in_any_letter_case() {
        assert_eq!(
            game_server("login a B"),
            Ok(GameServerCommand::Login("a B"))
        );
        assert_eq!(
            game_server("LOGIN name=x"),
            Ok(GameServerCommand::LoginByKey("x"))
        );
        assert_eq!(game_server("LOGIN name=x y"), Err(ErrorCode::BadSyntax));
        assert_eq!(game_server("  PoNg 7 "), Ok(GameServerCommand::Pong("7")));
        assert_eq!(client("quit"), Ok(ClientCommand::Common(Common::Quit)));
        assert_eq!(client("ping"), Ok(ClientCommand::Common(Common::Ping(""))));
    }

    #[test]
    fn the_first_argument_of_infos_may_be_a_number() {
        let changes = Changes::parse("port=1").unwrap();
        assert_eq!(
            game_server("INFOS 5f1c9a3e77b04d21 port=1"),
            Ok(GameServerCommand::Infos(
                Some("5f1c9a3e77b04d21"),
                changes.clone()
            ))
        );
        assert_eq!(
            game_server("INFOS port=1"),
            Ok(GameServerCommand::Infos(None, changes))
        );
        assert_eq!(
            game_server("INFOS"),
            Ok(GameServerCommand::Infos(None, Changes::default()))
        );
        assert_eq!(game_server("INFOS \"x\" port=1"), Err(ErrorCode::BadSyntax));
    }

    #[test]
    fn since_is_not_a_condition() {
        let list = |since: Option<&str>, filter| {
            Ok(ClientCommand::List(Request {
                since: since.map(|revision| revision.parse().unwrap()),
                filter: Filter::parse(filter).unwrap(),
            }))
        };
        assert_eq!(client("LIST"), list(None, ""));
        assert_eq!(client("LIST since=c0ffee-42"), list(Some("c0ffee-42"), ""));
        assert_eq!(client("list since=x notempty"), list(None, "notempty"));
        assert_eq!(
            client("LIST notempty since=\"1-0\""),
            list(Some("1-0"), "notempty")
        );
        assert_eq!(client("LIST since="), list(None, ""));
        for bad in ["LIST since", "LIST since=1-0 since=1-0"] {
            assert!(client(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_belongs_to_the_other_port_is_unknown_here() {
        assert_eq!(game_server("LIST"), Err(ErrorCode::UnknownCommand));
        assert_eq!(client("LOGIN secret"), Err(ErrorCode::UnknownCommand));
        assert_eq!(client("GET / HTTP/1.1"), Err(ErrorCode::UnknownCommand));
        assert_eq!(game_server("LOGIN"), Err(ErrorCode::BadSyntax));
        assert_eq!(client("HELP me"), Err(ErrorCode::BadSyntax));
        assert_eq!(client("PING 1 2"), Err(ErrorCode::BadSyntax));
    }

    #[test]
    fn an_err_line_is_plain_and_short_whatever_was_typed() {
        let typed = format!("\u{1b}[2J{}", "x".repeat(900));
        let line = ClientCommand::parse(&typed).unwrap_err().to_string();
        assert!(
            line.len() < 200 && line.chars().all(crate::protocol::text::is_plain),
            "{line}"
        );
    }

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn numbers_are_sixteen_digits() {
        assert_eq!(format_number(0x2a), "000000000000002a");
        assert_eq!(
            parse_number("5F1c9a3e77b04d21"),
            Some(0x5f1c_9a3e_77b0_4d21)
        );
        for bad in [
            "",
            "2a",
            "+00000000000002a",
            "000000000000002g",
            "0000000000000002a",
        ] {
            assert_eq!(parse_number(bad), None, "{bad}");
        }
    }

    quickcheck! {
        fn no_line_panics_on_either_port(line: String) -> bool {
            let _ = (game_server(&line).is_ok(), client(&line).is_ok());
            for verb in ["LOGIN", "INFOS", "LIST", "PONG"] {
                let line = format!("{verb} {line}");
                let _ = (game_server(&line).is_ok(), client(&line).is_ok());
            }
            true
        }

        fn a_number_comes_back(number: u64) -> bool {
            parse_number(&format_number(number)) == Some(number)
        }
    }
}
