//! A line into arguments, and values into the form they travel in.
//!
//! An argument is a word, or a key, an operator and a value, which is in quotes where it must be.

use super::refusal::{ErrorCode, Refusal};
use super::text::{first_not_plain, is_plain, spelled_out};
use std::borrow::Cow;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 32;
/// The longest value after unquoting, in bytes.
pub const MAX_VALUE: usize = 255;

/// What stands between a key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`
    Is,
    /// `!=`
    IsNot,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// One argument of a line: `word`, or `key<operator>value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    /// A word that stands alone.
    Word(&'a str),
    /// A key, an operator and the unquoted value. The key has the right form and the value is
    /// plain text of at most [`MAX_VALUE`] bytes.
    Pair(&'a str, Operator, Cow<'a, str>),
}

/// Takes the first argument off the front of `rest`; `Ok(None)` when nothing but spaces is left.
///
/// # Errors
/// `bad-syntax` for a malformed key or quote, `bad-value` for a value that is too long or holds
/// characters that are not plain text.
pub(crate) fn next_argument<'a>(rest: &mut &'a str) -> Result<Option<Argument<'a>>, Refusal> {
    let text = rest.trim_start_matches(' ');
    if text.is_empty() {
        *rest = text;
        return Ok(None);
    }
    let name_end = text.find(|c| " =!<>\"".contains(c)).unwrap_or(text.len());
    let (name, after) = text.split_at(name_end);
    if after.is_empty() || after.starts_with(' ') {
        *rest = after;
        return Ok(Some(Argument::Word(name)));
    }
    let operators = [
        ("=", Operator::Is),
        ("!=", Operator::IsNot),
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
    ];
    let Some((operator, after)) = operators
        .iter()
        .find_map(|(sign, op)| Some((*op, after.strip_prefix(sign)?)))
    else {
        return Err(Refusal::new(
            ErrorCode::BadSyntax,
            format!(
                "'{}' is neither a word nor key=value, key!=value, key>=n or key<=n",
                shown_argument(text)
            ),
        ));
    };
    check_key(name)?;
    let (value, after) = split_value(name, after)?;
    check_value(name, &value)?;
    *rest = after;
    Ok(Some(Argument::Pair(name, operator, value)))
}

fn shown_argument(text: &str) -> String {
    spelled_out(text.split(' ').next().unwrap_or(text), 40)
}

/// Checks that `key` has the form `[a-z][a-z0-9_-]*`, at most [`MAX_KEY`] bytes.
///
/// # Errors
/// `bad-syntax`, with the form in its text.
pub(crate) fn check_key(key: &str) -> Result<(), Refusal> {
    let form = |(n, b): (usize, u8)| {
        b.is_ascii_lowercase() || (n > 0 && (b.is_ascii_digit() || b == b'_' || b == b'-'))
    };
    if !key.is_empty() && key.len() <= MAX_KEY && key.bytes().enumerate().all(form) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::BadSyntax,
        format!(
            "a key is a letter and then letters, digits, _ or -, in lower case, at most {MAX_KEY}; \
             '{}' is not",
            spelled_out(key, 40)
        ),
    ))
}

/// Checks that `value` may be the value of `key`, whatever `key` means.
///
/// # Errors
/// `bad-value` when it is longer than [`MAX_VALUE`] bytes or not plain text.
pub(crate) fn check_value(key: &str, value: &str) -> Result<(), Refusal> {
    if let Some(c) = first_not_plain(value) {
        return Err(Refusal::new(
            ErrorCode::BadValue,
            format!("{key} holds {}; values are plain text", c.escape_unicode()),
        ));
    }
    if value.len() > MAX_VALUE {
        return Err(Refusal::new(
            ErrorCode::BadValue,
            format!(
                "{key} has {} bytes; a value has at most {MAX_VALUE}",
                value.len()
            ),
        ));
    }
    Ok(())
}

/// Splits the value off the front of `text`, quoted or bare.
fn split_value<'a>(key: &str, text: &'a str) -> Result<(Cow<'a, str>, &'a str), Refusal> {
    let bad = |what: &str| Err(Refusal::new(ErrorCode::BadSyntax, format!("{key}: {what}")));
    let Some(quoted) = text.strip_prefix('"') else {
        let (bare, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
        if bare.contains('"') {
            return bad("a value with a quote in it is written \"like \\\"this\\\"\"");
        }
        return Ok((Cow::Borrowed(bare), rest));
    };
    // A value without escapes is taken as it stands.
    if let Some(end) = quoted.find(['"', '\\'])
        && let Some(rest) = quoted[end..].strip_prefix('"')
        && (rest.is_empty() || rest.starts_with(' '))
    {
        return Ok((Cow::Borrowed(&quoted[..end]), rest));
    }
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let rest = &quoted[at + 1..];
                if !rest.is_empty() && !rest.starts_with(' ') {
                    return bad("a space must follow the closing quote");
                }
                return Ok((Cow::Owned(value), rest));
            }
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                _ => return bad("between quotes a backslash stands before \" or \\ only"),
            },
            c => value.push(c),
        }
    }
    bad("the closing quote is missing")
}

/// Appends `value` as it travels: in quotes only where it must be. Every value has exactly one spelling.
pub(crate) fn push_value(out: &mut String, value: &str) {
    if !value.is_empty() && !value.contains([' ', '"']) {
        out.push_str(value);
        return;
    }
    out.push('"');
    for c in value.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Checks the word of a `PING` or `PONG`: plain text of at most [`MAX_VALUE`] bytes, no spaces.
///
/// # Errors
/// `bad-syntax` for several words, `bad-value` for one that cannot travel.
pub(crate) fn check_word(verb: &str, word: &str) -> Result<(), Refusal> {
    if word.contains(' ') {
        return Err(Refusal::new(
            ErrorCode::BadSyntax,
            format!("{verb} takes one word"),
        ));
    }
    if word.len() > MAX_VALUE || !word.chars().all(is_plain) {
        return Err(Refusal::new(
            ErrorCode::BadValue,
            format!("the word after {verb} is plain text of at most {MAX_VALUE} bytes"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn one(text: &str) -> Result<Argument<'_>, ErrorCode> {
        let mut rest = text;
        let argument = next_argument(&mut rest).map_err(|refusal| refusal.code)?;
        Ok(argument.unwrap())
    }

    fn pair<'a>(key: &'a str, op: Operator, value: &'a str) -> Result<Argument<'a>, ErrorCode> {
        Ok(Argument::Pair(key, op, Cow::Borrowed(value)))
    }

    #[test]
    fn arguments_are_words_or_pairs() {
        assert_eq!(one("notempty"), Ok(Argument::Word("notempty")));
        assert_eq!(one("a=1"), pair("a", Operator::Is, "1"));
        assert_eq!(one("a!=1"), pair("a", Operator::IsNot, "1"));
        assert_eq!(one("a>=1"), pair("a", Operator::AtLeast, "1"));
        assert_eq!(one("a<=1"), pair("a", Operator::AtMost, "1"));
        assert_eq!(one("a="), pair("a", Operator::Is, ""));
        assert_eq!(one("a=b=c\\d"), pair("a", Operator::Is, "b=c\\d"));
        assert_eq!(
            one("a=\"x \\\"y\\\" \\\\\" b=2"),
            pair("a", Operator::Is, "x \"y\" \\")
        );
        assert_eq!(next_argument(&mut "   "), Ok(None));
    }

    #[test]
    fn malformed_arguments_are_bad_syntax() {
        for text in [
            "a=\"open",
            "a=\"open\\",
            "a=\"x\"y",
            "a=x\"y\"",
            "a=\"\\n\"",
            "a!1",
            "a<1",
            "=1",
            "A=1",
            "1a=1",
            "a.b=1",
            "\"a\"=1",
            "a\"=1",
            "é=1",
            "abcdefghijklmnopqrstuvwxyzabcdefg=1",
        ] {
            assert_eq!(one(text), Err(ErrorCode::BadSyntax), "{text}");
        }
    }

    #[test]
    fn values_are_bounded_plain_text() {
        assert!(one(&format!("a={}", "v".repeat(255))).is_ok());
        assert_eq!(
            one(&format!("a={}", "v".repeat(256))),
            Err(ErrorCode::BadValue)
        );
        assert_eq!(one("a=\u{1b}[31m"), Err(ErrorCode::BadValue));
        assert_eq!(one("a=\"x\ry\""), Err(ErrorCode::BadValue));
        assert_eq!(one("a=\u{202e}abc"), Err(ErrorCode::BadValue));
    }

    quickcheck! {
        fn a_value_comes_back_as_it_went(value: String) -> bool {
            let value: String = value.chars().filter(|&c| is_plain(c)).take(60).collect();
            let mut spelled = "k=".to_owned();
            push_value(&mut spelled, &value);
            one(&spelled) == Ok(Argument::Pair("k", Operator::Is, Cow::Owned(value)))
        }

        fn nothing_panics(text: String) -> bool {
            let mut rest = text.as_str();
            while let Ok(Some(_)) = next_argument(&mut rest) {}
            true
        }
    }
}
