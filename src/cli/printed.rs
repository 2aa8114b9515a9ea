//! The commands that print a text about the others: `help`, `man` and `completions`.

use super::command::{Command, UsageError};
use super::flags::{self, Asked, Item};
use super::manual::{Example, Page, completions, man};
use std::ffi::OsString;

pub(super) const HELP: Page = Page {
    name: "help",
    summary: "Shows what a command does, with its flags",
    usage: &["gltracker help [COMMAND]"],
    examples: [
        Example {
            typed: "gltracker help",
            effect: "Show the other commands, and the flags of a tracker",
        },
        Example {
            typed: "gltracker help browse",
            effect: "Show the same as gltracker browse --help",
        },
    ],
    flags: &[],
    notes: "",
    more: "",
    exits: "2 wrong usage, 3 the text cannot be written",
};

pub(super) const MAN: Page = Page {
    name: "man",
    summary: "Prints the man page gltracker(1), which says more than --help",
    usage: &["gltracker man"],
    examples: [
        Example {
            typed: "gltracker man | man -l -",
            effect: "Read it",
        },
        Example {
            typed: "gltracker man > /usr/local/share/man/man1/gltracker.1",
            effect: "Let man gltracker find it, as root; the folder must be there",
        },
    ],
    flags: &[],
    notes: "",
    more: "",
    exits: "2 wrong usage, 3 the text cannot be written",
};

pub(super) const COMPLETIONS: Page = Page {
    name: "completions",
    summary: "Prints what completes command lines in a shell",
    usage: &["gltracker completions bash|zsh|fish"],
    examples: [
        Example {
            typed: "gltracker completions bash > /etc/bash_completion.d/gltracker",
            effect: "Complete for all users of bash, as root",
        },
        Example {
            typed: "gltracker completions fish > ~/.config/fish/completions/gltracker.fish",
            effect: "Complete in fish",
        },
    ],
    flags: &[],
    notes: "\
A line in ~/.bashrc does it for one user:
  source <(gltracker completions bash)
So does one in ~/.zshrc, behind compinit:
  source <(gltracker completions zsh)",
    more: "",
    exits: "2 wrong usage, 3 the text cannot be written",
};

/// The command that prints what `page`, one of `pages`, is for.
///
/// # Errors
/// [`UsageError`] for words that the command does not take.
pub(super) fn parse(
    page: &Page,
    arguments: Vec<OsString>,
    pages: &[&Page],
) -> Result<Command, UsageError> {
    let of = format!("gltracker {}", page.name);
    let items = match flags::read(arguments, page.flags, &of)? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(page.help())),
        Asked::Version => return Ok(Command::version()),
    };
    let mut words = Vec::new();
    for item in items {
        match item {
            Item::Word(word) => words.push(word),
            Item::Rest(words) => return Err(flags::no_rest(&words, &of)),
            Item::Flag(flag, _) => unreachable!("{} is not there", flag.name),
        }
    }
    let mut words = words.iter().map(String::as_str);
    let text = match (page.name, words.next()) {
        ("help", None) => pages[0].help(),
        ("help", Some(name)) => match pages.iter().find(|page| page.name == name) {
            Some(page) => page.help(),
            None => return Err(no_command(name, pages)),
        },
        ("completions", shell) => completions(shell.unwrap_or(""), pages).map_err(UsageError)?,
        ("man", None) => man(pages),
        (_, Some(word)) => return Err(flags::no_words(word, &of)),
        (name, None) => unreachable!("{name} prints nothing"),
    };
    match words.next() {
        Some(word) => Err(flags::no_words(word, &of)),
        None => Ok(Command::Print(text)),
    }
}

/// The error for a command that there is not.
pub(super) fn no_command(name: &str, pages: &[&Page]) -> UsageError {
    let names = || pages.iter().map(|page| page.name);
    let hint = match flags::closest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
    };
    UsageError(format!(
        "there is no command '{}'; {hint}",
        name.escape_debug()
    ))
}
