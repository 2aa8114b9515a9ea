//! Whose lists a player wants, and what of them: the words of `list` and `browse`.

use super::mistaken;
use super::trackers::Trackers;
use crate::cli::command::UsageError;
use crate::cli::flags::{self, Item};
use crate::client::{Conditions, TRACKER_PORT, TrackerAddress};
use std::ffi::{OsStr, OsString};

/// The words so far.
#[derive(Default)]
pub(crate) struct Targets {
    pub(crate) trackers: Trackers<TRACKER_PORT>,
    conditions: Vec<String>,
}

impl Targets {
    /// Takes in what is not a flag.
    ///
    /// # Errors
    /// [`UsageError`] for what is neither a condition nor a tracker.
    pub(crate) fn add(&mut self, item: Item, of: &str) -> Result<(), UsageError> {
        match item {
            Item::Word(word) if is_condition(&word) => self.conditions.push(word),
            Item::Word(word) => self.trackers.add(tracker(&word)?),
            Item::Flag(flag, _) => return Err(flags::no_words(flag.name, of)),
            Item::Rest(words) => {
                let words = words.join(OsStr::new(" "));
                let text = format!("-- {}", words.to_string_lossy());
                return Err(flags::no_words(&text, of));
            }
        }
        Ok(())
    }

    /// The trackers, each once, and the conditions. The environment says whom to ask if nobody is
    /// named.
    ///
    /// # Errors
    /// [`UsageError`] for conditions that a tracker would refuse, and for too many trackers.
    pub(crate) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Vec<TrackerAddress>, Conditions), UsageError> {
        let trackers = self.trackers.finish(environment)?;
        let conditions = Conditions::from_words(self.conditions.iter().map(String::as_str));
        let conditions = conditions.map_err(|refusal| UsageError(refusal.text))?;
        Ok((trackers, conditions))
    }
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
