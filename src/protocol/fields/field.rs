//! Which keys are known, in which order they are sent, and what their values may be.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::{number, spelled_out};
use std::borrow::Cow;
use std::net::IpAddr;

/// The keys that gltracker knows, in the order in which they are sent.
pub(crate) const KNOWN: [&str; 13] = [
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

/// The words that only the tracker says.
pub(super) const TRACKERS_OWN: [&str; 3] = ["ip", "checked", "stale"];

/// The values of `query`: how existing games are asked.
const QUERIES: [&str; 3] = ["quake3", "source", "minecraft"];

/// The most fields a game server may have, without the tracker's own words.
pub const MAX_FIELDS: usize = 32;

/// True for a key that gltracker knows.
pub(crate) fn is_known(key: &str) -> bool {
    KNOWN.contains(&key)
}

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
pub(crate) fn canonical_value<'a>(key: &str, value: Cow<'a, str>) -> Result<Cow<'a, str>, Refusal> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    let number = |least: u16| number(&value).filter(|&n| n >= least);
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
        "query" => (
            QUERIES.contains(&&*value).then(|| value.clone()),
            "quake3, source or minecraft",
        ),
        "checked" | "stale" => (
            (value == "yes").then_some(Cow::Borrowed("yes")),
            "yes, or left out",
        ),
        _ => return Ok(value),
    };
    canonical.ok_or_else(|| {
        Refusal::new(
            ErrorCode::BadValue,
            format!("{key} must be {must_be}, not '{}'", spelled_out(&value, 40)),
        )
    })
}
