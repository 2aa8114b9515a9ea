//! What may stand where on a command line. It is read from what the user is shown: the usage of a
//! command, and the value and the help of a flag.

use super::page::Page;
use super::text::words;
use crate::cli::flags::Flag;
use crate::protocol::fields::KNOWN;

/// Keys of conditions and fields that nothing checks, but many games have.
const USUAL: [&str; 3] = ["game", "map", "mode"];

/// Keys that nobody writes: a flag says the port, and the tracker says the others.
const NOT_WRITTEN: [&str; 3] = ["port", "checked", "stale"];

/// What may stand in one place.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Completed {
    /// One of these words.
    Words(Vec<String>),
    /// `key=` of a known field, behind which a value follows.
    Keys,
    Files,
    Folders,
    Hosts,
    Programs,
    /// Something that the user alone knows.
    Anything,
}

impl Completed {
    /// What the value of a flag may be; `None` if the next word is none.
    pub(in crate::cli) fn value(flag: &Flag) -> Option<Self> {
        Some(match flag.value.split('[').next() {
            None | Some("") => return None,
            Some("FILE") => Self::Files,
            Some("DIR") => Self::Folders,
            Some("HOST") => Self::Hosts,
            Some("COMMAND") => Self::Programs,
            Some("LEVEL" | "KEY" | "KIND") => Self::Words(choices(flag.help)),
            Some(_) => Self::Anything,
        })
    }

    /// What a word behind the command `page`, one of `pages`, may be. The first command is meant where
    /// none is named: there the first word may be a name.
    pub(in crate::cli) fn behind(page: &Page, pages: &[&Page]) -> Vec<Self> {
        let names = || pages.iter().map(|page| page.name.to_owned()).collect();
        let parts = words(page.usage[0]);
        let completed = parts.into_iter().flat_map(|part| match part {
            "[serve]" | "[COMMAND]" => vec![Self::Words(names())],
            "[TRACKER...]" => vec![Self::Hosts],
            "[CONDITION...]" => {
                let words = ["notempty", "notfull"].map(str::to_owned);
                vec![Self::Words(words.to_vec()), Self::Keys]
            }
            "[key=value...]" => vec![Self::Keys],
            part if part.starts_with('[') || !part.contains('|') => vec![],
            part => vec![Self::Words(part.split('|').map(str::to_owned).collect())],
        });
        completed.collect()
    }
}

/// The words among which the help of a flag lets one choose, as in `ask whom: one, two or three`. What is
/// said in several words is left out, but for columns.
fn choices(help: &str) -> Vec<String> {
    let (line, _) = help.split_once(" [default").unwrap_or((help, ""));
    let line = line.lines().next().unwrap_or("");
    let (_, listed) = line.rsplit_once(": ").unwrap_or(("", line));
    let listed = listed.replace(" or ", ", ");
    let listed = listed.split(", ");
    let words = listed.flat_map(|word| match word {
        "a column" => USUAL.to_vec(),
        word if word.contains(' ') => Vec::new(),
        word => vec![word],
    });
    words.map(str::to_owned).collect()
}

/// The keys of fields that are written, each with its sign.
pub(super) fn keys() -> String {
    let keys = KNOWN.iter().filter(|key| !NOT_WRITTEN.contains(key));
    let keys: Vec<String> = keys.chain(&USUAL).map(|key| format!("{key}=")).collect();
    keys.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_those_that_the_help_names() {
        for (help, listed) in [
            (
                "ping, players or name [default: ping]",
                &["ping", "players", "name"][..],
            ),
            (
                "ask the game: quake3, source or minecraft\nOnce.",
                &["quake3", "source", "minecraft"],
            ),
            (
                "ping or a column, as in map",
                &["ping", "game", "map", "mode"],
            ),
            ("on or off", &["on", "off"]),
        ] {
            assert_eq!(choices(help), listed);
        }
    }
}
