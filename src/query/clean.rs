//! Plain text from what a game says. Pure.

use crate::protocol::argument::MAX_VALUE;
use crate::protocol::text::is_plain;
use std::borrow::Cow;

/// The text of `bytes` as a value of a field: UTF-8 or else Latin-1, without what is not plain, with
/// single spaces, and no longer than a value may be.
pub(super) fn clean(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    let mut out = String::new();
    for c in text.trim().chars().filter(|&c| is_plain(c)) {
        if out.len() + c.len_utf8() > MAX_VALUE {
            break;
        }
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The number that `bytes` spell, if it makes sense as a count of players.
pub(super) fn count(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_text_is_left() {
        assert_eq!(clean(b" Friday \x1b[2Jcycles\n "), "Friday [2Jcycles");
        assert_eq!(clean("Пятница\u{202e}".as_bytes()), "Пятница");
        assert_eq!(clean(b"caf\xe9"), "café");
        assert_eq!(clean(&[b'x'; 10_000]).len(), MAX_VALUE);
        assert_eq!(
            (count(b"12"), count(b"-1"), count(b"70000")),
            (Some(12), None, None)
        );
    }
}
