//! A set of fields, in the one spelling in which it is kept and sent.

use super::changes::{Change, Changes};
use super::field::{MAX_FIELDS, TRACKERS_OWN, place};
use crate::protocol::argument::push_value;
use crate::protocol::line::MAX_LINE;
use crate::protocol::refusal::{ErrorCode, Refusal};
use std::borrow::Cow;
use std::ops::Range;

/// The most bytes that a game server's fields may take, spelled out with a space before each.
/// What is left of a line of [`MAX_LINE`] bytes is for the tracker's own words at their longest:
/// `INFOS`, ` ip=` with 39 characters of IPv6, ` checked=yes`, ` stale=yes`, and the LF.
pub const MAX_FIELDS_BYTES: usize = MAX_LINE - 5 - (4 + 39) - 12 - 10 - 1;

/// A set of fields, each with a value that is valid for its key.
///
/// ```
/// use gltracker::protocol::fields::{Changes, Infos};
/// let changes = Changes::parse("erase=yes port=23460 map=\"old town\"").unwrap();
/// let infos = Infos::default().with(&changes);
/// assert_eq!(infos.to_string(), "port=23460 erase=on map=\"old town\"");
/// let infos = infos.with(&Changes::parse("nbplayers=3 map=").unwrap());
/// assert_eq!(infos.to_string(), "port=23460 nbplayers=3 erase=on");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Infos {
    /// ` key=value` for every field, as it is sent: in order, each key once, no value empty. A list has
    /// thousands of sets; this form takes the least memory.
    spelled: Box<str>,
}

impl Infos {
    /// The value of `key`, if it was said.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        let mut fields = self.spelled_fields();
        let (_, value) = fields.find(|(name, _)| *name == key)?;
        Some(unquoted(value))
    }

    /// The value of a field that is a number (`port`, `nbplayers`, …), if it was said.
    pub fn number(&self, key: &str) -> Option<u16> {
        self.get(key)?.parse().ok()
    }

    /// All fields, in the order in which they are sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.spelled_fields()
            .map(|(key, value)| (key, unquoted(value)))
    }

    /// Sets one field, or removes it when `value` is empty.
    ///
    /// # Errors
    /// As [`Changes::parse`].
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        *self = self.with(&Changes::of_one(key, value)?);
        Ok(())
    }

    /// These fields after `changes`: new values in place of old ones, empty ones removed.
    #[must_use]
    pub fn with(&self, changes: &Changes) -> Self {
        let mut changes: Vec<&Change<'_>> = changes.fields.iter().collect();
        changes.sort_unstable_by_key(|change| change.place());
        let more = changes.iter().map(|change| change.bytes());
        let mut spelled = String::with_capacity(self.spelled.len() + more.sum::<usize>());
        let mut changes = changes.into_iter().peekable();
        for (key, value) in self.spelled_fields() {
            let here = place(key);
            while let Some(new) = changes.next_if(|new| new.place() < here) {
                push_field(&mut spelled, new.key, &new.value);
            }
            match changes.next_if(|new| new.key == key) {
                Some(new) => push_field(&mut spelled, key, &new.value),
                None => spelled.extend([" ", key, "=", value]),
            }
        }
        for new in changes {
            push_field(&mut spelled, new.key, &new.value);
        }
        Self {
            spelled: spelled.into_boxed_str(),
        }
    }

    /// All fields, with their values as they are sent.
    pub(super) fn spelled_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let spelled = &*self.spelled;
        places(spelled.as_bytes()).map(|(key, value)| (&spelled[key], &spelled[value]))
    }

    /// Checks that these are fields a game server may have: a port, at most [`MAX_FIELDS`], and
    /// [`MAX_FIELDS_BYTES`] in all, the tracker's own words not counted.
    ///
    /// # Errors
    /// `bad-value`, with the limit in its text.
    pub fn check_complete(&self) -> Result<(), Refusal> {
        let bad = |text| Err(Refusal::new(ErrorCode::BadValue, text));
        if self.get("port").is_none() {
            return bad("port=<number> is required: the port that players join".to_owned());
        }
        let own = self
            .spelled_fields()
            .filter(|(key, _)| !TRACKERS_OWN.contains(key));
        let (count, bytes) = own.fold((0, 0), |(count, bytes), (key, value)| {
            (count + 1, bytes + 1 + key.len() + 1 + value.len())
        });
        if count > MAX_FIELDS {
            return bad(format!(
                "that makes {count} fields; a game server has at most {MAX_FIELDS}"
            ));
        }
        if bytes > MAX_FIELDS_BYTES {
            return bad(format!(
                "that makes {bytes} bytes of fields; a game server has at most {MAX_FIELDS_BYTES}"
            ));
        }
        Ok(())
    }

    /// True if silence to `PING` says nothing of it: it is of a game that has a name of its own, and no tracker
    /// has seen its UDP port answer. Existing games do not know `PING`.
    pub(crate) fn may_not_know_ping(&self) -> bool {
        let is_there = |key| self.get(key).is_some();
        is_there("game") && !is_there("query") && !is_there("checked")
    }

    /// ` key=value` for every field.
    pub fn spelled(&self) -> &str {
        &self.spelled
    }
}

impl std::fmt::Display for Infos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.spelled.trim_start_matches(' '))
    }
}

/// Where the keys and the values are in spelled fields. Every field is a space, a key, an equals sign and a
/// value that is not empty.
pub(crate) fn places(spelled: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let field = spelled.get(at..)?.strip_prefix(b" ")?;
        // Keys are short: looking at each byte is quicker than setting up a search.
        let key = field.iter().position(|&byte| byte == b'=')?;
        let (start, value) = (at + 1, at + 1 + key + 1);
        at = value + value_end(&field[key + 1..]);
        Some((start..start + key, value..at))
    })
}

/// Appends ` key=value`, or nothing if the value is empty.
fn push_field(spelled: &mut String, key: &str, value: &str) {
    if !value.is_empty() {
        spelled.extend([" ", key, "="]);
        push_value(spelled, value);
    }
}

/// Where the value ends that `bytes` begin with.
fn value_end(bytes: &[u8]) -> usize {
    if bytes.first() != Some(&b'"') {
        return bytes.iter().position(|&b| b == b' ').unwrap_or(bytes.len());
    }
    let mut is_escaped = false;
    let end = bytes.iter().skip(1).position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(bytes.len(), |end| end + 2)
}

/// The value that is spelled like this.
pub(super) fn unquoted(spelled: &str) -> Cow<'_, str> {
    let quoted = spelled.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    match quoted {
        None => Cow::Borrowed(spelled),
        Some(quoted) if !quoted.contains('\\') => Cow::Borrowed(quoted),
        Some(quoted) => {
            let mut characters = quoted.chars();
            let next = || match characters.next()? {
                '\\' => characters.next(),
                character => Some(character),
            };
            Cow::Owned(std::iter::from_fn(next).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::text::is_plain;
    use quickcheck::{Arbitrary, Gen, quickcheck};

    /// Text of a valid value: mostly the characters that matter to the encoder.
    fn some_value(g: &mut Gen) -> String {
        let length = usize::arbitrary(g) % 12;
        (0..length)
            .map(|_| {
                *g.choose(&['a', 'Z', '0', ' ', '"', '\\', '=', '<', '!', 'é', '界'])
                    .unwrap()
            })
            .collect()
    }

    impl Arbitrary for Infos {
        fn arbitrary(g: &mut Gen) -> Self {
            let mut infos = Self::default();
            for _ in 0..usize::arbitrary(g) % MAX_FIELDS {
                let key = *g
                    .choose(&["port", "version", "erase", "size", "map", "a", "b-1"])
                    .unwrap();
                let value = match key {
                    "port" => (u16::arbitrary(g).max(1)).to_string(),
                    "erase" => (if bool::arbitrary(g) { "on" } else { "off" }).to_owned(),
                    _ => some_value(g),
                };
                infos.set(key, &value).unwrap();
            }
            infos
        }
    }

    fn error(text: &str) -> Option<ErrorCode> {
        Changes::parse(text).err().map(|refusal| refusal.code)
    }

    #[test]
    fn known_fields_come_first_and_in_order() {
        let said = "zone=eu description=d pingport=2 erase=1 size=big speed=fast version=1 \
                    maxplayers=8 nbplayers=007 port=1 alpha=x";
        let infos = Infos::default().with(&Changes::parse(said).unwrap());
        assert_eq!(
            infos.to_string(),
            "port=1 nbplayers=7 maxplayers=8 version=1 speed=fast size=big erase=on \
             description=d pingport=2 alpha=x zone=eu"
        );
    }

    #[test]
    fn typed_values_are_checked() {
        for good in [
            "port=1",
            "port=65535",
            "nbplayers=0",
            "erase=FALSE",
            "ip=::ffff:1.2.3.4",
        ] {
            assert_eq!(error(good), None, "{good}");
        }
        for bad in [
            "port=0",
            "port=65536",
            "port=+1",
            "port=1.5",
            "pingport=0",
            "nbplayers=-1",
            "maxplayers=65536",
            "nbplayers=many",
            "erase=maybe",
            "ip=localhost",
            "checked=no",
        ] {
            assert_eq!(error(bad), Some(ErrorCode::BadValue), "{bad}");
        }
    }

    #[test]
    fn a_key_is_said_once_and_with_equals() {
        for bad in ["a=1 a=2", "erase=on erase=off", "a", "a>=1", "nbplayers!=2"] {
            assert_eq!(error(bad), Some(ErrorCode::BadSyntax), "{bad}");
        }
    }

    #[test]
    fn limits_hold_for_one_line_and_for_what_has_gathered() {
        let fields = |n: usize| (0..n).fold("port=1".to_owned(), |s, i| format!("{s} k{i}=v"));
        let infos = Infos::default().with(&Changes::parse(&fields(31)).unwrap());
        assert!(infos.check_complete().is_ok());
        let more = infos.with(&Changes::parse("one-more=1").unwrap());
        assert_eq!(more.check_complete().unwrap_err().code, ErrorCode::BadValue);
        assert_eq!(error(&fields(40)), Some(ErrorCode::BadValue));

        let mut infos = Infos::default();
        infos.set("port", "1").unwrap();
        for key in ["a", "b", "c"] {
            infos.set(key, &"v".repeat(255)).unwrap();
        }
        let left = MAX_FIELDS_BYTES - " port=1".len() - 3 * (3 + 255) - " d=".len();
        infos.set("d", &"v".repeat(left)).unwrap();
        assert!(infos.check_complete().is_ok());
        infos.set("d", &"v".repeat(left + 1)).unwrap();
        assert_eq!(
            infos.check_complete().unwrap_err().code,
            ErrorCode::BadValue
        );
        assert!(
            Infos::default().check_complete().is_err(),
            "a port is required"
        );
    }

    quickcheck! {
        fn decoding_undoes_encoding(infos: Infos) -> bool {
            let again = Infos::default().with(&Changes::parse(&infos.to_string()).unwrap());
            again == infos && again.to_string() == infos.to_string()
        }

        fn what_is_said_is_what_is_got(value: String) -> bool {
            let value: String = value.chars().filter(|c| is_plain(*c)).take(60).collect();
            let mut infos = Infos::default();
            for key in ["before", "it", "zzz"] {
                infos.set(key, &value).unwrap();
            }
            infos.iter().all(|(_, got)| got == value)
                && infos.get("it").unwrap_or_default() == value
                && infos.iter().count() == 3 * usize::from(!value.is_empty())
        }

        fn merging_is_replacing_field_by_field(old: Infos, new: Infos) -> bool {
            let merged = old.with(&Changes::parse(&new.to_string()).unwrap());
            let keys: Vec<&str> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
            keys.iter().all(|key| merged.get(key) == new.get(key).or(old.get(key)))
        }

        fn no_text_panics(text: String) -> bool {
            let _ = Changes::parse(&text);
            true
        }
    }
}
