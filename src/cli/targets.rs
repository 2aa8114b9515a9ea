//! Whose lists a player wants, and what of them: the words of `list` and `browse`.

use super::UsageError;
use super::flags::{self, Item};
use crate::client::{Conditions, TrackerAddress};
use std::ffi::{OsStr, OsString};

/// Whom to ask if nobody is named.
pub(super) const LOCAL: &str = "127.0.0.1";

/// Names the trackers to ask if none is given.
pub(super) const VARIABLE: &str = "GLTRACKER_TRACKER";

/// The most trackers: each is asked by a thread.
const MAX_TRACKERS: usize = 64;

/// The words so far.
#[derive(Default)]
pub(super) struct Targets {
    trackers: Vec<TrackerAddress>,
    conditions: Vec<String>,
}

impl Targets {
    /// Takes in what is not a flag.
    ///
    /// # Errors
    /// [`UsageError`] for what is neither a condition nor a tracker.
    pub(super) fn add(&mut self, item: Item, of: &str) -> Result<(), UsageError> {
        match item {
            Item::Word(word) if is_condition(&word) => self.conditions.push(word),
            Item::Word(word) => self.trackers.push(tracker(&word)?),
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
    pub(super) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Vec<TrackerAddress>, Conditions), UsageError> {
        let mut trackers = self.trackers;
        if trackers.is_empty() {
            trackers = from_environment(environment(VARIABLE))?;
        }
        let mut unique: Vec<TrackerAddress> = Vec::new();
        for tracker in trackers {
            if !unique.contains(&tracker) {
                unique.push(tracker);
            }
        }
        if unique.len() > MAX_TRACKERS {
            let text = format!("at most {MAX_TRACKERS} trackers can be asked at the same time");
            return Err(UsageError(text));
        }
        let conditions = Conditions::from_words(self.conditions.iter().map(String::as_str));
        let conditions = conditions.map_err(|refusal| UsageError(refusal.text))?;
        Ok((unique, conditions))
    }
}

/// The trackers that the environment names, with commas or spaces between them.
fn from_environment(variable: Option<OsString>) -> Result<Vec<TrackerAddress>, UsageError> {
    let variable = variable.unwrap_or_default();
    let text = variable
        .to_str()
        .ok_or_else(|| UsageError(format!("{VARIABLE}: the value is not text")))?;
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let named = words.map(|word| {
        word.parse()
            .map_err(|error| UsageError(format!("{VARIABLE}: {error}")))
    });
    let named = named.collect::<Result<Vec<TrackerAddress>, _>>()?;
    match named.is_empty() {
        true => tracker(LOCAL).map(|tracker| vec![tracker]),
        false => Ok(named),
    }
}

/// True for what is meant as a condition, whether it is right or not.
fn is_condition(word: &str) -> bool {
    word == "notempty" || word == "notfull" || word.contains(['=', '<', '>', '!'])
}

fn tracker(word: &str) -> Result<TrackerAddress, UsageError> {
    if let Some(near) = flags::closest(word, ["notempty", "notfull"].into_iter()) {
        return Err(UsageError(format!("'{word}': did you mean {near}?")));
    }
    word.parse()
        .map_err(|error: crate::reach::NotAnAddress| UsageError(error.to_string()))
}
