//! What there is to say about one command.

use super::text::{Block, blocks, fill};
use crate::cli::flags::Flag;
use std::fmt::Write;

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
            let _ = writeln!(help, "# {effect}\n{typed}");
        }
        let _ = writeln!(
            help,
            "\n{}",
            fill(String::new(), self.summary.split(' '), 0)
        );
        for (number, usage) in self.usage.iter().enumerate() {
            let start = if number == 0 { "Usage: " } else { "       " };
            let _ = writeln!(help, "{}", fill(start.to_owned(), words(usage), 9));
        }
        help += "\nFlags:\n";
        help += &table(self.flags);
        help.push('\n');
        for block in blocks(self.notes) {
            match block {
                Block::Paragraph(words) => help += &fill(String::new(), words, 0),
                Block::Line(line) => {
                    help += "  ";
                    help += line;
                }
            }
            help.push('\n');
        }
        let exits = self.exits.split(' ');
        let _ = writeln!(help, "{}", fill("Exit codes: ".to_owned(), exits, 0));
        help + "More of all this: gltracker man | man -l -\n"
    }
}

/// The words of a usage, where what stands in brackets is one.
pub(super) fn words(usage: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    usage.split(move |c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ' ' && depth == 0
    })
}

/// The lines of a help text that list these flags. Of what is said about each, the man page alone has
/// what follows its first line.
fn table(flags: &[Flag]) -> String {
    let said = |flag: &Flag| {
        format!("  {} {}", flag.name, flag.value)
            .trim_end()
            .to_owned()
    };
    let all = || flags.iter().chain(&COMMON);
    let width = all().map(|flag| said(flag).len()).max().unwrap_or(0) + 2;
    let mut table = String::new();
    for flag in all() {
        let start = format!("{:width$}", said(flag));
        let words = flag.help.lines().next().unwrap_or("").split(' ');
        let _ = writeln!(table, "{}", fill(start, words, width));
    }
    table
}
