//! Which characters may travel, how anything else is shown, and how numbers are written.
//!
//! Whatever a stranger types may end up in a player's terminal, on a web page or in an operator's log. So
//! no value holds a character that could move a cursor, start a new line or reverse the reading order.
//! Where such a character must be mentioned, in an `ERR` line or in a log line, it is spelled out.

use std::str::FromStr;

/// True for a character that is nothing but visible text or a space.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, and bidirectional controls, which make
/// text read as something else, are not plain.
pub(crate) fn is_plain(c: char) -> bool {
    !matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{2028}' | '\u{2029}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True for a character that shows nothing: spaces of whatever kind, fillers, and most format characters.
pub(crate) fn is_inkless(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first character of `text` that is not plain, if there is one.
pub(crate) fn first_not_plain(text: &str) -> Option<char> {
    text.chars().find(|&c| !is_plain(c))
}

/// `text` with every character that is not plain spelled out as `\u{1b}`, and cut after
/// `max_chars` characters (with `…` in place of the rest).
pub fn spelled_out(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max_chars));
    for (n, c) in text.chars().enumerate() {
        if n == max_chars {
            shown.push('…');
            break;
        }
        if is_plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// `text` without its digits: what is said again with other numbers is no news.
pub(crate) fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The number that `text` spells with digits alone; std would take a plus sign before them.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// The number of a challenge as it travels: 16 hexadecimal digits. A password, a port and such a number
/// cannot be mistaken for one another.
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

    #[test]
    fn text_in_any_script_is_plain() {
        assert_eq!(
            first_not_plain("Friday cycles, Пятница, 金曜日, 🏍️ e\u{301}"),
            None
        );
    }

    #[test]
    fn what_could_fool_a_reader_is_not_plain() {
        for c in [
            '\0', '\t', '\r', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{2029}',
            '\u{61c}', '\u{200e}', '\u{200f}', '\u{202e}', '\u{2066}', '\u{2069}',
        ] {
            assert!(!is_plain(c), "{c:?}");
        }
    }

    #[test]
    fn spelling_out_leaves_only_plain_text_and_keeps_to_the_bound() {
        assert_eq!(spelled_out("a\u{1b}[2Jb", 20), "a\\u{1b}[2Jb");
        assert_eq!(spelled_out("abcdef", 3), "abc…");
        assert_eq!(spelled_out("abc", 3), "abc");
    }

    #[test]
    fn a_number_is_digits_and_fits() {
        assert_eq!(
            (number::<u8>("24"), number::<u8>("007")),
            (Some(24), Some(7))
        );
        for bad in ["", "+24", "-1", " 1", "1 ", "256", "२"] {
            assert_eq!(number::<u8>(bad), None, "{bad}");
        }
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
        fn a_number_comes_back(number: u64) -> bool {
            parse_number(&format_number(number)) == Some(number)
        }
    }
}
