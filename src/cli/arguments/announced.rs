//! The values that `gltracker announce` is given.

use crate::cli::command::UsageError;
use crate::cli::flags;
use crate::game_server::{PongPlace, TrackerAddress};
use crate::protocol::fields::{Infos, KNOWN, is_known};
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::time::Duration;

/// The shortest known key, in bytes, that others are taken for: `side` may well be a game's own key
/// beside `size`, and `maxplayer` hardly beside `maxplayers`.
const MISTAKABLE: usize = 7;

/// The longest `--alive`, in seconds: a day.
const MAX_ALIVE_SECONDS: u64 = 24 * 60 * 60;

pub(crate) fn text<'a>(source: &str, value: &'a OsStr) -> Result<&'a str, UsageError> {
    let error = || UsageError(format!("{source}: the value is not text"));
    value.to_str().ok_or_else(error)
}

pub(crate) fn tracker(source: &str, text: &str) -> Result<TrackerAddress, UsageError> {
    text.parse()
        .map_err(|error| UsageError(format!("{source}{error}")))
}

/// Reads the value of `--alive`.
pub(crate) fn patience(text: &str) -> Result<Duration, UsageError> {
    seconds("--alive", text, MAX_ALIVE_SECONDS)
}

/// Reads a number of seconds from 1 to `most`.
pub(crate) fn seconds(source: &str, text: &str, most: u64) -> Result<Duration, UsageError> {
    let seconds = text.parse().ok().filter(|n| (1..=most).contains(n));
    let seconds = seconds.ok_or_else(|| {
        let text = text.escape_debug();
        UsageError(format!(
            "{source}: '{text}' is not a number from 1 to {most}"
        ))
    })?;
    Ok(Duration::from_secs(seconds))
}

/// Reads the value of `--pong`.
pub(crate) fn place(text: &str) -> Result<Option<PongPlace>, UsageError> {
    let (ip, port) = match text {
        "no" | "0" | "off" | "false" => return Ok(None),
        "yes" | "1" | "on" | "true" => return Ok(Some(PongPlace::default())),
        port if !port.contains(':') => (None, port.parse().ok()),
        both => {
            let address = both.parse::<SocketAddr>().ok();
            (address.map(|a| a.ip()), address.map(|a| a.port()))
        }
    };
    let port = port.filter(|&port| port > 0).ok_or_else(|| {
        UsageError(format!(
            "--pong: '{}' is neither yes nor no, nor PORT, ADDR:PORT or [IPv6]:PORT",
            text.escape_debug()
        ))
    })?;
    Ok(Some(PongPlace {
        ip,
        port: Some(port),
    }))
}

pub(crate) fn variable(
    name: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, UsageError> {
    match environment(name).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Some(text(name, &value)?.to_owned())),
        None => Ok(None),
    }
}

/// Checks that a word `key=value` is about a field that is written so, and spelled so.
pub(crate) fn check_own(word: &str) -> Result<(), UsageError> {
    let (key, _) = word.split_once('=').unwrap_or((word, ""));
    let instead = match key {
        "port" => "write --port N",
        "checked" | "stale" | "mac" => "leave it out, it is not yours to say",
        key if is_known(key) => return Ok(()),
        key => {
            // A slip of the finger leaves the first letter: `session` is not meant as `version`.
            let near = |known: &&str| {
                known.len() >= MISTAKABLE && known.chars().next() == key.chars().next()
            };
            match flags::closest(key, KNOWN.into_iter().filter(near)) {
                Some(near) => &format!("did you mean {near}=?"),
                None => return Ok(()),
            }
        }
    };
    Err(UsageError(format!("{}=: {instead}", key.escape_debug())))
}

/// Sets a field from a word `key=value`. The shell has removed the quotes: the value is everything
/// after the first equals sign.
pub(crate) fn set_field(fields: &mut Infos, word: &str) -> Result<(), UsageError> {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    fields.set(key, value).map_err(|no| UsageError(no.text))
}
