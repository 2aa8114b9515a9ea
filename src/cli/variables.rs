//! Environment variables that mean nothing.
//!
//! A flag that is misspelt is refused. A variable is only mentioned: it may be of another version,
//! or somebody else's.

use super::{flags, serve};
use crate::protocol::text::spelled_out;

/// What all of ours begin with.
const PREFIX: &str = "GLTRACKER_";

/// Those that are no flags of `serve`. Who starts a tracker may have had them for something else.
const OTHERS: [&str; 6] = [
    "GLTRACKER_PASSWORD",
    "GLTRACKER_KEY",
    "GLTRACKER_TRACKER",
    "GLTRACKER_TRACKERS",
    "GLTRACKER_PORT",
    "GLTRACKER_STARTS_BY",
];

/// What to tell whoever starts a tracker about those of `names` that are named as our variables are
/// and are none: a line for each.
pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    let known: Vec<String> = serve::variables()
        .chain(OTHERS.map(str::to_owned))
        .collect();
    let is_unknown = |name: &String| name.starts_with(PREFIX) && !known.contains(name);
    let about = |name: String| {
        let ends = known.iter().map(|known| &known[PREFIX.len()..]);
        let hint = match flags::closest(&name[PREFIX.len()..], ends) {
            Some(near) => format!("did you mean {PREFIX}{near}?"),
            None => "gltracker --help names them".to_owned(),
        };
        let name = spelled_out(&name, 100);
        format!("there is no variable {name}, which changes nothing; {hint}")
    };
    names.filter(is_unknown).map(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(names: &[&str]) -> Vec<String> {
        unknown_variables(names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn ours_and_those_of_others_are_not_mentioned() {
        let names = ["GLTRACKER_MAX_SLOTS", "GLTRACKER_PASSWORD", "PATH", "GLT"];
        assert_eq!(about(&names), [""; 0]);
    }

    #[test]
    fn one_that_is_misspelt_is_mentioned_with_what_it_may_have_meant() {
        assert_eq!(
            about(&["GLTRACKER_MAX_SLOT", "GLTRACKER_\u{1b}[2J"]),
            [
                "there is no variable GLTRACKER_MAX_SLOT, which changes nothing; did you mean \
                 GLTRACKER_MAX_SLOTS?",
                "there is no variable GLTRACKER_\\u{1b}[2J, which changes nothing; gltracker \
                 --help names them",
            ]
        );
    }
}
