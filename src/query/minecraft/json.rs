//! JSON from anybody into values.

use std::iter::Peekable;
use std::str::Chars;

/// How deep values may lie in one another.
const DEEPEST: usize = 64;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// `null`, `true` or `false`.
    Word,
    /// A number as it is written.
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    /// The value that `text` is; `None` if it is not JSON, or too deep.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.chars().peekable());
        let value = reader.value(0)?;
        reader.skip_blanks();
        reader.0.next().is_none().then_some(value)
    }

    /// What an object has under `key`. The last counts if there are several.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(pairs) = self else {
            return None;
        };
        let mut values = pairs.iter().rev().filter(|(name, _)| name == key);
        values.next().map(|(_, value)| value)
    }

    /// The text that it is.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            _ => &[],
        }
    }

    /// The whole number that it is, if it is one from `least` to `most`.
    pub(super) fn whole(&self, least: i32, most: i32) -> Option<i32> {
        match self {
            Self::Number(text) => whole(text).filter(|number| (least..=most).contains(number)),
            _ => None,
        }
    }
}

/// The parts of a number: its digits with its sign, how many of them are behind the point, and its
/// exponent. `None` if `text` is no number.
fn parts(text: &str) -> Option<(String, usize, &str)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let is_number = [digits, fraction, power].into_iter().all(is_digits);
    is_number.then(|| (format!("{whole}{fraction}"), fraction.len(), exponent))
}

/// The whole number of 32 bits that the number `text` is, if it is one. It is computed without floating
/// point, whose tables would take more of a package than all that reads JSON.
fn whole(text: &str) -> Option<i32> {
    let (digits, places, exponent) = parts(text)?;
    let figures = digits.trim_end_matches('0');
    if matches!(figures, "" | "-") {
        return Some(0);
    }
    let zeros = (digits.len() - figures.len()) as i64;
    let power = i64::from(exponent.parse::<i32>().ok()?) + zeros - places as i64;
    let factor = 10_i64.checked_pow(u32::try_from(power).ok()?)?;
    let number = figures.parse::<i64>().ok()?.checked_mul(factor)?;
    i32::try_from(number).ok()
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn skip_blanks(&mut self) {
        while self.0.next_if(|c| " \t\r\n".contains(*c)).is_some() {}
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.0.peek().copied()
    }

    /// Takes `c`, if it is next.
    fn took(&mut self, c: char) -> bool {
        self.peek() == Some(c) && self.0.next().is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            '"' => self.string().map(Json::Text),
            '-' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        let mut pairs = Vec::new();
        self.0.next();
        if self.took('}') {
            return Some(Json::Object(pairs));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            if !self.took(':') {
                return None;
            }
            pairs.push((key, self.value(depth + 1)?));
            if !self.took(',') {
                return self.took('}').then_some(Json::Object(pairs));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        let mut values = Vec::new();
        self.0.next();
        if self.took(']') {
            return Some(Json::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if !self.took(',') {
                return self.took(']').then_some(Json::List(values));
            }
        }
    }

    /// A string. Control characters in it are taken as they are: some servers do not escape them.
    fn string(&mut self) -> Option<String> {
        self.0.next_if_eq(&'"')?;
        let mut text = String::new();
        loop {
            match self.0.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// A character by its number, or by two where it takes two. Half of one becomes U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        let mut ahead = Reader(self.0.clone());
        if let Some(second) = ahead.second_unit()
            && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
            && u32::from(c) != u32::from(first)
        {
            self.0 = ahead.0;
            return Some(c);
        }
        Some(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn second_unit(&mut self) -> Option<u16> {
        self.0.next_if_eq(&'\\')?;
        self.0.next_if_eq(&'u')?;
        self.unit()
    }

    fn unit(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | self.0.next()?.to_digit(16)? as u16;
        }
        Some(unit)
    }

    fn number(&mut self) -> Option<Json> {
        let mut digits = String::new();
        while let Some(c) = self
            .0
            .next_if(|c| c.is_ascii_digit() || "+-.eE".contains(*c))
        {
            digits.push(c);
        }
        parts(&digits).is_some().then_some(Json::Number(digits))
    }

    fn word(&mut self) -> Option<Json> {
        let mut word = String::new();
        while let Some(c) = self.0.next_if(char::is_ascii_lowercase) {
            word.push(c);
        }
        ["null", "true", "false"]
            .contains(&&*word)
            .then_some(Json::Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn values_are_read() {
        let text = r#" { "a" : [ 1, -2.5e1, "x\u00e9\ud83d\ude00\n\/" ], "b":{}, "c":[], "d":null, "a2":true } "#;
        let json = Json::parse(text).unwrap();
        let list = json.get("a").unwrap().list();
        assert_eq!(list[1].whole(-30, 0), Some(-25));
        assert_eq!(list[2].text(), Some("xé😀\n/"));
        assert_eq!(json.get("b"), Some(&Json::Object(Vec::new())));
        assert_eq!((json.get("d"), json.get("e")), (Some(&Json::Word), None));
        assert_eq!(
            Json::parse(r#"{"a":1,"a":2}"#).unwrap().get("a"),
            Some(&Json::Number("2".into()))
        );
    }

    #[test]
    fn half_a_character_is_replaced() {
        let text = |json: &str| Json::parse(json).unwrap().text().unwrap().to_owned();
        assert_eq!(text(r#""\ud83dx""#), "\u{fffd}x");
        assert_eq!(text(r#""\ude00""#), "\u{fffd}");
        assert_eq!(text(r#""\ud83d\ud83d\ude00""#), "\u{fffd}😀");
        assert_eq!(text(r#""\ud83d\n""#), "\u{fffd}\n");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in [
            "",
            "{",
            "}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "nul",
            "1 2",
            "--1",
            "1e",
            "1.",
            "-.5",
            "1e+-1",
            "1.2.3",
            "{\"a\":1,}",
            "True",
        ] {
            assert_eq!(Json::parse(bad), None, "{bad}");
        }
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&deep(DEEPEST)).is_some());
        assert_eq!(Json::parse(&deep(100_000)), None);
    }

    #[test]
    fn whole_numbers_have_a_range() {
        let whole = |text: &str| Json::parse(text).unwrap().whole(0, 65_535);
        assert_eq!(
            [whole("5"), whole("5.0"), whole("65535")],
            [Some(5), Some(5), Some(65_535)]
        );
        for (text, number) in [
            ("0e99999999999", 0),
            ("-0.0", 0),
            ("0.05E+2", 5),
            ("500e-2", 5),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for bad in [
            "5.5",
            "5e-1",
            "-1",
            "65536",
            "1e400",
            "1e99999999999",
            "12345678901234567890",
            "\"5\"",
        ] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }

    quickcheck! {
        fn numbers_are_what_floating_point_makes_of_them(figures: i32, exponent: i8) -> bool {
            let text = format!("{figures}.50e{}", exponent % 12);
            let float: f64 = text.parse().unwrap();
            let is_whole = float.fract() == 0.0 && float >= i32::MIN.into() && float <= i32::MAX.into();
            super::whole(&text) == is_whole.then_some(float as i32)
        }

        fn nothing_panics(text: String) -> bool {
            Json::parse(&text).is_none_or(|json| json.get("a").is_none_or(|_| text.contains('a')))
        }

        fn a_string_comes_back(text: String) -> bool {
            let mut json = String::new();
            crate::protocol::fields::json::push_string(&mut json, &text);
            Json::parse(&json) == Some(Json::Text(text))
        }
    }
}
