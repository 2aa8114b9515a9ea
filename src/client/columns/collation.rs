//! Compares texts as people expect. Pure.
//!
//! This file hides what counts in a text. std has no tables of Unicode for that: accents are known of the
//! Latin letters of Europe and Vietnam, of Greek and of Cyrillic. The web page sorts in the same way, with the
//! tables of the player's browser.

use crate::client::width::width;

/// The digits of a number that counts as such; longer ones are compared by their first digits.
const DIGITS: usize = 12;

/// The Latin letters without their accents, from these code points on: of Unicode's decompositions, and ø, đ,
/// ð, ł and ı as people look for them. A point is a letter that is none of these.
const LATIN: [(u32, &str); 3] = [
    (
        0xe0,
        "aaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggghh..iiiiiiii\
         ii..jjkk.llllll..llnnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzzs\
         ................................oo.............uu",
    ),
    (
        0x1cd,
        "aaiioouuuuuuuuuu.aaaa....ggkkoooo..j...gg..nnaa..ooaaaaeeeeiiiioooorrrruuuusstt.\
         .hh......aaeeooooooooyy",
    ),
    (
        0x1e00,
        "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooo\
         oooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s....\
         aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu\
         uuyyyyyyyy",
    ),
];

/// Greek and Cyrillic letters with accents, and the Greek sigma of a word's end, each before the one that it is
/// taken for.
const OTHERS: &str = "άαέεήηίιϊιΐιόούυϋυΰυώωςσйиѐеёеѓгїіќкѝиўу";

/// A text as it is compared: without accents and letter case, without what is no letter or digit in front,
/// and with numbers for digits. One without any letter or digit comes last.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Collated {
    is_nothing: bool,
    text: String,
}

impl Collated {
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim_start_matches(|c: char| !c.is_alphanumeric());
        let mut out = String::with_capacity(text.len());
        let mut number = String::new();
        // The last character ends a number, and is not one of the text.
        for c in text.chars().chain(['\n']).map(half_width) {
            if c.is_ascii_digit() {
                number.push(c);
                continue;
            }
            if !number.is_empty() {
                let digits = number.trim_start_matches('0');
                out.push_str(&format!("{digits:0>DIGITS$}"));
                number.clear();
            }
            c.to_lowercase().for_each(|c| push_base(&mut out, c));
        }
        out.pop();
        Self {
            is_nothing: out.is_empty(),
            text: out,
        }
    }

    /// True if there is no letter or digit: it comes last in every direction.
    pub(crate) fn is_nothing(&self) -> bool {
        self.is_nothing
    }
}

/// A text as it is searched: without accents and letter case.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        c.to_lowercase().for_each(|c| push_base(&mut out, c));
    }
    out
}

/// What a full-width form of a character of ASCII stands for; any other character as it is.
fn half_width(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Adds a lower-case character without its accents; a mark by itself is one.
fn push_base(out: &mut String, c: char) {
    let c = half_width(c);
    match c {
        // Most of what is written.
        '\0'..='~' => return out.push(c),
        'ß' => return out.push_str("ss"),
        'æ' | 'ǣ' | 'ǽ' => return out.push_str("ae"),
        'œ' => return out.push_str("oe"),
        'þ' => return out.push_str("th"),
        _ => {}
    }
    let code = u32::from(c);
    let latin = LATIN.iter().find_map(|(first, letters)| {
        let at = code.checked_sub(*first)? as usize;
        letters.as_bytes().get(at).filter(|letter| **letter != b'.')
    });
    let mut others = OTHERS
        .chars()
        .step_by(2)
        .zip(OTHERS.chars().skip(1).step_by(2));
    match latin {
        Some(letter) => out.push(char::from(*letter)),
        None => match others.find(|(accented, _)| *accented == c) {
            Some((_, letter)) => out.push(letter),
            None if width(c.encode_utf8(&mut [0; 4])) == 0 => {}
            None => out.push(c),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn texts_are_in_the_order_that_people_expect() {
        let sorted = [
            "  2 fast",
            "[007] bond",
            "１０ fast",
            "11 fast",
            "-= alpha =-",
            "Ärger",
            "azimut",
            "Éclair",
            "E\u{301}cole",
            "œuf",
            "Örebro 9",
            "orebro 10",
            "Straße",
            "strasse 2",
            "ｘ-ＷＩＮＧ",
            "⚡ Żółw",
            "Ωμέγα",
            "Ели",
            "ёлка",
            "ァ",
            "金曜日",
            "가",
        ];
        let mut texts = sorted;
        texts.reverse();
        texts.sort_by_key(|text| Collated::of(text));
        assert_eq!(texts, sorted);
    }

    #[test]
    fn what_differs_only_in_what_does_not_count_is_the_same() {
        for (one, other) in [
            ("Crème Brûlée", "  creme brulee"),
            ("★★ MEGA 007", "mega 7"),
            ("Đặng", "dang"),
            ("ΆΛΦΑ", "αλφα"),
            ("ΛΌΓΟΣ", "λόγος"),
            ("Ǿ Ǽ Ǣ", "ø ae æ"),
            ("Йод", "Иод"),
            ("ｍａｐ　１２", "Map\u{3000}12"),
            ("大会０７", "大会7"),
        ] {
            assert_eq!(Collated::of(one), Collated::of(other), "{one}");
        }
        assert_ne!(Collated::of("a-b"), Collated::of("ab"));
    }

    #[test]
    fn what_says_nothing_comes_last() {
        for nothing in ["", "   ", "\u{200b}", "★ ★", "---"] {
            assert!(Collated::of(nothing).is_nothing(), "{nothing:?}");
            assert!(Collated::of(nothing) > Collated::of("語"));
        }
    }

    quickcheck! {
        fn numbers_are_compared_as_numbers(a: u32, b: u32) -> bool {
            let text = |number| Collated::of(&format!("server {number} x"));
            text(a).cmp(&text(b)) == a.cmp(&b)
        }

        fn what_stands_in_front_does_not_count(text: String) -> bool {
            Collated::of(&text) == Collated::of(&format!(" ~*[ {text}"))
        }
    }
}
