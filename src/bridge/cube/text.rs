//! Text as the Cube family spells it. Pure.
//!
//! This file hides its characters, which are those of no standard, its colours, and the words of its
//! scripts.

use crate::query::clean;

/// The letters that the bytes 1 to 8, 14 to 31, and 127 to 255 stand for, as a server of Cube 2 says them
/// when its configuration has them in UTF-8.
const LETTERS: [(u8, &str); 3] = [
    (1, "ÀÁÂÃÄÅÆÇ"),
    (14, "ÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛ"),
    (
        127,
        "ÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĄąĆćČčĎďĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽžЄБГДЖЗИЙЛПУФЦЧШЩ\
         ЪЫЬЭЮЯбвгджзийклмнптфцчшщъыьэюяєҐґ",
    ),
];

/// Letters that are spelled as others that look the same.
const ALIKE: (&str, &str) = (
    "АВСЕНІЈКМОРЅТХасеіјорѕухЁЇёї",
    "ABCEHIJKMOPSTXaceijopsyxËÏëï",
);

/// What begins a colour.
const COLOUR: u8 = 0x0c;

/// The most words of a line that are looked at.
const MAX_WORDS: usize = 16;

/// Plain text of what a game server says.
///
/// ```
/// use gltracker::bridge::cube::text::plain;
/// assert_eq!(plain(b"\x0c3Caf\x8b\x0c[255]!"), "Café!");
/// ```
pub fn plain(bytes: &[u8]) -> String {
    clean::value(without_colours(bytes).map(letter))
}

/// Leaves out colours: one character behind the sign, what stands in brackets behind it, or the two
/// that blink.
fn without_colours(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        while let [COLOUR, after @ ..] = rest {
            rest = &after[length_of_colour(after).min(after.len())..];
        }
        let (first, after) = rest.split_first()?;
        rest = after;
        Some(*first)
    })
}

fn length_of_colour(after: &[u8]) -> usize {
    let to = |end: u8| after.iter().position(|&byte| byte == end).map(|at| at + 1);
    let length = match after.first() {
        Some(b'[') => to(b']'),
        Some(b'(') => to(b')'),
        Some(b'{') => to(b'}'),
        Some(b'<') => to(b'>'),
        Some(b'z') => Some(3),
        _ => Some(1),
    };
    length.unwrap_or(1)
}

fn letter(byte: u8) -> char {
    let of_range = |(first, letters): &(u8, &str)| {
        let at = byte.checked_sub(*first)?;
        letters.chars().nth(usize::from(at))
    };
    LETTERS
        .iter()
        .find_map(of_range)
        .unwrap_or(char::from(byte))
}

/// The byte for a character that has one.
fn byte(c: char) -> Option<u8> {
    if matches!(c, ' '..='~') {
        return u8::try_from(c).ok();
    }
    let same = |(from, to): (&str, &'static str)| {
        let at = from.chars().position(|alike| alike == c)?;
        to.chars().nth(at)
    };
    let c = same(ALIKE).unwrap_or(c);
    if c.is_ascii_alphabetic() {
        return u8::try_from(c).ok();
    }
    let of_range = |(first, letters): &(u8, &str)| {
        let at = letters.chars().position(|letter| letter == c)?;
        u8::try_from(at).ok()?.checked_add(*first)
    };
    LETTERS.iter().find_map(of_range)
}

/// `text` as one word of a script, in quotes. What has no byte becomes a question mark.
///
/// ```
/// use gltracker::bridge::cube::text::quoted;
/// assert_eq!(quoted("say \"hi\"; 5^2"), b"\"say ^\"hi^\"; 5^^2\"");
/// ```
pub fn quoted(text: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    for c in text.chars() {
        match byte(c) {
            Some(sign @ (b'"' | b'^')) => out.extend([b'^', sign]),
            Some(byte) => out.push(byte),
            None => out.push(b'?'),
        }
    }
    out.push(b'"');
    out
}

/// The words of one line of a script, as bytes: between spaces, or in quotes with `^` before what is
/// meant as it stands.
pub fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() && words.len() < MAX_WORDS {
        let word;
        (word, rest) = match rest {
            [b'"', after @ ..] => in_quotes(after),
            _ => {
                let end = rest.iter().position(u8::is_ascii_whitespace);
                let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
                (word.to_vec(), rest)
            }
        };
        words.push(word);
        rest = rest.trim_ascii_start();
    }
    words
}

/// The word up to the next quote, and what stands behind that.
fn in_quotes(after: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut word, mut rest) = (Vec::new(), after);
    loop {
        let byte;
        (byte, rest) = match rest {
            [] => return (word, rest),
            [b'"', after @ ..] => return (word, after),
            [b'^', b'f', after @ ..] => (COLOUR, after),
            [b'^', b'n' | b't', after @ ..] => (b' ', after),
            [b'^', byte, after @ ..] | [byte, after @ ..] => (*byte, after),
        };
        word.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn every_letter_has_one_byte_of_its_own() {
        let mut all: Vec<u8> = (1..=255).collect();
        all.retain(|byte| !(9..14).contains(byte));
        for byte in all {
            assert_eq!(super::byte(letter(byte)), Some(byte), "{byte}");
        }
    }

    #[test]
    fn a_name_is_read_as_the_real_servers_say_it() {
        assert_eq!(plain(b"Caf\x8b \xd7p\xea\xe5e\xf1 \x0c3x"), "Café Пpивeт x");
        assert_eq!(
            plain(b"\x0czgcwild \x0c(icon)\x0c[unclosed"),
            "wild unclosed"
        );
        assert_eq!(plain(b"\x0c"), "");
        assert_eq!(quoted("Привет"), b"\"\xd7p\xea\xe5e\xf1\"");
    }

    #[test]
    fn a_line_is_cut_into_words() {
        let line = b" server 28801 * 160 \"a ^\"b^\" ^^5; ^f3c\" 1 \"\"\tend\"";
        let words = words(line);
        let words: Vec<_> = words
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect();
        assert_eq!(
            words,
            [
                "server",
                "28801",
                "*",
                "160",
                "a \\\"b\\\" ^5; \\x0c3c",
                "1",
                "",
                "end\\\""
            ]
        );
    }

    quickcheck! {
        fn whatever_is_quoted_is_one_word(text: String, more: String) -> bool {
            let line = [quoted(&text), quoted(&more)].join(&b' ');
            let read = words(&line);
            let bytes = |text: &str| text.chars().map(|c| byte(c).unwrap_or(b'?')).collect::<Vec<_>>();
            read == [bytes(&text), bytes(&more)] && !line.iter().any(|byte| b"\0\n\r".contains(byte))
        }

        fn no_bytes_panic(bytes: Vec<u8>) -> bool {
            let _ = (plain(&bytes), words(&bytes));
            true
        }
    }
}
