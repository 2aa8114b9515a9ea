//! The conditions of a LIST or WATCH.
//!
//! This file hides how the words of a person become conditions on the wire. They are checked by the
//! tracker's own rules before anything is sent.

use crate::protocol::argument::{self, Argument, push_value};
use crate::protocol::fields::Filter;
use crate::protocol::fields::Infos;
use crate::protocol::line::MAX_LINE;
use crate::protocol::refusal::{ErrorCode, Refusal};
use std::fmt;
use std::str::FromStr;

/// The longest revision that is sent back, in bytes; longer ones count as none.
pub(crate) const MAX_REVISION: usize = 64;

/// The most bytes of all conditions: a line less `WATCH since=`, a revision, a space and the LF.
const MAX_BYTES: usize = MAX_LINE - "WATCH since=".len() - MAX_REVISION - 2;

/// Conditions of a LIST or WATCH, as they are sent; all must hold, and without any the whole list
/// is wanted.
///
/// ```
/// use gltracker::client::Conditions;
/// // As on the wire:
/// let conditions: Conditions = "notempty map=\"old town\"".parse()?;
/// // Word by word, as a shell hands them over: nothing has to be quoted.
/// assert_eq!(conditions, Conditions::from_words(["notempty", "map=old town"])?);
/// assert_eq!(conditions.to_string(), "notempty map=\"old town\"");
/// # Ok::<(), gltracker::protocol::refusal::Refusal>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// As they are sent, one space between two.
    text: String,
    filter: Filter,
}

impl Conditions {
    /// One condition from each word. A value with spaces or quotes in it is taken as it is; one
    /// that is written as on the wire, quotes included, is understood too.
    ///
    /// # Errors
    /// As [`Filter::parse`], and `bad-syntax` for conditions that do not fit into a line, or for
    /// `since`, which is not a condition.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let spelled: Result<Vec<String>, Refusal> = words.into_iter().map(spell).collect();
        spelled?.join(" ").parse()
    }

    /// True if there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// True if `infos` satisfies every condition.
    pub fn matches(&self, infos: &Infos) -> bool {
        self.filter.matches(infos)
    }

    /// Each condition by itself.
    pub(crate) fn each(&self) -> Vec<Self> {
        let mut rest = self.text.as_str();
        let mut single = Vec::new();
        loop {
            let before = rest;
            match argument::next_argument(&mut rest) {
                Ok(Some(_)) => {}
                // All of them were read before.
                Ok(None) | Err(_) => return single,
            }
            single.extend(before[..before.len() - rest.len()].parse());
        }
    }

    /// The line that asks with `verb` for what has changed since `revision`, LF included.
    pub(crate) fn request(&self, verb: &str, revision: Option<&str>) -> String {
        let mut line = verb.to_owned();
        if let Some(revision) = revision {
            line.extend([" since=", revision]);
        }
        if !self.text.is_empty() {
            line.extend([" ", &self.text]);
        }
        line.push('\n');
        line
    }
}

impl FromStr for Conditions {
    type Err = Refusal;

    /// Reads conditions as they are written on the wire.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut rest = text;
        while let Some(argument) = argument::next_argument(&mut rest)? {
            if matches!(argument, Argument::Pair("since", ..)) {
                let text = "since is what a client has already, not a condition";
                return Err(Refusal::new(ErrorCode::BadSyntax, text));
            }
        }
        let text = text.trim_matches(' ');
        if text.len() > MAX_BYTES {
            let text = format!("all conditions together have at most {MAX_BYTES} bytes");
            return Err(Refusal::new(ErrorCode::BadSyntax, text));
        }
        Ok(Self {
            filter: Filter::parse(text)?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One condition as it is sent.
fn spell(word: &str) -> Result<String, Refusal> {
    let mut rest = word;
    let as_on_the_wire = argument::next_argument(&mut rest);
    if as_on_the_wire.is_ok() && rest.is_empty() {
        return Ok(word.to_owned());
    }
    let Some((before, value)) = word.split_once('=').filter(|(_, value)| !value.is_empty()) else {
        // It is not one condition: the parser says what is wrong.
        as_on_the_wire?;
        let text = "a condition is one word, or key=value";
        return Err(Refusal::new(ErrorCode::BadSyntax, text));
    };
    let mut spelled = format!("{before}=");
    push_value(&mut spelled, value);
    let mut rest = spelled.as_str();
    argument::next_argument(&mut rest)?;
    match rest.is_empty() {
        true => Ok(spelled),
        false => Err(Refusal::new(
            ErrorCode::BadSyntax,
            "a condition begins with its key: key=value",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(word: &str) -> String {
        Conditions::from_words([word]).unwrap().to_string()
    }

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (word, sent) in [
            ("notempty", "notempty"),
            ("speed=fast", "speed=fast"),
            ("speed=", "speed="),
            ("map=old town", "map=\"old town\""),
            ("map!=old town", "map!=\"old town\""),
            ("map=\"old town\"", "map=\"old town\""),
            ("map=old \"town\"", "map=\"old \\\"town\\\"\""),
            ("map=a b=c", "map=\"a b=c\""),
            ("map= x", "map=\" x\""),
            ("map=\\", "map=\\"),
        ] {
            assert_eq!(spelled(word), sent);
        }
    }

    #[test]
    fn nonsense_is_refused_before_it_is_asked() {
        for (words, part) in [
            (&["full"][..], "'full' is not"),
            (&["nbplayers>3"], "is neither a word nor key=value"),
            (&["nbplayers>=many"], "compared with a whole number"),
            (&["Speed=fast"], "in lower case"),
            (&["two words=x"], "begins with its key"),
            (&["map=\u{1b}[2J"], "values are plain text"),
            (&["a=1\nLIST"], "values are plain text"),
            (&["since=c0ffee-1"], "since is what a client has already"),
            (&["erase=maybe"], "must be on or off"),
        ] {
            let error = Conditions::from_words(words.iter().copied()).unwrap_err();
            assert!(error.text.contains(part), "{words:?}: {error}");
        }
        let long = format!("a={}", "v".repeat(250));
        let five = std::iter::repeat_n(long.as_str(), 5);
        let error = Conditions::from_words(five).unwrap_err();
        assert!(error.text.contains("at most"), "{error}");
    }

    #[test]
    fn a_request_fits_into_a_line_whatever_is_asked() {
        let words: Vec<String> = (0..3)
            .map(|n| format!("k{n}={}", "v".repeat(255)))
            .collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        let rest = "z=".to_owned() + &"v".repeat(MAX_BYTES - 3 * (3 + 255 + 1) - 2);
        words.push(&rest);
        let conditions = Conditions::from_words(words).unwrap();
        let line = conditions.request("WATCH", Some(&"r".repeat(MAX_REVISION)));
        assert_eq!(line.len(), MAX_LINE);
        assert_eq!(Conditions::default().request("LIST", None), "LIST\n");
    }
}
