//! The datagrams that come to a game server's UDP port.
//!
//! This file hides which of them are answered, and with what.

use crate::protocol::argument::check_word;
use crate::protocol::text::parse_number;

/// The longest datagram that is answered, in bytes.
pub const MAX_DATAGRAM: usize = 260;

/// A datagram that a game server should know.
///
/// A game that reads its UDP port itself looks at what it does not know with this:
///
/// ```
/// use gltracker::game_server::Datagram;
/// match Datagram::read(b"PING 42") {
///     Some(Datagram::Ping(answer)) => assert_eq!(answer, b"PONG 42"), // send it back
///     Some(Datagram::Challenge(number)) => { /* relay.pass_on(number, from) */ }
///     None => { /* a datagram of the game */ }
/// }
/// assert_eq!(Datagram::read(b"CHALLENGE 000000000000002a"), Some(Datagram::Challenge(42)));
/// assert_eq!(Datagram::read(b"GET / HTTP/1.1"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram {
    /// `PING <word>` from a player. What is to be sent back, of the same length.
    Ping(Vec<u8>),
    /// `CHALLENGE <number>` from a tracker, to be sent back on the connection to it.
    Challenge(u64),
}

impl Datagram {
    /// Reads a datagram; `None` if it is anything else, is longer than [`MAX_DATAGRAM`], or holds
    /// what is not plain text.
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        if text.len() > MAX_DATAGRAM {
            return None;
        }
        // Whoever types it sends a line.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (verb, word) = line.split_once(' ').unwrap_or((line, ""));
        check_word(verb, word).ok()?;
        if verb.eq_ignore_ascii_case("PING") {
            let answer = format!("PONG{}", &text["PING".len()..]);
            return Some(Self::Ping(answer.into_bytes()));
        }
        let is_challenge = verb.eq_ignore_ascii_case("CHALLENGE");
        is_challenge
            .then(|| parse_number(word))
            .flatten()
            .map(Self::Challenge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn only_short_plain_pings_are_answered() {
        let answered = |datagram: &[u8]| match Datagram::read(datagram) {
            Some(Datagram::Ping(answer)) => Some(String::from_utf8(answer).unwrap()),
            _ => None,
        };
        assert_eq!(answered(b"PING 1").as_deref(), Some("PONG 1"));
        assert_eq!(answered(b"ping \xc3\xa9").as_deref(), Some("PONG é"));
        assert_eq!(answered(b"PING").as_deref(), Some("PONG"));
        assert_eq!(answered(b"PING 1\r\n").as_deref(), Some("PONG 1\r\n"));
        let longest = format!("PING {}", "x".repeat(255));
        assert!(answered(longest.as_bytes()).is_some());
        for bad in [
            &b""[..],
            b"PONG 1",
            b"PINGU 1",
            b"PING 1 2",
            b"PING \x1b[2J",
            b"PING 1\nPING 2",
            b"PING \xff",
            format!("{longest}x").as_bytes(),
        ] {
            assert_eq!(Datagram::read(bad), None, "{bad:?}");
        }
    }

    quickcheck! {
        fn an_answer_is_as_long_as_the_question(datagram: Vec<u8>) -> bool {
            let asked = [&b"PING "[..], &datagram].concat();
            [asked, datagram].iter().all(|datagram| match Datagram::read(datagram) {
                Some(Datagram::Ping(answer)) => answer.len() == datagram.len(),
                _ => true,
            })
        }
    }
}
