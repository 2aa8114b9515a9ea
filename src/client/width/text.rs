//! How many columns of a terminal a text takes, and how it is made to fit.

use super::characters::{is_inside_sign, of, sign_start};
use crate::protocol::text::{is_inkless, is_plain, spelled_out};
use std::borrow::Cow;

/// The most marks on one character that [`plain`] keeps. Living languages need three or four.
const MAX_MARKS: usize = 8;

/// Turns the character before it into an emoji, which is two columns wide.
const EMOJI_SELECTOR: char = '\u{fe0f}';

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
