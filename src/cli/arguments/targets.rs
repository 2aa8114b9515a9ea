//! The trackers and the conditions of `list` and `browse`.

use super::mistaken;
use super::trackers::Trackers;
use crate::cli::command::UsageError;
use crate::cli::flags::{self, Flag, Item};
use crate::client::{Conditions, TRACKER_PORT, TrackerAddress};
use std::ffi::{OsStr, OsString};

/// Reads the command line of `of` and returns the trackers, each once, and the conditions. Flags that
/// do not concern trackers go to `set`. If no tracker is named, the environment names them.
///
/// # Errors
/// [`UsageError`] for what is neither a flag nor a condition nor a tracker, for conditions that a
/// tracker would refuse, and for too many trackers.
pub(crate) fn read(
    items: Vec<Item>,
    of: &str,
    environment: impl Fn(&str) -> Option<OsString>,
    mut set: impl FnMut(&Flag, &OsStr) -> Result<(), UsageError>,
) -> Result<(Vec<TrackerAddress>, Conditions), UsageError> {
    let mut trackers = Trackers::<TRACKER_PORT>::default();
    let mut conditions = Vec::new();
    for item in items {
        match item {
            Item::Flag(flag, value) if trackers.set(flag, &value)? => {}
            Item::Flag(flag, value) => set(flag, &value)?,
            Item::Word(word) if is_condition(&word) => conditions.push(word),
            Item::Word(word) => trackers.add(tracker(&word)?),
            Item::Rest(words) => return Err(flags::no_rest(&words, of)),
        }
    }
    let trackers = trackers.finish(environment)?;
    let conditions = Conditions::from_words(conditions.iter().map(String::as_str));
    let conditions = conditions.map_err(|refusal| UsageError(refusal.text))?;
    Ok((trackers, conditions))
}

/// True for a word that is meant as a condition, valid or not.
fn is_condition(word: &str) -> bool {
    mistaken::WORDS.contains(&word) || word.contains(['=', '<', '>', '!'])
}

fn tracker(word: &str) -> Result<TrackerAddress, UsageError> {
    mistaken::check(word)?;
    word.parse()
        .map_err(|error: crate::reach::NotAnAddress| UsageError(error.to_string()))
}
