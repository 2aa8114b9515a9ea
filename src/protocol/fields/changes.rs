//! What one INFOS line changes.

use super::field::{MAX_FIELDS, TRACKERS_OWN, canonical_value, place};
use crate::protocol::argument::{self, Argument, Operator, check_key, check_value};
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::spelled_out;
use std::borrow::Cow;

/// What an INFOS line says: fields that are new or have changed, and fields to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes<'a> {
    /// In the order in which they were said; each key once.
    pub(super) fields: Vec<Change<'a>>,
}

/// What is said of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change<'a> {
    /// The first half of its [`place`]: to keep it costs less than to look it up again.
    known: usize,
    pub(super) key: &'a str,
    /// Empty if the field is to be removed.
    pub(super) value: Cow<'a, str>,
}

impl Change<'_> {
    pub(super) fn place(&self) -> (usize, &str) {
        (self.known, self.key)
    }

    /// What the field takes where its value needs no quotes.
    pub(super) fn bytes(&self) -> usize {
        1 + self.key.len() + 1 + self.value.len()
    }
}

impl<'a> Changes<'a> {
    /// Reads `key=value key=value …`.
    ///
    /// # Errors
    /// `bad-syntax` for anything but distinct keys with values; `bad-value` for a value that its
    /// key cannot have, and for more than [`MAX_FIELDS`] fields besides the tracker's own words.
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        let mut rest = text;
        while let Some(argument) = argument::next_argument(&mut rest)? {
            let (key, value) = match argument {
                Argument::Pair(key, Operator::Is, value) => (key, value),
                Argument::Pair(key, ..) => {
                    return Err(Refusal::new(
                        ErrorCode::BadSyntax,
                        format!("in INFOS a field is {key}=value"),
                    ));
                }
                Argument::Word(word) => {
                    return Err(Refusal::new(
                        ErrorCode::BadSyntax,
                        format!(
                            "a field is key=value; '{}' is not (a value with spaces goes in double quotes)",
                            spelled_out(word, 40)
                        ),
                    ));
                }
            };
            if changes.get(key).is_some() {
                return Err(Refusal::new(
                    ErrorCode::BadSyntax,
                    format!("{key} is said twice"),
                ));
            }
            if changes.fields.len() == MAX_FIELDS + TRACKERS_OWN.len() {
                return Err(Refusal::new(
                    ErrorCode::BadValue,
                    format!("a game server has at most {MAX_FIELDS} fields"),
                ));
            }
            changes.push(key, value)?;
        }
        Ok(changes)
    }

    /// One new value, or one field to remove if `value` is empty. It needs no quotes.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn of_one(key: &'a str, value: &'a str) -> Result<Self, Refusal> {
        Self::of(&[(key, value)])
    }

    /// Such changes to several fields, each named once.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn of(fields: &[(&'a str, &'a str)]) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        for (key, value) in fields {
            check_key(key)?;
            check_value(key, value)?;
            changes.push(key, Cow::Borrowed(value))?;
        }
        Ok(changes)
    }

    fn push(&mut self, key: &'a str, mut value: Cow<'a, str>) -> Result<(), Refusal> {
        if !value.is_empty() {
            value = canonical_value(key, value)?;
        }
        let (known, _) = place(key);
        self.fields.push(Change { known, key, value });
        Ok(())
    }

    /// The new value of `key`: `None` if it does not change, `Some("")` if it is to be removed.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let change = fields.find(|change| change.key == key)?;
        Some(&change.value)
    }

    /// Keys and their new values, which are empty for fields to remove.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter();
        fields.map(|change| (change.key, change.value.as_ref()))
    }

    /// True if nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Leaves out fields that are not for the list.
    pub(crate) fn without(mut self, is_left_out: impl Fn(&str) -> bool) -> Self {
        self.fields.retain(|change| !is_left_out(change.key));
        self
    }
}
