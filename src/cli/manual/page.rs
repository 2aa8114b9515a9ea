//! What there is to say about one command.

use super::text::{Block, blocks, fill};
use crate::cli::flags::Flag;

/// What is typed, and what comes of it.
pub(in crate::cli) struct Example {
    pub(in crate::cli) typed: &'static str,
    /// What comes of it, as a sentence without its full stop.
    pub(in crate::cli) effect: &'static str,
}

/// A page of the manual: one command. Its texts are prose as `text` has it.
pub(in crate::cli) struct Page {
    pub(in crate::cli) name: &'static str,
    /// What it does, as a sentence without its full stop.
    pub(in crate::cli) summary: &'static str,
    /// How it is called. Completions read here which words may stand behind it.
    pub(in crate::cli) usage: &'static [&'static str],
    /// What most people need.
    pub(in crate::cli) examples: [Example; 2],
    pub(in crate::cli) flags: &'static [Flag],
    /// What who reads `--help` must know.
    pub(in crate::cli) notes: &'static str,
    /// What else there is to know, for the man page.
    pub(in crate::cli) more: &'static str,
    /// The exit codes besides 0, with their meanings.
    pub(in crate::cli) exits: &'static str,
}

/// The flags that every command has.
pub(in crate::cli) const COMMON: [Flag; 2] = [
    Flag {
        name: "--help, -h",
        value: "",
        help: "this text",
    },
    Flag {
        name: "--version, -V",
        value: "",
        help: "the version",
    },
];

impl Page {
    /// The text of `--help`, which fits a terminal of 80 columns and 40 lines.
    pub(in crate::cli) fn help(&self) -> String {
        let mut help = String::new();
        for Example { typed, effect } in &self.examples {
            help = help + "# " + effect + "\n" + typed + "\n";
        }
        help = help + "\n" + &fill(String::new(), self.summary, 0) + "\n";
        let mut start = "Usage: ";
        for usage in self.usage {
            help = help + &fill(start.to_owned(), usage, 9) + "\n";
            start = "       ";
        }
        help = help + "\nFlags:\n" + &table(self.flags) + "\n";
        for block in blocks(self.notes) {
            help += &match block {
                Block::Paragraph(words) => fill(String::new(), words, 0),
                Block::Line(line) => "  ".to_owned() + line,
            };
            help.push('\n');
        }
        help += &fill("Exit codes: ".to_owned(), self.exits, 0);
        help + "\nMore of all this: gltracker man | man -l -\n"
    }
}

/// The lines of a help text that list these flags. Of what is said about each, the man page alone has
/// what follows its first line.
fn table(flags: &[Flag]) -> String {
    let said: Vec<(String, &str)> = flags
        .iter()
        .chain(&COMMON)
        .map(|Flag { name, value, help }| ("  ".to_owned() + name + " " + value, *help))
        .collect();
    let width = said.iter().map(|(said, _)| said.trim_end().len()).max();
    let width = width.unwrap_or(0) + 2;
    let mut table = String::new();
    for (said, help) in said {
        let first = help.lines().next().unwrap_or("");
        table = table + &fill(format!("{said:width$}"), first, width) + "\n";
    }
    table
}
