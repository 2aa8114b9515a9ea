//! Keys, as a terminal sends them. Pure: bytes in, keys out.
//!
//! This file hides the escape sequences.

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// Return.
    Enter,
    /// Escape, pressed alone.
    Escape,
    /// Backspace.
    Backspace,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// Ctrl-C or Ctrl-D, by which a user wants out.
    Interrupt,
    /// Ctrl-L, by which a user wants the screen drawn anew.
    Redraw,
}

/// Reads the first key of `bytes`, as `(key, bytes used)`; the key is `None` for a sequence that means
/// nothing here. Returns `None` if `bytes` is only the beginning of a key and more may come. If nothing
/// more comes (`is_all`), the beginning counts: an Escape alone is an Escape.
pub fn next_key(bytes: &[u8], is_all: bool) -> Option<(Option<Key>, usize)> {
    match bytes {
        [] => None,
        [0x1b, rest @ ..] => escaped(rest, is_all).map(|(key, used)| (key, used + 1)),
        [b'\r' | b'\n', ..] => Some((Some(Key::Enter), 1)),
        [0x7f | 0x08, ..] => Some((Some(Key::Backspace), 1)),
        [0x03 | 0x04, ..] => Some((Some(Key::Interrupt), 1)),
        [0x0c, ..] => Some((Some(Key::Redraw), 1)),
        [control, ..] if *control < 0x20 => Some((None, 1)),
        _ => character(bytes, is_all),
    }
}

/// What follows an escape character.
fn escaped(rest: &[u8], is_all: bool) -> Option<(Option<Key>, usize)> {
    let [introducer @ (b'[' | b'O'), sequence @ ..] = rest else {
        // Alt and a key is that key behind an Escape; two Escapes are two.
        return match rest.first() {
            None if !is_all => None,
            _ => Some((Some(Key::Escape), 0)),
        };
    };
    // Numbers and semicolons, then the letter that says what it is.
    let Some(end) = sequence
        .iter()
        .position(|byte| (0x40..=0x7e).contains(byte))
    else {
        let is_over = is_all || sequence.len() > 16;
        return is_over.then_some((None, rest.len()));
    };
    let (numbers, letter) = (&sequence[..end], sequence[end]);
    let number = numbers.split(|byte| *byte == b';').next();
    let key = match (letter, number) {
        (b'A', _) => Some(Key::Up),
        (b'B', _) => Some(Key::Down),
        (b'H', _) | (b'~', Some(b"1" | b"7")) => Some(Key::Home),
        (b'F', _) | (b'~', Some(b"4" | b"8")) => Some(Key::End),
        (b'~', Some(b"5")) => Some(Key::PageUp),
        (b'~', Some(b"6")) => Some(Key::PageDown),
        (b'M', _) if *introducer == b'O' => Some(Key::Enter),
        _ => None,
    };
    Some((key, 1 + end + 1))
}

/// A character of one to four bytes.
fn character(bytes: &[u8], is_all: bool) -> Option<(Option<Key>, usize)> {
    let length = match bytes[0] {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    };
    if bytes.len() < length && !is_all {
        return None;
    }
    let bytes = &bytes[..length.min(bytes.len())];
    match std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.chars().next())
    {
        Some(character) => Some((Some(Key::Char(character)), bytes.len())),
        None => Some((None, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn all(mut bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        while let Some((key, used)) = next_key(bytes, true) {
            keys.extend(key);
            bytes = &bytes[used..];
        }
        keys
    }

    #[test]
    fn keys_of_several_terminals_are_known() {
        use Key::{Char, Down, End, Enter, Escape, Home, PageDown, PageUp, Up};
        for (bytes, keys) in [
            (&b"jk"[..], &[Char('j'), Char('k')][..]),
            (b"\x1b[A\x1b[B\x1bOA\x1bOB", &[Up, Down, Up, Down]),
            (b"\x1b[5~\x1b[6~", &[PageUp, PageDown]),
            (
                b"\x1b[H\x1b[F\x1bOH\x1b[1~\x1b[4~\x1b[7~\x1b[8~",
                &[Home, End, Home, Home, End, Home, End],
            ),
            (b"\x1b[1;5A", &[Up]),
            (b"\r\n", &[Enter, Enter]),
            (b"\x1b", &[Escape]),
            (b"\x1bq", &[Escape, Char('q')]),
            (b"\x7f\x08", &[Key::Backspace, Key::Backspace]),
            (
                b"\x03\x04\x0c",
                &[Key::Interrupt, Key::Interrupt, Key::Redraw],
            ),
            ("é界".as_bytes(), &[Char('é'), Char('界')]),
            (b"\x1b[200~a\x01\xff", &[Char('a')]),
        ] {
            assert_eq!(all(bytes), keys, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_beginning_of_a_key_waits_for_the_rest_of_it() {
        for beginning in [&b"\x1b"[..], b"\x1b[", b"\x1b[1;", b"\xe7\x95"] {
            assert_eq!(next_key(beginning, false), None);
            assert!(next_key(beginning, true).is_some());
        }
    }

    quickcheck! {
        fn every_byte_is_used_up(bytes: Vec<u8>) -> bool {
            let mut rest = &bytes[..];
            while let Some((_, used)) = next_key(rest, true) {
                assert!((1..=rest.len()).contains(&used));
                rest = &rest[used..];
            }
            rest.is_empty()
        }
    }
}
