//! What a game server says about itself.
//!
//! This file hides what the fields mean: which keys are known, what their values may be, and the
//! one order and spelling in which a set of fields is sent.

use super::argument::{self, Argument, Operator, check_key, check_value, push_value, value_len};
use super::line::MAX_LINE;
use super::message::{ErrorCode, Refusal};
use std::net::IpAddr;

/// The most fields a game server may have, without the tracker's own words.
pub const MAX_FIELDS: usize = 32;

/// The most bytes that a game server's fields may take, spelled out with a space before each.
/// What is left of a line of [`MAX_LINE`] bytes is for the tracker's own words at their longest:
/// `INFOS`, ` ip=` with 39 characters of IPv6, ` checked=yes`, ` stale=yes`, and the LF.
pub const MAX_FIELDS_BYTES: usize = MAX_LINE - 5 - (4 + 39) - 12 - 10 - 1;

/// A key, ordered as fields are sent: the known ones first, then all others by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Known(Known),
    Other(Box<str>),
}

/// The keys that gltracker knows, in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Ip,
    Port,
    NbPlayers,
    MaxPlayers,
    Version,
    Speed,
    Size,
    Erase,
    Description,
    PingPort,
    Checked,
    Stale,
}

const KNOWN: [(&str, Known); 12] = [
    ("ip", Known::Ip),
    ("port", Known::Port),
    ("nbplayers", Known::NbPlayers),
    ("maxplayers", Known::MaxPlayers),
    ("version", Known::Version),
    ("speed", Known::Speed),
    ("size", Known::Size),
    ("erase", Known::Erase),
    ("description", Known::Description),
    ("pingport", Known::PingPort),
    ("checked", Known::Checked),
    ("stale", Known::Stale),
];

/// The words that only the tracker says.
const TRACKERS_OWN: [&str; 3] = ["ip", "checked", "stale"];

impl Key {
    fn new(name: &str) -> Self {
        match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((_, known)) => Self::Known(*known),
            None => Self::Other(name.into()),
        }
    }

    fn name(&self) -> &str {
        match self {
            // KNOWN lists the variants in their order, so the discriminant is the index.
            Self::Known(known) => KNOWN[*known as usize].0,
            Self::Other(name) => name,
        }
    }
}

/// Checks `value` against the type of `key` and gives it its one spelling (`yes` becomes `on`,
/// `007` becomes `7`). Values of unknown keys are left as they are.
///
/// # Errors
/// `bad-value`, naming the key and what its value must be.
pub fn canonical_value(key: &str, value: &str) -> Result<Box<str>, Refusal> {
    let number = |least: u16| match value.bytes().all(|b| b.is_ascii_digit()) {
        true => value
            .parse::<u16>()
            .ok()
            .filter(|&n| n >= least)
            .map(|n| n.to_string()),
        false => None,
    };
    let (canonical, must_be) = match Key::new(key) {
        Key::Known(Known::Ip) => {
            let ip = value.parse::<IpAddr>().ok();
            (
                ip.map(|ip| ip.to_canonical().to_string()),
                "an IPv4 or IPv6 address",
            )
        }
        Key::Known(Known::Port | Known::PingPort) => (number(1), "a number from 1 to 65535"),
        Key::Known(Known::NbPlayers | Known::MaxPlayers) => (number(0), "a number from 0 to 65535"),
        Key::Known(Known::Erase) => {
            let on = match value.to_ascii_lowercase().as_str() {
                "on" | "1" | "yes" | "true" => Some("on".to_owned()),
                "off" | "0" | "no" | "false" => Some("off".to_owned()),
                _ => None,
            };
            (on, "on or off")
        }
        Key::Known(Known::Checked | Known::Stale) => (
            (value == "yes").then(|| "yes".to_owned()),
            "yes, or left out",
        ),
        Key::Known(Known::Version | Known::Speed | Known::Size | Known::Description)
        | Key::Other(_) => (Some(value.to_owned()), "text"),
    };
    canonical.map(String::into_boxed_str).ok_or_else(|| {
        Refusal::new(
            ErrorCode::BadValue,
            format!(
                "{key} must be {must_be}, not '{}'",
                super::text::spelled_out(value, 40)
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
    /// In the order in which they are sent, each key once, no value empty.
    fields: Vec<(Key, Box<str>)>,
}

impl Infos {
    /// The value of `key`, if it was said.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(k, _)| k.name() == key)
            .map(|(_, value)| &**value)
    }

    /// The value of a field that is a number (`port`, `nbplayers`, …), if it was said.
    pub fn number(&self, key: &str) -> Option<u16> {
        self.get(key)?.parse().ok()
    }

    /// All fields, in the order in which they are sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(key, value)| (key.name(), &**value))
    }

    /// Sets one field, or removes it when `value` is empty.
    ///
    /// # Errors
    /// As [`Changes::parse`].
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Refusal> {
        check_key(key)?;
        check_value(key, value)?;
        let value = if value.is_empty() {
            "".into()
        } else {
            canonical_value(key, value)?
        };
        self.put(Key::new(key), value);
        Ok(())
    }

    /// These fields after `changes`: new values in place of old ones, empty ones removed.
    #[must_use]
    pub fn with(&self, changes: &Changes) -> Self {
        let mut merged = self.clone();
        for (key, value) in &changes.fields {
            merged.put(key.clone(), value.clone());
        }
        merged
    }

    fn put(&mut self, key: Key, value: Box<str>) {
        match (
            self.fields.binary_search_by(|(k, _)| k.cmp(&key)),
            value.is_empty(),
        ) {
            (Ok(at), true) => drop(self.fields.remove(at)),
            (Ok(at), false) => self.fields[at].1 = value,
            (Err(_), true) => {}
            (Err(at), false) => self.fields.insert(at, (key, value)),
        }
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
        let own = self.iter().filter(|(key, _)| !TRACKERS_OWN.contains(key));
        let (count, bytes) = own.fold((0, 0), |(count, bytes), (key, value)| {
            (count + 1, bytes + 1 + key.len() + 1 + value_len(value))
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

    /// Appends ` key=value` for every field.
    pub fn encode_into(&self, out: &mut String) {
        for (key, value) in self.iter() {
            out.push(' ');
            out.push_str(key);
            out.push('=');
            push_value(out, value);
        }
    }
}

impl std::fmt::Display for Infos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.encode_into(&mut text);
        f.write_str(text.trim_start_matches(' '))
    }
}

/// What an INFOS line says: fields that are new or have changed, and fields to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// As they were said; each key once, an empty value removes the field.
    fields: Vec<(Key, Box<str>)>,
}

impl Changes {
    /// Reads `key=value key=value …`.
    ///
    /// # Errors
    /// `bad-syntax` for anything but distinct keys with values; `bad-value` for a value that its
    /// key cannot have, and for more than [`MAX_FIELDS`] fields besides the tracker's own words.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
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
            let (key, name) = (Key::new(key), key);
            if changes.fields.iter().any(|(k, _)| *k == key) {
                return Err(Refusal::new(
                    ErrorCode::BadSyntax,
                    format!("{name} is said twice"),
                ));
            }
            if changes.fields.len() == MAX_FIELDS + TRACKERS_OWN.len() {
                return Err(Refusal::new(
                    ErrorCode::BadValue,
                    format!("a game server has at most {MAX_FIELDS} fields"),
                ));
            }
            let value = if value.is_empty() {
                "".into()
            } else {
                canonical_value(name, &value)?
            };
            changes.fields.push((key, value));
        }
        Ok(changes)
    }

    /// The new value of `key`: `None` if it does not change, `Some("")` if it is to be removed.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(k, _)| k.name() == key)
            .map(|(_, value)| &**value)
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Takes out a field that the tracker says itself, leaving it unchanged.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(key, _)| key.name() != name);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn the_table_of_known_keys_is_in_the_order_of_its_enum() {
        for (n, (_, known)) in KNOWN.iter().enumerate() {
            assert_eq!(*known as usize, n);
        }
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
