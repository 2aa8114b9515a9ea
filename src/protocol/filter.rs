//! What a client asks for.
//!
//! This file hides what a filter means: when a game server's fields satisfy it.

use super::argument::{self, Argument, Operator};
use super::infos::{Infos, canonical_value};
use super::message::{ErrorCode, Refusal};
use super::text::spelled_out;

/// The most conditions in one filter.
pub const MAX_CONDITIONS: usize = 32;

/// Conditions that must all hold. The empty filter lets everything pass.
///
/// ```
/// use gltracker::protocol::{filter::Filter, infos::{Changes, Infos}};
/// let infos = Infos::default().with(&Changes::parse("port=1 nbplayers=3 speed=fast").unwrap());
/// assert!(Filter::parse("notempty speed=fast nbplayers<=4").unwrap().matches(&infos));
/// assert!(!Filter::parse("speed!=fast").unwrap().matches(&infos));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Condition {
    Is(Box<str>, Box<str>),
    IsNot(Box<str>, Box<str>),
    AtLeast(Box<str>, u64),
    AtMost(Box<str>, u64),
    NotEmpty,
    NotFull,
}

impl Filter {
    /// Reads the arguments of `LIST`, without `since=`.
    ///
    /// # Errors
    /// `bad-syntax` for what is not a condition or for more than [`MAX_CONDITIONS`]; `bad-value`
    /// for a value that its key can never have, or that is compared but is not a number.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut filter = Self::default();
        let mut rest = text;
        while let Some(argument) = argument::next_argument(&mut rest)? {
            filter.add(&argument)?;
        }
        Ok(filter)
    }

    /// Adds one more condition.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub(super) fn add(&mut self, argument: &Argument<'_>) -> Result<(), Refusal> {
        if self.conditions.len() == MAX_CONDITIONS {
            return Err(Refusal::new(
                ErrorCode::BadSyntax,
                format!("a filter has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        self.conditions.push(condition(argument)?);
        Ok(())
    }

    /// True if there is no condition, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// True if `infos` satisfies every condition. A field that was never said equals nothing,
    /// differs from everything, and is neither at least nor at most any number.
    pub fn matches(&self, infos: &Infos) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(infos))
    }
}

fn condition(argument: &Argument<'_>) -> Result<Condition, Refusal> {
    let (key, operator, value) = match argument {
        Argument::Word("notempty") => return Ok(Condition::NotEmpty),
        Argument::Word("notfull") => return Ok(Condition::NotFull),
        Argument::Word(word) => {
            return Err(Refusal::new(
                ErrorCode::BadSyntax,
                format!(
                    "a filter is key=value, key!=value, key>=n, key<=n, notempty or notfull; \
                     '{}' is not",
                    spelled_out(word, 40)
                ),
            ));
        }
        Argument::Pair(key, operator, value) => (*key, *operator, value),
    };
    let number = || {
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| value.parse::<u64>().ok())
            .flatten()
            .ok_or_else(|| {
                Refusal::new(
                    ErrorCode::BadValue,
                    format!(
                        "{key} is compared with a whole number, not '{}'",
                        spelled_out(value, 40)
                    ),
                )
            })
    };
    let text = || {
        if value.is_empty() {
            Ok("".into())
        } else {
            canonical_value(key, value)
        }
    };
    Ok(match operator {
        Operator::Is => Condition::Is(key.into(), text()?),
        Operator::IsNot => Condition::IsNot(key.into(), text()?),
        Operator::AtLeast => Condition::AtLeast(key.into(), number()?),
        Operator::AtMost => Condition::AtMost(key.into(), number()?),
    })
}

impl Condition {
    fn holds(&self, infos: &Infos) -> bool {
        let number = |key: &str| infos.get(key).and_then(|value| value.parse::<u64>().ok());
        match self {
            // An empty value is how a removed field is written, so it equals a missing one.
            Self::Is(key, value) => infos.get(key).unwrap_or_default() == &**value,
            Self::IsNot(key, value) => infos.get(key).unwrap_or_default() != &**value,
            Self::AtLeast(key, least) => number(key).is_some_and(|n| n >= *least),
            Self::AtMost(key, most) => number(key).is_some_and(|n| n <= *most),
            Self::NotEmpty => number("nbplayers").is_some_and(|n| n > 0),
            // Nobody said that it is full.
            Self::NotFull => match (number("nbplayers"), number("maxplayers")) {
                (Some(players), Some(most)) => players < most,
                _ => true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::infos::Changes;

    fn matches(filter: &str, infos: &str) -> bool {
        let infos = Infos::default().with(&Changes::parse(infos).unwrap());
        Filter::parse(filter).unwrap().matches(&infos)
    }

    #[test]
    fn every_condition_must_hold() {
        let infos = "port=1 nbplayers=3 maxplayers=4 speed=fast erase=on map=\"old town\"";
        for yes in [
            "",
            "speed=fast",
            "speed!=slow",
            "nbplayers>=3",
            "nbplayers<=3",
            "notempty",
            "notfull",
            "map=\"old town\"",
            "erase=yes",
            "port=01",
            "mode!=ctf",
            "mode=",
            "nbplayers>=1 nbplayers<=3 notempty notfull speed=fast",
        ] {
            assert!(matches(yes, infos), "{yes}");
        }
        for no in [
            "speed=slow",
            "speed!=fast",
            "nbplayers>=4",
            "nbplayers<=2",
            "mode=ctf",
            "mode>=0",
            "mode<=9",
            "map>=1",
            "erase!=on",
            "speed=",
            "speed=fast nbplayers>=4",
        ] {
            assert!(!matches(no, infos), "{no}");
        }
    }

    #[test]
    fn empty_and_full_are_what_was_said() {
        assert!(!matches("notempty", "port=1"));
        assert!(!matches("notempty", "port=1 nbplayers=0"));
        assert!(matches("notfull", "port=1 nbplayers=9"));
        assert!(!matches("notfull", "port=1 nbplayers=4 maxplayers=4"));
    }

    #[test]
    fn nonsense_is_refused() {
        for (filter, code) in [
            ("full", ErrorCode::BadSyntax),
            ("speed>fast", ErrorCode::BadSyntax),
            ("nbplayers>=many", ErrorCode::BadValue),
            ("nbplayers>=", ErrorCode::BadValue),
            ("nbplayers>=-1", ErrorCode::BadValue),
            ("port=0", ErrorCode::BadValue),
            ("erase=maybe", ErrorCode::BadValue),
        ] {
            assert_eq!(Filter::parse(filter).unwrap_err().code, code, "{filter}");
        }
        let many = "a=1 ".repeat(MAX_CONDITIONS + 1);
        assert_eq!(Filter::parse(&many).unwrap_err().code, ErrorCode::BadSyntax);
    }
}
