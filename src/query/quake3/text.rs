//! Colour codes and decorated letters.

use crate::query::clean;

/// The font of DarkPlaces has its letters in this private range of Unicode: 256 glyphs.
const GLYPHS: std::ops::RangeInclusive<char> = '\u{e000}'..='\u{e0ff}';

/// Plain text without colour codes, and with decorated letters as ordinary ones.
///
/// A colour code is `^` and a letter or a digit, `^xRGB`, or `^#RRGGBB`.
///
/// ```
/// use gltracker::query::quake3::text;
/// assert_eq!(text(b"^1Friday ^xf80cycles ^^"), "Friday cycles ^^");
/// ```
pub fn text(bytes: &[u8]) -> String {
    let decoded = clean::decode(bytes);
    let mut rest = &*decoded;
    let letters = std::iter::from_fn(|| {
        while let Some(length) = colour_code(rest) {
            rest = &rest[length..];
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        Some(letter)
    });
    clean::value(letters.filter_map(undecorated))
}

/// The length of the colour code that `text` begins with.
fn colour_code(text: &str) -> Option<usize> {
    let code = text.strip_prefix('^')?.as_bytes();
    let are_hex = |from: usize, to: usize| {
        let digits = code.get(from..to);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match code.first()? {
        b'x' if are_hex(1, 4) => Some(5),
        b'#' if are_hex(1, 7) => Some(8),
        byte if byte.is_ascii_alphanumeric() => Some(2),
        _ => None,
    }
}

/// The ordinary letter of a decorated one; none for a picture.
fn undecorated(letter: char) -> Option<char> {
    if !GLYPHS.contains(&letter) {
        return Some(letter);
    }
    // Its upper half has the same letters in another colour.
    let glyph = (u32::from(letter) & 0x7f) as u8;
    match glyph {
        16 => Some('['),
        17 => Some(']'),
        18..=27 => Some(char::from(b'0' + glyph - 18)),
        32..=126 => Some(char::from(glyph)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_decoration_are_gone() {
        for (decorated, plain) in [
            (&b"^1Friday ^7cycles"[..], "Friday cycles"),
            (b"^xf0fpink^#12ab34 green", "pink green"),
            (
                b"^x is no colour of three digits",
                "is no colour of three digits",
            ),
            (b"5^_^ ^", "5^_^ ^"),
            (b"^^1red", "^red"),
            (
                "\u{e050}\u{e0f5}\u{e012}\u{e00d}^2 \u{e010}DM\u{e011}".as_bytes(),
                "Pu0 [DM]",
            ),
            (b"^1\xe9t\xe9", "été"),
        ] {
            assert_eq!(text(decorated), plain);
        }
    }
}
