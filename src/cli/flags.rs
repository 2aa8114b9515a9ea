//! The parts of a command line.
//!
//! This file hides how they are written: `--flag value` or `--flag=value`, words, and `--` before the
//! arguments of another program.

use super::command::UsageError;
use std::ffi::{OsStr, OsString};

/// One flag of a command.
pub(super) struct Flag {
    pub(super) name: &'static str,
    /// The name of its value in the help, in brackets if it may be left out; empty if it takes none.
    pub(super) value: &'static str,
    /// What it does, in a line of some 50 characters. The man page alone has the lines that follow.
    pub(super) help: &'static str,
}

/// One part of a command line.
pub(super) enum Item {
    /// A flag with its value, which is `yes` for a flag that has none.
    Flag(&'static Flag, OsString),
    /// A word that is not a flag.
    Word(String),
    /// Everything after `--`.
    Rest(Vec<OsString>),
}

/// What a command line asks for.
pub(super) enum Asked {
    /// To do something.
    Items(Vec<Item>),
    /// The help of the command.
    Help,
    /// The version of the program.
    Version,
}

/// Reads the arguments of the command `of`, whose flags are these.
///
/// # Errors
/// [`UsageError`] for an unknown flag, and for one without its value.
pub(super) fn read(
    arguments: Vec<OsString>,
    flags: &'static [Flag],
    of: &str,
) -> Result<Asked, UsageError> {
    let mut items = Vec::new();
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        let (name, joined) = split_joined(&argument);
        match name.as_str() {
            "--help" | "-h" => return Ok(Asked::Help),
            "--version" | "-V" => return Ok(Asked::Version),
            "--" => {
                items.push(Item::Rest(rest.collect()));
                break;
            }
            word if !word.starts_with('-') => {
                items.push(Item::Word(word.to_owned()));
                continue;
            }
            _ => {}
        }
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            return Err(unknown_flag(&name, flags, of));
        };
        let value = match joined {
            Some(value) => value,
            None if flag.value.is_empty() => "yes".into(),
            None if flag.value.starts_with('[') => rest
                .next_if(|value| !starts_like_a_flag(value))
                .unwrap_or("yes".into()),
            None => rest
                .next()
                .filter(|value| !starts_like_a_flag(value))
                .ok_or_else(|| {
                    UsageError(format!("{name} needs a value: {name} {}", flag.value))
                })?,
        };
        if value.is_empty() {
            return Err(no_value(flag, flag.name));
        }
        items.push(Item::Flag(flag, value));
    }
    Ok(Asked::Items(items))
}

/// The error for an empty value of `flag` in `source`.
fn no_value(flag: &Flag, source: &str) -> UsageError {
    let value = match flag.value {
        "" => "yes or no",
        value => value,
    };
    UsageError(format!("{source}: a value is needed: {value}"))
}

/// The error for a word where the command takes none.
pub(super) fn no_words(word: &str, of: &str) -> UsageError {
    UsageError(format!(
        "'{}' is not a flag; {of} --help lists them",
        word.escape_debug()
    ))
}

/// The error for arguments after `--` where the command takes none.
pub(crate) fn no_rest(words: &[OsString], of: &str) -> UsageError {
    let words = words.join(OsStr::new(" "));
    no_words(&format!("-- {}", words.to_string_lossy()), of)
}

/// Splits `--flag=value`.
fn split_joined(argument: &OsStr) -> (String, Option<OsString>) {
    if let Some((name, value)) = halves(argument).filter(|(name, _)| name.starts_with("--")) {
        return (name, Some(value));
    }
    (argument.to_string_lossy().into_owned(), None)
}

/// The parts before and after the first equals sign. The latter may be the name of a file, which need
/// not be text.
#[cfg(unix)]
fn halves(argument: &OsStr) -> Option<(String, OsString)> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = argument.as_bytes();
    let at = bytes.iter().position(|&byte| byte == b'=')?;
    let name = String::from_utf8(bytes[..at].to_vec()).ok()?;
    Some((name, OsString::from_vec(bytes[at + 1..].to_vec())))
}

#[cfg(not(unix))]
fn halves(argument: &OsStr) -> Option<(String, OsString)> {
    let (name, value) = argument.to_str()?.split_once('=')?;
    Some((name.to_owned(), value.into()))
}

fn starts_like_a_flag(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.starts_with("--"))
}

fn unknown_flag(name: &str, flags: &'static [Flag], of: &str) -> UsageError {
    let name = name.escape_debug().to_string();
    let names = flags.iter().map(|flag| flag.name);
    let hint = match closest(&name, names.chain(["--help", "--version"])) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("{of} --help lists them"),
    };
    UsageError(format!("there is no flag {name}; {hint}"))
}

/// The candidate with the smallest edit distance from `typed`, if that is small.
pub(super) fn closest<'a>(
    typed: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .map(|candidate| (edits(typed, candidate), candidate))
        .filter(|(edits, candidate)| *edits * 3 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// The edit distance: how many characters must be inserted, removed or replaced.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
