//! How a line becomes a command. What a command does is decided by the sessions.

use super::argument::check_word;
use super::fields::{Changes, Request};
use super::line::PROXY_HEADER;
use super::refusal::{ErrorCode, NOT_A_WEB_SERVER, Refusal};
use super::text::spelled_out;
use std::borrow::Cow;

/// What both ports understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Common<'a> {
    /// Answer `PONG` with the same word, which may be missing.
    Ping(&'a str),
    /// Say what can be typed here.
    Help,
    /// Give the counters of the tracker.
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

/// Splits a line into the verb, as it was typed, and the arguments.
fn split_verb(line: &str) -> (&str, &str) {
    let line = line.trim_matches(' ');
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    (verb, arguments.trim_start_matches(' '))
}

/// The verb in capitals; it may be typed in small letters.
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
        "PROXY" => return Err(unknown(verb, PROXY_HEADER)),
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

/// True for the first line of an HTTP request, such as `GET / HTTP/1.1`.
fn is_http_request(line: &str) -> bool {
    let version = line.trim_end_matches(' ').rsplit_once(' ');
    version.is_some_and(|(_, version)| version.starts_with("HTTP/"))
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
            _ if is_http_request(line) => {
                Err(Refusal::new(ErrorCode::UnknownCommand, NOT_A_WEB_SERVER))
            }
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
            _ if is_http_request(line) => {
                Err(Refusal::new(ErrorCode::UnknownCommand, NOT_A_WEB_SERVER))
            }
            _ => Err(unknown(typed, "try LIST, WATCH or HELP")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Filter;
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
    fn a_request_is_known_by_its_version() {
        for line in ["GET / HTTP/1.1", "POST /a%20b HTTP/1.0 ", "PRI * HTTP/2.0"] {
            assert!(is_http_request(line), "{line}");
        }
        for line in ["", "GET /", "HTTP/1.1", "HTTP/1.1 200 OK", "GET / http/1.1"] {
            assert!(!is_http_request(line), "{line}");
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
    }
}
