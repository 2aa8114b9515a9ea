//! Whose lists a player wants, and what of them: the words of `list` and `browse`.

use super::mistaken;
use super::trackers::Trackers;
use crate::cli::command::UsageError;
use crate::cli::flags::{self, Flag, Item};
use crate::client::{Conditions, TRACKER_PORT, TrackerAddress};
use std::ffi::{OsStr, OsString};

/// Reads what stands on the command line of `of`: the trackers, each once, and the conditions. A flag
/// that says nothing about trackers is for `set`; the environment says whom to ask if nobody is named.
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

/// True for what is meant as a condition, whether it is right or not.
fn is_condition(word: &str) -> bool {
    mistaken::WORDS.contains(&word) || word.contains(['=', '<', '>', '!'])
}

fn tracker(word: &str) -> Result<TrackerAddress, UsageError> {
    mistaken::check(word)?;
    word.parse()
        .map_err(|error: crate::reach::NotAnAddress| UsageError(error.to_string()))
}
