//! Finds the command that is meant.

use super::command::{Command, UsageError};
use super::commands::{announce, bridge, browse, list, serve};
use super::flags;
use super::manual::Page;
use std::ffi::OsString;

/// What is said about the commands, the one that is meant if none is named first.
const PAGES: [&Page; 5] = [
    &serve::PAGE,
    &announce::PAGE,
    &list::PAGE,
    &browse::PAGE,
    &bridge::PAGE,
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
        Some("help") => {
            let of = |page: &&&Page| arguments.first().is_some_and(|word| word == page.name);
            let page = PAGES.iter().find(of).unwrap_or(&PAGES[0]);
            Ok(Command::Print(page.help()))
        }
        Some(command) => {
            let names = || PAGES.iter().map(|page| page.name).chain(["help"]);
            let hint = match flags::closest(command, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            Err(UsageError(format!(
                "there is no command '{}'; {hint}",
                command.escape_debug()
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let parsed = parse(words.skip(1).map(OsString::from), password);
            assert!(parsed.is_ok(), "{}: {parsed:?}", example.typed);
        }
    }
}
