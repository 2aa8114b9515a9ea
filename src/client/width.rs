//! How many columns of a terminal a text takes.
//!
//! This file hides the tables: which characters are two columns wide and which none, from the
//! Unicode Character Database (East Asian Width; marks and format characters), for the scripts
//! that are written today. Where terminals disagree the wider is taken: a gap is better than a
//! line that is too long.

use crate::protocol::text::{is_inkless, is_plain, spelled_out};
use std::borrow::Cow;

/// The most marks on one character that [`plain`] keeps. Living languages need three or four.
const MAX_MARKS: usize = 8;

/// Turns the character before it into an emoji, which is two columns wide.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Makes one sign of the characters around it.
const JOINER: char = '\u{200d}';

/// Columns that `text` takes, which is plain: 2 for each East Asian wide character and emoji, 0
/// for marks that are put onto others and for what cannot be seen, 1 for the rest.
///
/// ```
/// use gltracker::client::width::width;
/// assert_eq!((width("cycles"), width("金曜日"), width("e\u{301}")), (6, 6, 1));
/// ```
pub fn width(text: &str) -> usize {
    let mut before = 0;
    text.chars().map(|c| added(c, &mut before)).sum()
}

/// What a stranger wrote, as it may be shown: what is not plain spelled out, no more than
/// `max_chars` characters, no towers of marks, and none at its beginning: they would be put onto
/// whatever stands before it, and the emoji selector would make that wider.
pub fn plain(text: &str, max_chars: usize) -> String {
    let mut marks = MAX_MARKS;
    let mut text = spelled_out(text, max_chars);
    text.retain(|c| {
        marks = if of(c) == 0 { marks + 1 } else { 0 };
        marks <= MAX_MARKS
    });
    text
}

/// True if nothing of `text` would be seen: it is empty, or all spaces of whatever kind and
/// characters without ink.
///
/// ```
/// use gltracker::client::width::is_blank;
/// assert!(is_blank(" \u{a0}\u{200b}") && !is_blank(" _ "));
/// ```
pub fn is_blank(text: &str) -> bool {
    let mut chars = text.chars();
    chars.all(|c| is_plain(c) && (is_inkless(c) || of(c) == 0))
}

/// `text` in at most `columns` columns, which if it does not fit ends with `…`.
///
/// ```
/// use gltracker::client::width::cut;
/// assert_eq!((cut("cycles", 6), cut("cycles", 4)), ("cycles".into(), "cyc…".into()));
/// assert_eq!(cut("金曜日", 4), "金…", "there is no half of a character");
/// ```
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(columns) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let (mut taken, mut before) = (0, 0);
    let fits = |&(_, c): &(usize, char)| {
        taken += added(c, &mut before);
        taken > columns
    };
    let end = text
        .char_indices()
        .find(fits)
        .map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…", &text[..sign_start(text, end)]))
}

/// The end of `text` in at most `columns` columns, which if that is not all begins with `…`.
///
/// ```
/// use gltracker::client::width::cut_start;
/// assert_eq!((cut_start("cycles", 6), cut_start("cycles", 4)), ("cycles".into(), "…les".into()));
/// ```
pub fn cut_start(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(columns) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let (mut left, mut before) = (width(text), 0);
    // Marks whose character does not fit go with it.
    let mut fits = |&(_, c): &(usize, char)| {
        let fits = left <= columns && of(c) > 0;
        left -= added(c, &mut before);
        fits
    };
    let mut places = text.char_indices().skip_while(|place| !fits(place));
    let start = places
        .find(|(at, _)| !is_inside_sign(text, *at))
        .map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("…{}", &text[start..]))
}

/// `text` in pieces of at most `columns` columns each, or of one character where that is wider;
/// one piece, which is empty, of an empty text. It is broken at spaces, each of which is then left
/// out; in a word that is longer behind a sign such as a comma or a slash; and elsewhere only where there is
/// none.
///
/// ```
/// use gltracker::client::width::wrap;
/// assert_eq!(wrap("fast cycles", 9), ["fast", "cycles"]);
/// assert_eq!(wrap("cycles", 4), ["cycl", "es"]);
/// assert_eq!(wrap("alpha,beta", 8), ["alpha,", "beta"]);
/// assert_eq!(wrap("金曜日", 5), ["金曜", "日"]);
/// ```
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    // Where it can be broken: at a space, and behind a sign.
    let (mut space, mut sign) = (None, None);
    let (mut start, mut at, mut taken, mut before) = (0, 0, 0, 0);
    while let Some(c) = text[at..].chars().next() {
        if c == ' ' {
            space = Some(at);
        }
        let more = added(c, &mut before);
        if taken + more > columns && at > start {
            let places = [space, sign].into_iter().flatten();
            let places = places.chain([sign_start(text, at)]);
            let end = places.into_iter().find(|end| *end > start).unwrap_or(at);
            pieces.push(&text[start..end]);
            start = end + usize::from(text[end..].starts_with(' '));
            (at, taken, space, sign) = (start, 0, None, None);
            continue;
        }
        taken += more;
        at += c.len_utf8();
        if c.is_ascii_punctuation() {
            sign = Some(at);
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// `text` with spaces behind it, so that it takes `columns` columns if it takes no more already.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{:1$}", "", columns.saturating_sub(width(text)))
}

/// `text` with spaces before it, for numbers.
pub fn pad_left(text: &str, columns: usize) -> String {
    format!("{:1$}{text}", "", columns.saturating_sub(width(text)))
}

/// Where the sign begins in whose middle the place `at` of `text` is; `at` itself between two signs.
fn sign_start(text: &str, at: usize) -> usize {
    let mut places = text[..at].char_indices().rev().map(|(before, _)| before);
    match is_inside_sign(text, at) {
        true => places
            .find(|place| !is_inside_sign(text, *place))
            .unwrap_or(0),
        false => at,
    }
}

/// True if the character at `at` is one sign with what stands before it: a mark, a tone of skin, what is
/// joined to that, or the second half of a flag.
fn is_inside_sign(text: &str, at: usize) -> bool {
    let is_half = |c: &char| ('\u{1f1e6}'..='\u{1f1ff}').contains(c);
    let (before, Some(c)) = (&text[..at], text[at..].chars().next()) else {
        return false;
    };
    let halves = || before.chars().rev().take_while(is_half).count();
    !before.is_empty()
        && (of(c) == 0
            || ('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
            || before.ends_with(JOINER)
            || is_half(&c) && halves() % 2 == 1)
}

/// Columns that `c` adds behind a character of `before` columns; marks do not change that.
fn added(c: char, before: &mut usize) -> usize {
    if c == EMOJI_SELECTOR && *before == 1 {
        *before = 2;
        return 1;
    }
    let width = of(c);
    if width > 0 {
        *before = width;
    }
    width
}

/// Columns that `c` takes by itself.
fn of(c: char) -> usize {
    // Nearly all of what is written.
    if (' '..'\u{300}').contains(&c) {
        return 1;
    }
    let code = u32::from(c);
    let is_in = |table: &[(u32, u32)]| {
        let at = table.partition_point(|(_, last)| *last < code);
        table.get(at).is_some_and(|(first, _)| *first <= code)
    };
    match () {
        () if is_in(ZERO) => 0,
        () if is_in(WIDE) => 2,
        () => 1,
    }
}

/// Marks, format characters, variation selectors, and the parts of Hangul syllables that are put
/// below others.
#[rustfmt::skip]
const ZERO: &[(u32, u32)] = &[
    (0x300, 0x36f), (0x483, 0x489), (0x591, 0x5bd), (0x5bf, 0x5bf), (0x5c1, 0x5c2), (0x5c4, 0x5c5),
    (0x5c7, 0x5c7), (0x610, 0x61a), (0x61c, 0x61c), (0x64b, 0x65f), (0x670, 0x670), (0x6d6, 0x6dc),
    (0x6df, 0x6e4), (0x6e7, 0x6e8), (0x6ea, 0x6ed), (0x711, 0x711), (0x730, 0x74a), (0x7a6, 0x7b0),
    (0x7eb, 0x7f3), (0x7fd, 0x7fd), (0x816, 0x819), (0x81b, 0x823), (0x825, 0x827), (0x829, 0x82d),
    (0x859, 0x85b), (0x898, 0x89f), (0x8ca, 0x8e1), (0x8e3, 0x902), (0x93a, 0x93a), (0x93c, 0x93c),
    (0x941, 0x948), (0x94d, 0x94d), (0x951, 0x957), (0x962, 0x963), (0x981, 0x981), (0x9bc, 0x9bc),
    (0x9c1, 0x9c4), (0x9cd, 0x9cd), (0x9e2, 0x9e3), (0x9fe, 0xa02), (0xa3c, 0xa3c), (0xa41, 0xa51),
    (0xa70, 0xa71), (0xa75, 0xa75), (0xa81, 0xa82), (0xabc, 0xabc), (0xac1, 0xac8), (0xacd, 0xacd),
    (0xae2, 0xae3), (0xafa, 0xb01), (0xb3c, 0xb3c), (0xb3f, 0xb3f), (0xb41, 0xb44), (0xb4d, 0xb56),
    (0xb62, 0xb63), (0xb82, 0xb82), (0xbc0, 0xbc0), (0xbcd, 0xbcd), (0xc00, 0xc00), (0xc04, 0xc04),
    (0xc3c, 0xc3c), (0xc3e, 0xc40), (0xc46, 0xc56), (0xc62, 0xc63), (0xc81, 0xc81), (0xcbc, 0xcbc),
    (0xcbf, 0xcbf), (0xcc6, 0xcc6), (0xccc, 0xccd), (0xce2, 0xce3), (0xd00, 0xd01), (0xd3b, 0xd3c),
    (0xd41, 0xd44), (0xd4d, 0xd4d), (0xd62, 0xd63), (0xd81, 0xd81), (0xdca, 0xdca), (0xdd2, 0xdd6),
    (0xe31, 0xe31), (0xe34, 0xe3a), (0xe47, 0xe4e), (0xeb1, 0xeb1), (0xeb4, 0xebc), (0xec8, 0xecd),
    (0xf18, 0xf19), (0xf35, 0xf35), (0xf37, 0xf37), (0xf39, 0xf39), (0xf71, 0xf7e), (0xf80, 0xf84),
    (0xf86, 0xf87), (0xf8d, 0xfbc), (0xfc6, 0xfc6), (0x102d, 0x1030), (0x1032, 0x1037),
    (0x1039, 0x103a), (0x103d, 0x103e), (0x1058, 0x1059), (0x105e, 0x1060), (0x1071, 0x1074),
    (0x1082, 0x1082), (0x1085, 0x1086), (0x108d, 0x108d), (0x109d, 0x109d), (0x1160, 0x11ff),
    (0x135d, 0x135f), (0x1712, 0x1714), (0x1732, 0x1733), (0x1752, 0x1753), (0x1772, 0x1773),
    (0x17b4, 0x17b5), (0x17b7, 0x17bd), (0x17c6, 0x17c6), (0x17c9, 0x17d3), (0x17dd, 0x17dd),
    (0x180b, 0x180f), (0x1885, 0x1886), (0x18a9, 0x18a9), (0x1920, 0x1922), (0x1927, 0x1928),
    (0x1932, 0x1932), (0x1939, 0x193b), (0x1a17, 0x1a18), (0x1a1b, 0x1a1b), (0x1a56, 0x1a56),
    (0x1a58, 0x1a60), (0x1a62, 0x1a62), (0x1a65, 0x1a6c), (0x1a73, 0x1a7f), (0x1ab0, 0x1b03),
    (0x1b34, 0x1b34), (0x1b36, 0x1b3a), (0x1b3c, 0x1b3c), (0x1b42, 0x1b42), (0x1b6b, 0x1b73),
    (0x1b80, 0x1b81), (0x1ba2, 0x1ba5), (0x1ba8, 0x1ba9), (0x1bab, 0x1bad), (0x1be6, 0x1be6),
    (0x1be8, 0x1be9), (0x1bed, 0x1bed), (0x1bef, 0x1bf1), (0x1c2c, 0x1c33), (0x1c36, 0x1c37),
    (0x1cd0, 0x1cd2), (0x1cd4, 0x1ce0), (0x1ce2, 0x1ce8), (0x1ced, 0x1ced), (0x1cf4, 0x1cf4),
    (0x1cf8, 0x1cf9), (0x1dc0, 0x1dff), (0x200b, 0x200f), (0x202a, 0x202e), (0x2060, 0x206f),
    (0x20d0, 0x20f0), (0x2cef, 0x2cf1), (0x2d7f, 0x2d7f), (0x2de0, 0x2dff), (0x302a, 0x302d),
    (0x3099, 0x309a), (0xa66f, 0xa672), (0xa674, 0xa67d), (0xa69e, 0xa69f), (0xa6f0, 0xa6f1),
    (0xa802, 0xa802), (0xa806, 0xa806), (0xa80b, 0xa80b), (0xa825, 0xa826), (0xa82c, 0xa82c),
    (0xa8c4, 0xa8c5), (0xa8e0, 0xa8f1), (0xa8ff, 0xa8ff), (0xa926, 0xa92d), (0xa947, 0xa951),
    (0xa980, 0xa982), (0xa9b3, 0xa9b3), (0xa9b6, 0xa9b9), (0xa9bc, 0xa9bd), (0xa9e5, 0xa9e5),
    (0xaa29, 0xaa2e), (0xaa31, 0xaa32), (0xaa35, 0xaa36), (0xaa43, 0xaa43), (0xaa4c, 0xaa4c),
    (0xaa7c, 0xaa7c), (0xaab0, 0xaab0), (0xaab2, 0xaab4), (0xaab7, 0xaab8), (0xaabe, 0xaabf),
    (0xaac1, 0xaac1), (0xaaec, 0xaaed), (0xaaf6, 0xaaf6), (0xabe5, 0xabe5), (0xabe8, 0xabe8),
    (0xabed, 0xabed), (0xfb1e, 0xfb1e), (0xfe00, 0xfe0f), (0xfe20, 0xfe2f), (0xfeff, 0xfeff),
    (0xfff9, 0xfffb), (0x1d167, 0x1d169), (0x1d173, 0x1d182), (0x1d185, 0x1d18b),
    (0x1d1aa, 0x1d1ad), (0x1e8d0, 0x1e8d6), (0x1e944, 0x1e94a), (0xe0000, 0xe0fff),
];

/// East Asian wide and full-width, and emoji that are shown as such by themselves. What is in
/// [`ZERO`] too counts there.
#[rustfmt::skip]
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f), (0x231a, 0x231b), (0x2329, 0x232a), (0x23e9, 0x23ec), (0x23f0, 0x23f0),
    (0x23f3, 0x23f3), (0x25fd, 0x25fe), (0x2614, 0x2615), (0x2648, 0x2653), (0x267f, 0x267f),
    (0x2693, 0x2693), (0x26a1, 0x26a1), (0x26aa, 0x26ab), (0x26bd, 0x26be), (0x26c4, 0x26c5),
    (0x26ce, 0x26ce), (0x26d4, 0x26d4), (0x26ea, 0x26ea), (0x26f2, 0x26f3), (0x26f5, 0x26f5),
    (0x26fa, 0x26fa), (0x26fd, 0x26fd), (0x2705, 0x2705), (0x270a, 0x270b), (0x2728, 0x2728),
    (0x274c, 0x274c), (0x274e, 0x274e), (0x2753, 0x2755), (0x2757, 0x2757), (0x2795, 0x2797),
    (0x27b0, 0x27b0), (0x27bf, 0x27bf), (0x2b1b, 0x2b1c), (0x2b50, 0x2b50), (0x2b55, 0x2b55),
    (0x2e80, 0x303e), (0x3041, 0x3247), (0x3250, 0x4dbf), (0x4e00, 0xa4cf), (0xa960, 0xa97c),
    (0xac00, 0xd7a3), (0xf900, 0xfaff), (0xfe10, 0xfe19), (0xfe30, 0xfe6f), (0xff01, 0xff60),
    (0xffe0, 0xffe6), (0x16fe0, 0x18d08), (0x1aff0, 0x1b2fb), (0x1f004, 0x1f004),
    (0x1f0cf, 0x1f0cf), (0x1f18e, 0x1f18e), (0x1f191, 0x1f19a), (0x1f200, 0x1f320),
    (0x1f32d, 0x1f335), (0x1f337, 0x1f37c), (0x1f37e, 0x1f393), (0x1f3a0, 0x1f3ca),
    (0x1f3cf, 0x1f3d3), (0x1f3e0, 0x1f3f0), (0x1f3f4, 0x1f3f4), (0x1f3f8, 0x1f43e),
    (0x1f440, 0x1f440), (0x1f442, 0x1f4fc), (0x1f4ff, 0x1f53d), (0x1f54b, 0x1f54e),
    (0x1f550, 0x1f567), (0x1f57a, 0x1f57a), (0x1f595, 0x1f596), (0x1f5a4, 0x1f5a4),
    (0x1f5fb, 0x1f64f), (0x1f680, 0x1f6c5), (0x1f6cc, 0x1f6cc), (0x1f6d0, 0x1f6d2),
    (0x1f6d5, 0x1f6df), (0x1f6eb, 0x1f6ef), (0x1f6f4, 0x1f6ff), (0x1f7e0, 0x1f7f0),
    (0x1f90c, 0x1f93a), (0x1f93c, 0x1f945), (0x1f947, 0x1f9ff), (0x1fa70, 0x1faff),
    (0x20000, 0x3fffd),
];

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn characters_take_no_column_one_or_two() {
        for (text, columns) in [
            ("", 0),
            ("a ~é¼", 5),
            ("Пятница", 7),
            ("שלום", 4),
            ("金曜日", 6),
            ("한글", 4),
            ("ｱﾆﾒ", 3),
            ("ＡＢ", 4),
            ("🎮", 2),
            ("🏍", 1),
            ("🏍\u{fe0f}", 2),
            ("🎮\u{fe0f}", 2),
            ("⚡⭐✨", 6),
            ("☀♥─█", 4),
            ("e\u{301}\u{300}", 1),
            ("a\u{200b}\u{200d}\u{feff}b", 2),
            ("กำลัง", 4),
            ("か\u{3099}", 2),
            ("\u{1100}\u{1161}\u{11a8}", 2),
            ("🇩🇪", 2),
            ("…", 1),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn tables_are_in_order() {
        for table in [ZERO, WIDE] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("a🏍\u{fe0f}b", 3), "a…");
        assert_eq!((cut("🇩🇪🇫🇷", 3), cut("🇩🇪🇫🇷", 2)), ("🇩🇪…".into(), "…".into()));
        assert_eq!(cut_start("🇩🇪🇫🇷a", 3), "…a");
        assert_eq!(cut("a👩\u{200d}🚀b", 4), "a…");
        assert_eq!(cut("a👍🏽b", 4), "a…");
        assert_eq!(cut_start("a👩\u{200d}🚀b", 4), "…b");
        assert_eq!(wrap("🇩🇪🇫🇷", 3), ["🇩🇪", "🇫🇷"]);
        assert_eq!(cut_start("ae\u{301}b", 2), "…b");
        assert_eq!(cut_start("金曜日", 4), "…日");
        assert_eq!(
            (cut_start("abc", 1), cut_start("abc", 0)),
            ("…".into(), "".into())
        );
        assert_eq!(
            (cut("abc", 1), cut("abc", 0), cut("", 0)),
            ("…".into(), "".into(), "".into())
        );
        assert_eq!(
            (pad("金", 4), pad_left("金", 4), pad("金", 1)),
            ("金  ".into(), "  金".into(), "金".into())
        );
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        let ideographic_space = "\u{3000}";
        for text in [
            "",
            "  ",
            ideographic_space,
            "\u{301}",
            "\u{200d}\u{feff}",
            "\u{3164} \u{2800}",
        ] {
            assert!(is_blank(text), "{}", text.escape_unicode());
        }
        // What is spelled out is seen.
        for text in [".", " a", "e\u{301}", "\u{202e}", "🎮"] {
            assert!(!is_blank(text), "{}", text.escape_unicode());
        }
    }

    #[test]
    fn towers_of_marks_are_taken_down() {
        let tower = format!("a{}b\u{301}", "\u{301}".repeat(200));
        assert_eq!(
            plain(&tower, 255),
            format!("a{}b\u{301}", "\u{301}".repeat(8))
        );
        assert_eq!(plain("\u{1b}[2J\u{202e}x", 255), "\\u{1b}[2J\\u{202e}x");
        assert_eq!(plain("\u{fe0f}\u{301}☀\u{fe0f}", 255), "☀\u{fe0f}");
    }

    #[test]
    fn a_line_is_as_wide_as_its_columns_whatever_they_begin_with() {
        for text in ["\u{fe0f}", "\u{fe0f}a", "\u{301}a", "☀\u{fe0f}", "🎮"] {
            let cell = pad(&cut(&plain(text, 255), 5), 5);
            let line = format!("a {cell} {cell} b");
            assert_eq!(width(&line), 15, "{}", text.escape_unicode());
        }
    }

    quickcheck! {
        fn columns_side_by_side_do_not_change_each_other(texts: Vec<String>) -> bool {
            let cells: Vec<String> = texts.iter().map(|text| plain(text, 20)).collect();
            let all: usize = cells.iter().map(|cell| width(cell) + 1).sum();
            width(&cells.iter().fold(String::new(), |line, cell| line + cell + " ")) == all
        }

        fn a_wrapped_text_fits_and_is_whole(text: String, columns: u8) -> bool {
            let columns = 2 + usize::from(columns % 40);
            let text = plain(&text.replace('a', " "), 60);
            let pieces = wrap(&text, columns);
            let without_spaces = |text: &str| text.replace(' ', "");
            pieces.iter().all(|piece| width(piece) <= columns)
                && without_spaces(&pieces.concat()) == without_spaces(&text)
        }

        fn a_cut_text_fits_and_a_padded_one_is_as_wide_as_it_shall_be(text: String, columns: u8) -> bool {
            let columns = usize::from(columns % 40);
            let text = plain(&text, 60);
            let cut = cut(&text, columns);
            width(&cut) <= columns
                && width(&cut_start(&text, columns)) <= columns
                && (width(&text) > columns || cut == text)
                && width(&pad(&cut, columns)) == columns
                && width(&pad_left(&cut, columns)) == columns
        }
    }
}
