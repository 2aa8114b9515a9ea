//! Finds the command that is meant.

use super::command::{Command, UsageError};
use super::commands::{announce, bridge, browse, list, serve};
use super::manual::Page;
use super::printed;
use std::ffi::OsString;

/// What is said about the commands, the one that is meant if none is named first.
const PAGES: [&Page; 8] = [
    &serve::PAGE,
    &announce::PAGE,
    &list::PAGE,
    &browse::PAGE,
    &bridge::PAGE,
    &printed::HELP,
    &printed::MAN,
    &printed::COMPLETIONS,
];

/// Reads the arguments of the program (without its name), and its environment.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.first().and_then(|argument| argument.to_str());
    let command = first
        .filter(|first| !first.is_empty() && !first.starts_with('-'))
        .map(str::to_owned);
    if command.is_some() {
        arguments.remove(0);
    }
    match command.as_deref() {
        None | Some("serve") => serve::parse(arguments, environment),
        Some("announce") => announce::parse(arguments, environment),
        Some("list") => list::parse(arguments, environment),
        Some("browse") => browse::parse(arguments, environment),
        Some("bridge") => bridge::parse(arguments, environment),
        Some(name) => match PAGES.iter().find(|page| page.name == name) {
            Some(page) => printed::parse(page, arguments, &PAGES),
            None => Err(printed::no_command(name, &PAGES)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::manual::Completed;

    fn printed(words: &[&str]) -> String {
        match parse(words.iter().map(OsString::from), |_| None) {
            Ok(Command::Print(text)) => text,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    /// The last line of the screen is for the prompt.
    #[test]
    fn every_help_fits_a_screen_begins_with_examples_and_names_every_flag() {
        for page in PAGES {
            let help = printed(&[page.name, "--help"]);
            let too_wide = help.lines().find(|line| line.chars().count() > 80);
            assert_eq!(too_wide, None, "{}", page.name);
            let lines: Vec<&str> = help.lines().collect();
            assert!(lines.len() < 40, "{} lines:\n{help}", lines.len());
            for (number, example) in page.examples.iter().enumerate() {
                assert!(lines[2 * number].starts_with("# "), "{help}");
                assert_eq!(lines[2 * number + 1], example.typed);
                assert!(example.typed.starts_with("gltracker"), "{help}");
            }
            let flags = page.flags.iter().map(|flag| flag.name);
            for flag in flags.chain(["--help", "--version"]) {
                assert!(help.contains(&format!("\n  {flag}")), "{flag}:\n{help}");
            }
            assert_eq!(printed(&["help", page.name]), help);
            assert_eq!(printed(&[page.name, "-h"]), help);
        }
        assert_eq!(printed(&["help"]), printed(&["--help"]));
    }

    /// What completions offer as the value of a flag is read from its help.
    #[test]
    fn every_value_that_is_offered_is_one() {
        let password = |name: &str| (name == "GLTRACKER_PASSWORD").then(|| "secret".into());
        let mut offered = 0;
        for page in PAGES {
            for flag in page.flags {
                let Some(Completed::Words(values)) = Completed::value(flag) else {
                    continue;
                };
                for value in values {
                    let words = [page.name, flag.name, &value];
                    let parsed = parse(words.map(OsString::from), password);
                    assert!(parsed.is_ok(), "{words:?}: {parsed:?}");
                    offered += 1;
                }
            }
            if page.name == "serve" {
                continue;
            }
            for completed in Completed::behind(page, &PAGES) {
                let Completed::Words(words) = completed else {
                    continue;
                };
                for word in words {
                    let parsed = parse([page.name, &word].map(OsString::from), password);
                    assert!(parsed.is_ok(), "{} {word}: {parsed:?}", page.name);
                    offered += 1;
                }
            }
        }
        assert!(offered > 20, "{offered}");
    }

    #[test]
    fn texts_are_for_known_commands_and_shells() {
        for (words, part) in [
            (
                &["completions", "tcsh"][..],
                "there is no shell 'tcsh'; there are bash, zsh, fish",
            ),
            (&["completions"], "name a shell: there are bash, zsh, fish"),
            (&["completions", "zsh", "fish"], "'fish' is not a flag"),
            (&["man", "browse"], "'browse' is not a flag"),
            (&["man", "--pager"], "there is no flag --pager"),
            (&["help", "brows"], "did you mean browse?"),
            (&["help", "dance"], "there are serve, announce, list"),
        ] {
            let error = parse(words.iter().map(OsString::from), |_| None).unwrap_err();
            assert!(error.to_string().contains(part), "{words:?}: {error}");
        }
        let help = printed(&["help"]);
        for page in PAGES {
            assert!(help.contains(page.name), "{}", page.name);
        }
    }

    #[test]
    fn the_man_page_has_all_that_is_said() {
        let man = printed(&["man"]);
        for page in PAGES {
            assert!(man.contains(&format!("\n.SS {}\n", page.name)), "{man}");
            for flag in page.flags {
                let bold = flag.name.replace('-', "\\-");
                assert!(man.contains(&format!("\n\\fB{bold}\\fR")), "{bold}");
            }
        }
        assert!(man.is_ascii());
    }

    /// What is typed as it stands there is understood.
    #[test]
    fn every_example_is_a_command_line() {
        let password = |name: &str| (name == "GLTRACKER_PASSWORD").then(|| "secret".into());
        for example in PAGES.iter().flat_map(|page| &page.examples) {
            let quoted = example.typed.split('\'').enumerate();
            let words = quoted.flat_map(|(number, part)| match number % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            });
            let words = words.take_while(|word| !["|", ">"].contains(word)).skip(1);
            let parsed = parse(words.map(OsString::from), password);
            assert!(parsed.is_ok(), "{}: {parsed:?}", example.typed);
        }
    }
}
