//! What a client asks for: bytes to a value.

use crate::bridge::quake::games::is_name;

/// A question for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bridge::quake) struct Question {
    /// Which game; `None` if the number of the protocol is to say it.
    pub(super) game: Option<String>,
    /// The number of its protocol.
    pub(super) protocol: i32,
    /// Those that have no players are wanted.
    pub(super) empty: bool,
    /// Those that have no room are wanted.
    pub(super) full: bool,
    /// The mode that is wanted.
    pub(super) mode: Option<String>,
    /// Those with an IPv4 address are wanted.
    pub(super) v4: bool,
    /// Those with an IPv6 address are wanted.
    pub(super) v6: bool,
    /// `getserversExt`, which knows of IPv6.
    pub(super) is_extended: bool,
}

impl Question {
    /// Reads what follows `getservers`, or `getserversExt`. None for what is not answered: no protocol,
    /// or one that is no number, or a name without one.
    pub(in crate::bridge::quake) fn read(rest: &[u8], is_extended: bool) -> Option<Self> {
        let words = rest.split(|byte| byte.is_ascii_whitespace() || *byte == 0);
        let mut words = words.filter(|word| !word.is_empty());
        let first = words.next()?;
        let (game, protocol) = match number(first).filter(|_| !is_extended) {
            Some(protocol) => (None, protocol),
            None => (Some(name(first)?), number(words.next()?)?),
        };
        let mut question = Self {
            game,
            protocol,
            empty: false,
            full: false,
            mode: None,
            v4: false,
            v6: false,
            is_extended,
        };
        words.for_each(|word| question.add(word));
        if !is_extended || !(question.v4 || question.v6) {
            (question.v4, question.v6) = (true, is_extended);
        }
        Some(question)
    }

    /// One more word. Those that are not known are passed over.
    fn add(&mut self, word: &[u8]) {
        match word {
            b"empty" => self.empty = true,
            b"full" => self.full = true,
            b"ipv4" => self.v4 = true,
            b"ipv6" => self.v6 = true,
            b"ffa" => self.mode = Some("0".to_owned()),
            b"tourney" => self.mode = Some("1".to_owned()),
            b"team" => self.mode = Some("3".to_owned()),
            b"ctf" => self.mode = Some("4".to_owned()),
            _ => {
                if let Some(mode) = word.strip_prefix(b"gametype=") {
                    self.mode = Some(String::from_utf8_lossy(mode).into_owned());
                }
            }
        }
    }
}

/// The whole number that `word` spells.
pub(in crate::bridge::quake) fn number(word: &[u8]) -> Option<i32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn name(word: &[u8]) -> Option<String> {
    is_name(word).then(|| String::from_utf8_lossy(word).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question in a few words.
    fn read(text: &str) -> Option<String> {
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let question = Question::read(rest.as_bytes(), name == "getserversExt")?;
        let mark = |is, word| if is { word } else { "" };
        Some(format!(
            "{} {}{}{}{}{}{}",
            question.game.as_deref().unwrap_or("?"),
            question.protocol,
            mark(question.empty, " empty"),
            mark(question.full, " full"),
            question
                .mode
                .map_or(String::new(), |mode| format!(" mode {mode}")),
            mark(question.v4, " 4"),
            mark(question.v6, " 6"),
        ))
    }

    #[test]
    fn every_form_is_understood() {
        for (text, read_as) in [
            ("getservers 68 empty full\n", "? 68 empty full 4"),
            ("getservers 71 empty full", "? 71 empty full 4"),
            ("getservers Nexuiz 3 empty full", "Nexuiz 3 empty full 4"),
            ("getservers 68 empty full demo\n", "? 68 empty full 4"),
            ("getservers  et   84\n\0", "et 84 4"),
            (
                "getservers Xonotic -3 gametype=ctf",
                "Xonotic -3 mode ctf 4",
            ),
            ("getservers 67 ffa full", "? 67 full mode 0 4"),
            ("getservers 67 tourney", "? 67 mode 1 4"),
            ("getservers 67 team", "? 67 mode 3 4"),
            ("getservers 67 ctf empty", "? 67 empty mode 4 4"),
            ("getservers 68abc 3", "68abc 3 4"),
            ("getservers 68 ipv6", "? 68 4"),
            (
                "getserversExt Quake3Arena 68 empty ipv6",
                "Quake3Arena 68 empty 6",
            ),
            ("getserversExt Xonotic 3 full ipv4", "Xonotic 3 full 4"),
            ("getserversExt Xonotic 3 ipv4 ipv6", "Xonotic 3 4 6"),
            ("getserversExt Xonotic 3", "Xonotic 3 4 6"),
        ] {
            assert_eq!(read(text).as_deref(), Some(read_as), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_answered_is_no_question() {
        for text in [
            "getservers",
            "getservers \n",
            "getservers Nexuiz",
            "getservers Nexuiz three",
            "getservers Nexuiz empty full",
            "getservers Nexuiz 99999999999",
            "getserversExt 68 empty",
            "getserversExt",
            "getservers N\u{e9}xuiz 3",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        let long = format!("getservers {} 3", "x".repeat(64));
        assert_eq!(read(&long), None);
    }
}
