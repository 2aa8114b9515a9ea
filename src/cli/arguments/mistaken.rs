//! Words that are probably meant as conditions, and would be taken for names of trackers. Pure.
//!
//! One cause is the shell, which takes `<` and `>` for itself: of `maxplayers>=8` the command sees
//! only `maxplayers`, and its output goes to a file named `=8`.

use crate::cli::command::{Command, UsageError};
use crate::cli::flags;
use crate::client::TRACKER_PORT;
use crate::protocol::fields::is_known;
use std::path::PathBuf;

/// The conditions that are a single word.
pub(crate) const WORDS: [&str; 2] = ["notempty", "notfull"];

/// Values of GLtron's fields, which players may write without the key.
const VALUES: [(&str, &[&str]); 3] = [
    ("speed", &["boring", "normal", "fast", "crazy"]),
    ("size", &["tiny", "medium", "big", "vast", "extreme"]),
    ("erase", &["on", "off"]),
];

/// Refuses a tracker's name that is probably meant as a condition.
///
/// # Errors
/// [`UsageError`] with the condition that is meant.
pub(crate) fn check(word: &str) -> Result<(), UsageError> {
    if let Some(near) = flags::closest(word, WORDS.into_iter()) {
        return Err(UsageError(format!("'{word}': did you mean {near}?")));
    }
    let value_of = VALUES.iter().find(|(_, values)| values.contains(&word));
    let meant = match value_of {
        Some((key, _)) => format!("a {key}, not a tracker; write {key}={word}"),
        None if is_known(word) => {
            let is_number = word.ends_with("players") || word.ends_with("port");
            let example = if is_number { ">=8" } else { "=value" };
            format!(
                "a field, not a tracker; quote a condition, since the shell takes < and > for \
                 itself: '{word}{example}'"
            )
        }
        None => return Ok(()),
    };
    let otherwise = format!("a tracker of that name is {word}:{TRACKER_PORT}");
    Err(UsageError(format!("'{word}' is {meant} ({otherwise})")))
}

/// Refuses a command if the shell took a part of a condition: then standard input or output, one of
/// `files`, has a name that begins with `=`.
///
/// # Errors
/// [`UsageError`] with what to do.
pub fn check_files(
    command: Command,
    files: impl IntoIterator<Item = PathBuf>,
) -> Result<Command, UsageError> {
    let mut names = files.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_string_lossy().into_owned();
        name.starts_with('=').then_some(name)
    });
    match (&command, names.next()) {
        (Command::List(_) | Command::Browse(_), Some(name)) => Err(UsageError(format!(
            "the shell took a condition for a file named '{}'; quote it: 'maxplayers>=8'",
            name.escape_debug()
        ))),
        _ => Ok(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;
    use std::ffi::OsString;

    #[test]
    fn what_is_meant_as_a_condition_is_no_tracker() {
        for (word, part) in [
            (
                "maxplayers",
                "'maxplayers' is a field, not a tracker; quote",
            ),
            ("maxplayers", "takes < and > for itself: 'maxplayers>=8' (a"),
            ("version", "itself: 'version=value'"),
            ("fast", "'fast' is a speed, not a tracker; write speed=fast"),
            (
                "big",
                "write size=big (a tracker of that name is big:23471)",
            ),
            ("on", "write erase=on"),
            ("non-empty", "did you mean notempty?"),
        ] {
            let UsageError(text) = check(word).unwrap_err();
            assert!(text.contains(part), "{word}: {text}");
        }
        for word in ["tracker.example", "fast:23471", "fast.example", "zone", ""] {
            assert_eq!(check(word), Ok(()), "{word}");
        }
    }

    #[test]
    fn a_condition_that_the_shell_took_is_noticed() {
        for (words, file, is_right) in [
            (&["list", "a.example"][..], "/tmp/=8", false),
            (&["list", "zone:1"], "/=3 (deleted)", false),
            (&["browse"], "/home/=8", false),
            (&["list"], "/tmp/list=8", true),
            (&["list"], "pipe:[12345]", true),
            (&["help"], "/tmp/=8", true),
        ] {
            let command = parse(words.iter().map(OsString::from), |_| None).unwrap();
            let files = [PathBuf::from("/dev/pts/0"), file.into()];
            let checked = check_files(command, files);
            assert_eq!(checked.is_ok(), is_right, "{words:?} {file}");
        }
    }
}
