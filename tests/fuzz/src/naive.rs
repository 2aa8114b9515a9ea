//! Fields and filters, the slow way: written from PROTOCOL.md, sharing nothing with the program.

use crate::checks::is_plain;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::net::IpAddr;
use std::str::Chars;

/// The known keys in the order in which they are sent.
const KNOWN: [&str; 13] = [
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
    "query",
    "checked",
    "stale",
];

/// The most fields that a line may name: those of a game server, and the tracker's own words.
const MAX_SAID: usize = 32 + 3;

/// The most conditions of a filter.
pub const MAX_CONDITIONS: usize = 32;

/// What is said of one game server.
pub type Fields = BTreeMap<String, String>;

/// One argument of a line.
enum Argument {
    Word(String),
    Pair(String, &'static str, String),
}

/// The arguments in `text`; `None` if it is malformed.
fn arguments(text: &str) -> Option<Vec<Argument>> {
    let mut chars = text.chars().peekable();
    let mut found = Vec::new();
    loop {
        while chars.next_if_eq(&' ').is_some() {}
        if chars.peek().is_none() {
            return Some(found);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| !" =!<>\"".contains(*c)) {
            key.push(c);
        }
        let operator = match (chars.next(), chars.peek()) {
            (None | Some(' '), _) => {
                found.push(Argument::Word(key));
                continue;
            }
            (Some('='), _) => "=",
            (Some('!'), Some('=')) => "!=",
            (Some('>'), Some('=')) => ">=",
            (Some('<'), Some('=')) => "<=",
            _ => return None,
        };
        if operator.len() == 2 {
            chars.next();
        }
        if !is_key(&key) {
            return None;
        }
        found.push(Argument::Pair(key, operator, value(&mut chars)?));
    }
}

fn is_key(key: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(is_inner)
        && key.len() <= 32
}

/// Takes a value off the front of `chars`.
fn value(chars: &mut Peekable<Chars>) -> Option<String> {
    let mut value = String::new();
    if chars.next_if_eq(&'"').is_some() {
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next().filter(|c| *c == '"' || *c == '\\')?),
                c => value.push(c),
            }
        }
        if chars.peek().is_some_and(|c| *c != ' ') {
            return None;
        }
    } else {
        while let Some(c) = chars.next_if(|c| *c != ' ') {
            value.push(c);
        }
        if value.contains('"') {
            return None;
        }
    }
    (value.len() <= 255 && value.chars().all(is_plain)).then_some(value)
}

/// The one spelling of a value that is not empty; `None` if `key` cannot have it.
fn canonical(key: &str, value: String) -> Option<String> {
    let is_one_of = |words: [&str; 4]| words.contains(&value.to_ascii_lowercase().as_str());
    match key {
        "ip" => Some(value.parse::<IpAddr>().ok()?.to_canonical().to_string()),
        "port" | "pingport" | "nbplayers" | "maxplayers" => {
            let least = u64::from(key == "port" || key == "pingport");
            let number = number(&value).filter(|number| (least..=65535).contains(number))?;
            Some(number.to_string())
        }
        "erase" if is_one_of(["on", "1", "yes", "true"]) => Some("on".to_owned()),
        "erase" if is_one_of(["off", "0", "no", "false"]) => Some("off".to_owned()),
        "erase" => None,
        "query" => ["quake3", "source", "minecraft"]
            .contains(&value.as_str())
            .then_some(value),
        "checked" | "stale" => (value == "yes").then_some(value),
        _ => Some(value),
    }
}

/// Digits only, and no more than 64 bits hold.
fn number(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// What INFOS says: keys with their new values, which are empty for a field to be removed. `None`
/// if it is to be refused.
pub fn said(text: &str) -> Option<Fields> {
    let mut fields = Fields::new();
    for argument in arguments(text)? {
        let Argument::Pair(key, "=", mut value) = argument else {
            return None;
        };
        if !value.is_empty() {
            value = canonical(&key, value)?;
        }
        if fields.insert(key, value).is_some() || fields.len() > MAX_SAID {
            return None;
        }
    }
    Some(fields)
}

/// Changes `fields` as `said` says.
pub fn merge(fields: &mut Fields, said: &Fields) {
    fields.extend(said.clone());
    fields.retain(|_, value| !value.is_empty());
}

/// ` key=value` for every field, in the order in which they are sent.
pub fn spell(fields: &Fields) -> String {
    let known = KNOWN.iter().filter_map(|key| fields.get_key_value(*key));
    let others = fields
        .iter()
        .filter(|(key, _)| !KNOWN.contains(&key.as_str()));
    let spelled = known.chain(others).map(|(key, value)| {
        if !value.contains([' ', '"']) {
            return format!(" {key}={value}");
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!(" {key}=\"{value}\"")
    });
    spelled.collect()
}

/// Conditions that must all hold.
#[derive(Debug)]
pub struct Filter(Vec<Condition>);

#[derive(Debug, PartialEq)]
enum Condition {
    Is(String, String),
    IsNot(String, String),
    AtLeast(String, u64),
    AtMost(String, u64),
    NotEmpty,
    NotFull,
}

impl Filter {
    /// Reads the conditions of a LIST; `None` if it is to be refused whatever their number.
    pub fn parse(text: &str) -> Option<Self> {
        let conditions = arguments(text)?.into_iter().map(|argument| match argument {
            Argument::Word(word) => match word.as_str() {
                "notempty" => Some(Condition::NotEmpty),
                "notfull" => Some(Condition::NotFull),
                _ => None,
            },
            Argument::Pair(key, ">=", value) => Some(Condition::AtLeast(key, number(&value)?)),
            Argument::Pair(key, "<=", value) => Some(Condition::AtMost(key, number(&value)?)),
            Argument::Pair(key, operator, mut value) => {
                if !value.is_empty() {
                    value = canonical(&key, value)?;
                }
                Some(match operator {
                    "=" => Condition::Is(key, value),
                    _ => Condition::IsNot(key, value),
                })
            }
        });
        conditions.collect::<Option<_>>().map(Self)
    }

    /// How many conditions there are, and how many different ones.
    pub fn counts(&self) -> (usize, usize) {
        let is_first = |at: &usize| !self.0[..*at].contains(&self.0[*at]);
        (self.0.len(), (0..self.0.len()).filter(is_first).count())
    }

    /// True if `fields` satisfy them all.
    pub fn holds(&self, fields: &Fields) -> bool {
        let get = |key: &str| fields.get(key).map_or("", String::as_str);
        self.0.iter().all(|condition| match condition {
            Condition::Is(key, value) => get(key) == value,
            Condition::IsNot(key, value) => get(key) != value,
            Condition::AtLeast(key, least) => number(get(key)).is_some_and(|n| n >= *least),
            Condition::AtMost(key, most) => number(get(key)).is_some_and(|n| n <= *most),
            Condition::NotEmpty => !matches!(get("nbplayers"), "" | "0"),
            Condition::NotFull => match (number(get("nbplayers")), number(get("maxplayers"))) {
                (Some(players), Some(most)) => players < most,
                _ => true,
            },
        })
    }
}
