//! When a set of fields satisfies a filter.

use super::field::{canonical_value, place};
use super::infos::Infos;
use crate::protocol::argument::{self, Argument, Operator, push_value};
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::spelled_out;
use std::borrow::Cow;

/// The most conditions in one filter.
pub const MAX_CONDITIONS: usize = 32;

/// The key that says how many players there are now.
const PLAYERS: &str = "nbplayers";

/// Conditions that must all hold. The empty filter lets everything pass, and two filters with the
/// same conditions are equal.
///
/// ```
/// use gltracker::protocol::fields::{Changes, Filter, Infos};
/// let infos = Infos::default().with(&Changes::parse("port=1 nbplayers=3 speed=fast").unwrap());
/// assert!(Filter::parse("notempty speed=fast nbplayers<=4").unwrap().matches(&infos));
/// assert!(!Filter::parse("speed!=fast").unwrap().matches(&infos));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// In the order of the fields, each once.
    conditions: Vec<Condition>,
}

/// What must be true of the field `key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Condition {
    /// Where the key stands among the fields.
    place: usize,
    key: Box<str>,
    test: Test,
}

/// Values are compared as they are spelled, since each has one spelling. A field that was never said is
/// empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Test {
    Is(Box<str>),
    IsNot(Box<str>),
    AtLeast(u64),
    AtMost(u64),
    /// More than `nbplayers`, if both were said.
    MoreThanPlayers,
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
    pub(crate) fn add(&mut self, argument: &Argument<'_>) -> Result<(), Refusal> {
        if self.conditions.len() == MAX_CONDITIONS {
            return Err(Refusal::new(
                ErrorCode::BadSyntax,
                format!("a filter has at most {MAX_CONDITIONS} conditions"),
            ));
        }
        let (key, test) = condition(argument)?;
        let condition = Condition {
            place: place(key).0,
            key: key.into(),
            test,
        };
        if let Err(at) = self.conditions.binary_search(&condition) {
            self.conditions.insert(at, condition);
        }
        Ok(())
    }

    /// True if there is no condition, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// True if `infos` satisfies every condition. A field that was never said equals nothing,
    /// differs from everything, and is neither at least nor at most any number.
    pub fn matches(&self, infos: &Infos) -> bool {
        // Fields and conditions are in the same order, so one pass over both is enough.
        let mut fields = infos.spelled_fields().peekable();
        self.conditions.iter().all(|condition| {
            let (place_wanted, wanted) = (condition.place, &*condition.key);
            let is_before = |key| key != wanted && place(key) < (place_wanted, wanted);
            while fields.next_if(|(key, _)| is_before(key)).is_some() {}
            let value = fields.peek().filter(|(key, _)| *key == wanted);
            let value = value.map_or("", |(_, value)| *value);
            let players = || infos.number(PLAYERS).map(u64::from);
            condition.test.holds(value.as_bytes(), players)
        })
    }

    /// The game servers among `all` that satisfy every condition: up to 128, each a bit, as
    /// [`matches`](Self::matches) would find them one by one. For a key, `column` gives the game servers
    /// that have said it, and their values as they are spelled, in order.
    pub(crate) fn select<'a, C>(&self, all: u128, column: impl Fn(&str) -> (u128, C)) -> u128
    where
        C: Iterator<Item = (u32, &'a [u8])>,
    {
        let mut left = all;
        for Condition { key, test, .. } in &self.conditions {
            if left == 0 {
                break;
            }
            let mut players = match test {
                Test::MoreThanPlayers => Some(column(PLAYERS).1.peekable()),
                _ => None,
            };
            let (said, values) = column(key);
            let mut holding = 0;
            for (place, value) in values {
                let players = || {
                    let players = players.as_mut()?;
                    while players.next_if(|(at, _)| *at < place).is_some() {}
                    number(players.next_if(|(at, _)| *at == place)?.1)
                };
                holding |= u128::from(test.holds(value, players)) << place;
            }
            if test.holds(b"", || None) {
                holding |= !said;
            }
            left &= holding;
        }
        left
    }

    /// How many conditions there are.
    pub(crate) fn conditions(&self) -> usize {
        self.conditions.len()
    }
}

fn condition<'a>(argument: &'a Argument<'_>) -> Result<(&'a str, Test), Refusal> {
    let (key, operator, value) = match argument {
        Argument::Word("notempty") => return Ok((PLAYERS, Test::AtLeast(1))),
        // A game server that said no maximum is not full.
        Argument::Word("notfull") => return Ok(("maxplayers", Test::MoreThanPlayers)),
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
    let whole_number = || {
        number(value.as_bytes()).ok_or_else(|| {
            Refusal::new(
                ErrorCode::BadValue,
                format!(
                    "{key} is compared with a whole number, not '{}'",
                    spelled_out(value, 40)
                ),
            )
        })
    };
    let text = || -> Result<Box<str>, Refusal> {
        let mut spelled = String::new();
        if !value.is_empty() {
            push_value(&mut spelled, &canonical_value(key, Cow::Borrowed(value))?);
        }
        Ok(spelled.into_boxed_str())
    };
    let test = match operator {
        Operator::Is => Test::Is(text()?),
        Operator::IsNot => Test::IsNot(text()?),
        Operator::AtLeast => Test::AtLeast(whole_number()?),
        Operator::AtMost => Test::AtMost(whole_number()?),
    };
    Ok((key, test))
}

impl Test {
    /// True for this spelled value. `players` is asked for `nbplayers` of the same game server.
    fn holds(&self, value: &[u8], players: impl FnOnce() -> Option<u64>) -> bool {
        match self {
            Self::Is(wanted) => value == wanted.as_bytes(),
            Self::IsNot(unwanted) => value != unwanted.as_bytes(),
            Self::AtLeast(least) => number(value).is_some_and(|n| n >= *least),
            Self::AtMost(most) => number(value).is_some_and(|n| n <= *most),
            Self::MoreThanPlayers => match (number(value), players()) {
                (Some(most), Some(players)) => players < most,
                _ => true,
            },
        }
    }
}

/// Reads a number: digits alone, of at most 64 bits.
fn number(spelled: &[u8]) -> Option<u64> {
    let (first, rest) = spelled.split_first()?;
    rest.iter().try_fold(digit(*first)?, |number, byte| {
        number.checked_mul(10)?.checked_add(digit(*byte)?)
    })
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

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
    fn a_number_is_digits_of_no_more_than_64_bits() {
        for (value, is_number) in [
            ("0", true),
            ("007", true),
            ("18446744073709551615", true),
            ("18446744073709551616", false),
            ("+5", false),
            ("-5", false),
            ("5.0", false),
        ] {
            let infos = format!("port=1 score={value}");
            assert_eq!(matches("score>=0", &infos), is_number, "{value}");
        }
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
        let conditions = |n| (0..n).map(|n| format!("a{n}=1 ")).collect::<String>();
        assert!(Filter::parse(&conditions(MAX_CONDITIONS)).is_ok());
        let many = Filter::parse(&conditions(MAX_CONDITIONS + 1));
        assert_eq!(many.unwrap_err().code, ErrorCode::BadSyntax);
    }

    #[test]
    fn the_order_in_which_conditions_are_said_means_nothing() {
        let said = [
            "notfull",
            "zone=eu",
            "speed!=fast",
            "notempty",
            "a=1",
            "port>=9",
            "zone!=us",
        ];
        let first = Filter::parse(&said.join(" ")).unwrap();
        for turn in 1..said.len() {
            let mut said = said;
            said.rotate_left(turn);
            let twice = [said, said].concat().join(" ");
            assert_eq!(Filter::parse(&twice).unwrap(), first);
        }
        let infos = "port=9 nbplayers=1 maxplayers=2 speed=slow a=1 zone=eu";
        assert!(matches(&said.join(" "), infos));
        for lacking in ["port=8", "nbplayers=2", "speed=fast", "a=", "zone=us"] {
            let changed = Infos::default().with(&Changes::parse(infos).unwrap());
            let changed = changed.with(&Changes::parse(lacking).unwrap());
            assert!(!first.matches(&changed), "{lacking}");
        }
    }
}
