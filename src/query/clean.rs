//! Plain text from what a game says. Pure.

use crate::protocol::argument::MAX_VALUE;
use crate::protocol::text::{is_inkless, is_plain};
use std::borrow::Cow;

/// The text of `bytes`: UTF-8 or else Latin-1.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// `text` as a value of a field: on one line, without what is not plain, with single spaces, and no
/// longer than a value may be. It is empty if nothing of it would be seen.
///
/// ```
/// use gltracker::query::clean::value;
/// assert_eq!(value("Friday\n  \u{1b}[2Jcycles ".chars()), "Friday [2Jcycles");
/// ```
pub fn value(text: impl IntoIterator<Item = char>) -> String {
    let mut out = String::new();
    let mut is_gap = false;
    for c in text {
        if c.is_whitespace() {
            is_gap = !out.is_empty();
        } else if is_plain(c) {
            if out.len() + usize::from(is_gap) + c.len_utf8() > MAX_VALUE {
                break;
            }
            out.extend(is_gap.then_some(' '));
            out.push(c);
            is_gap = false;
        }
    }
    if out.chars().all(is_inkless) {
        out.clear();
    }
    out
}

/// The number that `bytes` spell, if it makes sense as a count of players.
pub(super) fn count(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

/// How many of `all` are not `bots`: all of them if that makes no sense.
pub(super) fn people(all: u16, bots: u16) -> u16 {
    all.checked_sub(bots).unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn only_plain_text_is_left() {
        let clean = |bytes: &[u8]| value(decode(bytes).chars());
        assert_eq!(clean(b" Friday \x1b[2Jcycles\n "), "Friday [2Jcycles");
        assert_eq!(clean(b"two\nlines\tand a tab"), "two lines and a tab");
        assert_eq!(clean("Пятница\u{202e}".as_bytes()), "Пятница");
        assert_eq!(clean(b"caf\xe9"), "café");
        assert_eq!(clean(&[b'x'; 10_000]).len(), MAX_VALUE);
        assert_eq!(clean("\u{feff} \u{3164}".as_bytes()), "");
        assert_eq!(clean("\u{feff}x".as_bytes()), "\u{feff}x");
        assert_eq!(
            (count(b"12"), count(b"-1"), count(b"70000")),
            (Some(12), None, None)
        );
    }

    quickcheck! {
        fn what_is_clean_stays_as_it_is(text: String) -> bool {
            let once = value(text.chars());
            once.len() <= MAX_VALUE && once.chars().all(is_plain) && value(once.chars()) == once
        }
    }
}
