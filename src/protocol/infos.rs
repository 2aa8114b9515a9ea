//! What a game server says about itself.
//!
//! This file hides what the fields mean: which keys are known, what their values may be, and the
//! one order and spelling in which a set of fields is sent.

use super::argument::{self, Argument, Operator, check_key, check_value, push_value};
use super::line::MAX_LINE;
use super::message::{ErrorCode, Refusal};
use std::borrow::Cow;
use std::net::IpAddr;

/// The most fields a game server may have, without the tracker's own words.
pub const MAX_FIELDS: usize = 32;

/// The most bytes that a game server's fields may take, spelled out with a space before each.
/// What is left of a line of [`MAX_LINE`] bytes is for the tracker's own words at their longest:
/// `INFOS`, ` ip=` with 39 characters of IPv6, ` checked=yes`, ` stale=yes`, and the LF.
pub const MAX_FIELDS_BYTES: usize = MAX_LINE - 5 - (4 + 39) - 12 - 10 - 1;

/// The keys that gltracker knows, in the order in which they are sent.
const KNOWN: [&str; 12] = [
    "ip",
    "port",
    "nbplayers",
    "maxplayers",
    "version",
    "speed",
    "size",
    "erase",
    "description",
    "pingport",
    "checked",
    "stale",
];

/// The words that only the tracker says.
const TRACKERS_OWN: [&str; 3] = ["ip", "checked", "stale"];

/// Where a key stands among the fields: the known ones first, then all others by name.
pub(super) fn place(key: &str) -> (usize, &str) {
    let known = KNOWN.iter().position(|known| *known == key);
    (known.unwrap_or(KNOWN.len()), key)
}

/// Checks `value` against the type of `key` and gives it its one spelling (`yes` becomes `on`,
/// `007` becomes `7`). Values of unknown keys are left as they are.
///
/// # Errors
/// `bad-value`, naming the key and what its value must be.
pub fn canonical_value<'a>(key: &str, value: Cow<'a, str>) -> Result<Cow<'a, str>, Refusal> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    let number = |least: u16| {
        let is_number = value.bytes().all(|b| b.is_ascii_digit());
        value.parse().ok().filter(|&n| is_number && n >= least)
    };
    let respelled = |n: u16| match value.len() > 1 && value.starts_with('0') {
        true => Cow::Owned(n.to_string()),
        false => value.clone(),
    };
    let (canonical, must_be) = match key {
        "ip" => {
            let ip = value.parse::<IpAddr>().ok();
            (
                ip.map(|ip| Cow::Owned(ip.to_canonical().to_string())),
                "an IPv4 or IPv6 address",
            )
        }
        "port" | "pingport" => (number(1).map(respelled), "a number from 1 to 65535"),
        "nbplayers" | "maxplayers" => (number(0).map(respelled), "a number from 0 to 65535"),
        "erase" => {
            let on = match () {
                () if is_one_of(["on", "1", "yes", "true"]) => Some(Cow::Borrowed("on")),
                () if is_one_of(["off", "0", "no", "false"]) => Some(Cow::Borrowed("off")),
                () => None,
            };
            (on, "on or off")
        }
        "checked" | "stale" => (
            (value == "yes").then_some(Cow::Borrowed("yes")),
            "yes, or left out",
        ),
        _ => return Ok(value),
    };
    canonical.ok_or_else(|| {
        Refusal::new(
            ErrorCode::BadValue,
            format!(
                "{key} must be {must_be}, not '{}'",
                super::text::spelled_out(&value, 40)
            ),
        )
    })
}

/// A set of fields, each with a value that is valid for its key.
///
/// ```
/// use gltracker::protocol::infos::{Changes, Infos};
/// let changes = Changes::parse("erase=yes port=23460 map=\"old town\"").unwrap();
/// let infos = Infos::default().with(&changes);
/// assert_eq!(infos.to_string(), "port=23460 erase=on map=\"old town\"");
/// let infos = infos.with(&Changes::parse("nbplayers=3 map=").unwrap());
/// assert_eq!(infos.to_string(), "port=23460 nbplayers=3 erase=on");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Infos {
    /// ` key=value` for every field, as it is sent: in order, each key once, no value empty. One
    /// set of fields has one spelling, and a list has thousands of sets: this is the least that
    /// keeps one.
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
        let mut rest = &*self.spelled;
        std::iter::from_fn(move || {
            // Every field is a space, a key, an equals sign and a value that is not empty.
            let (key, after) = rest.strip_prefix(' ')?.split_once('=')?;
            let (value, after) = after.split_at(value_end(after));
            rest = after;
            Some((key, value))
        })
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

/// Appends ` key=value`, or nothing if the value is empty.
fn push_field(spelled: &mut String, key: &str, value: &str) {
    if !value.is_empty() {
        spelled.extend([" ", key, "="]);
        push_value(spelled, value);
    }
}

/// Where the value ends that `text` begins with.
fn value_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return bytes.iter().position(|&b| b == b' ').unwrap_or(text.len());
    }
    let mut is_escaped = false;
    let end = bytes.iter().skip(1).position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
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

/// What an INFOS line says: fields that are new or have changed, and fields to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes<'a> {
    /// In the order in which they were said; each key once.
    fields: Vec<Change<'a>>,
}

/// What is said of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change<'a> {
    /// The first half of its [`place`], which takes longer to find out than to keep.
    known: usize,
    key: &'a str,
    /// Empty if the field is to be removed.
    value: Cow<'a, str>,
}

impl Change<'_> {
    fn place(&self) -> (usize, &str) {
        (self.known, self.key)
    }

    /// What the field takes where its value needs no quotes.
    fn bytes(&self) -> usize {
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
                            super::text::spelled_out(word, 40)
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
    pub fn of_one(key: &'a str, value: &'a str) -> Result<Self, Refusal> {
        check_key(key)?;
        check_value(key, value)?;
        let mut changes = Self::default();
        changes.push(key, Cow::Borrowed(value))?;
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

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Takes out a field that the tracker says itself, leaving it unchanged.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|change| change.key != name);
        self
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
