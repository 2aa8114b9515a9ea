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
    Number(f64),
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
        match *self {
            Self::Number(number)
                if number.fract() == 0.0
                    && (f64::from(least)..=f64::from(most)).contains(&number) =>
            {
                Some(number as i32)
            }
            _ => None,
        }
    }
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
        digits.parse().ok().map(Json::Number)
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
