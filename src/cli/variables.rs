//! Unknown environment variables.
//!
//! A misspelt flag is an error. An unknown variable is only logged: it may belong to another version
//! or another program.

use super::commands::serve;
use super::flags;
use super::manual::ENVIRONMENT;
use crate::tracker::start::serve::UnknownVariable;

/// The beginning of all our variables.
const PREFIX: &str = "GLTRACKER_";

/// A variable that the program sets for itself. Besides, there are those without a flag and those of
/// other commands, which may be set where a tracker is started.
const OWN: &str = "GLTRACKER_STARTS_BY";

/// The names among `names` that begin like our variables and are none.
pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<UnknownVariable> {
    let others = ENVIRONMENT.iter().map(|(name, _)| *name);
    let others = others.filter(|name| name.starts_with(PREFIX));
    let known: Vec<String> = serve::variables()
        .chain(others.chain([OWN]).map(str::to_owned))
        .collect();
    let is_unknown = |name: &String| name.starts_with(PREFIX) && !known.contains(name);
    let about = |name: String| {
        let ends = known.iter().map(|known| &known[PREFIX.len()..]);
        let hint = match flags::closest(&name[PREFIX.len()..], ends) {
            Some(near) => format!("did you mean {PREFIX}{near}?"),
            None => "gltracker --help names them".to_owned(),
        };
        UnknownVariable { name, hint }
    };
    names.filter(is_unknown).map(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(names: &[&str]) -> Vec<String> {
        let unknown = unknown_variables(names.iter().map(|name| (*name).to_owned()));
        let shown = |unknown: UnknownVariable| format!("{}: {}", unknown.name, unknown.hint);
        unknown.into_iter().map(shown).collect()
    }

    #[test]
    fn ours_and_those_of_others_are_not_mentioned() {
        let names = ["GLTRACKER_SHARE_USER", "GLTRACKER_PASSWORD", "PATH", "GLT"];
        assert_eq!(about(&names), [""; 0]);
    }

    #[test]
    fn one_that_is_misspelt_is_mentioned_with_what_it_may_have_meant() {
        assert_eq!(
            about(&["GLTRACKER_MAX_SLOT", "GLTRACKER_IMAGE_OF_MINE"]),
            [
                "GLTRACKER_MAX_SLOT: did you mean GLTRACKER_MAX_SLOTS?",
                "GLTRACKER_IMAGE_OF_MINE: gltracker --help names them",
            ]
        );
    }
}
