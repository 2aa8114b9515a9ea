//! The man page, in the language of roff with the macros of man(7).

use super::around::{DESCRIPTION, ENVIRONMENT, Entry, FILES, SEE_ALSO, SUBJECT};
use super::page::{Example, Page, words};
use super::text::{Block, blocks, fill};
use crate::cli::flags::Flag;
use std::fmt::Write;

/// When what it says was last changed. A page needs a date, and one of the build would make each build
/// another.
const DATE: &str = "2026-11-30";

/// The man page about these commands.
pub(in crate::cli) fn man(pages: &[&Page]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut man = Man(format!(
        ".TH GLTRACKER 1 {DATE} \"gltracker {version}\" \"User Commands\"\n.nr HY 0\n.ad l\n"
    ));
    man.section("NAME");
    man.words(["gltracker", "-"].into_iter().chain(SUBJECT.split(' ')));
    man.section("SYNOPSIS");
    for usage in pages.iter().flat_map(|page| page.usage) {
        man.synopsis(usage);
    }
    man.section("DESCRIPTION");
    man.prose(DESCRIPTION);
    man.section("COMMANDS");
    for page in pages {
        man.command(page);
    }
    man.section("ENVIRONMENT");
    man.entries(&ENVIRONMENT);
    man.section("FILES");
    man.entries(&FILES);
    man.section("EXIT STATUS");
    for page in pages {
        man.entry(page.name, page.exits);
    }
    man.section("SEE ALSO");
    man.prose(SEE_ALSO);
    man.0
}

/// A page that is being written.
struct Man(String);

impl Man {
    fn macro_line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.macro_line(&format!(".SH {title}"));
    }

    /// A synopsis, whose first word is that of the program.
    fn synopsis(&mut self, usage: &str) {
        let mut parts = words(usage);
        self.macro_line(&format!(".SY {}", escaped(parts.next().unwrap_or(""))));
        for part in parts {
            // No break within, and no end of a sentence behind.
            self.macro_line(&(escaped(part).replace(' ', "\\ ") + "\\&"));
        }
        self.macro_line(".YS");
    }

    fn command(&mut self, page: &Page) {
        self.macro_line(&format!(".SS {}", page.name));
        self.prose(&format!(
            "{}.\n\n{}\n\n{}",
            page.summary, page.notes, page.more
        ));
        self.macro_line(".PP\n\\fIExamples\\fR");
        for Example { typed, effect } in &page.examples {
            self.macro_line(".PP");
            self.words(format!("{effect}:").split(' '));
            self.line(typed);
        }
        if !page.flags.is_empty() {
            self.macro_line(".PP\n\\fIFlags\\fR");
        }
        for flag in page.flags {
            self.flag(flag);
        }
    }

    fn flag(&mut self, Flag { name, value, help }: &Flag) {
        let tag = format!(".TP\n{} {}", escaped(name), escaped(value));
        self.macro_line(tag.trim_end());
        let (first, more) = help.split_once('\n').unwrap_or((help, ""));
        let stop = if more.is_empty() { "" } else { ".\n" };
        self.words(format!("{first}{stop}{more}").split_whitespace());
    }

    fn entries(&mut self, entries: &[Entry]) {
        for (term, about) in entries {
            self.entry(term, about);
        }
    }

    fn entry(&mut self, term: &str, about: &str) {
        self.macro_line(&format!(".TP\n\\fB{}\\fR", escaped(term)));
        self.words(about.split(' '));
    }

    fn prose(&mut self, text: &str) {
        let mut is_first = true;
        for block in blocks(text) {
            match block {
                Block::Line(line) => self.line(line),
                Block::Paragraph(words) => {
                    if !is_first {
                        self.macro_line(".PP");
                    }
                    self.words(words);
                }
            }
            is_first = false;
        }
    }

    /// A line as it stands, set in.
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.0, ".RS\n.nf\n{}\n.fi\n.RE", escaped(line));
    }

    fn words<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        let escaped: Vec<String> = words.into_iter().map(escaped).collect();
        let filled = fill(String::new(), escaped.iter().map(String::as_str), 0);
        self.macro_line(&filled);
    }
}

/// `text` without any meaning for roff, except that flags are bold.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    // At the beginning of a line it would be a macro. A quote never stands there, since it is escaped.
    if text.starts_with('.') {
        out += "\\&";
    }
    let (mut is_flag, mut rest) = (false, text);
    while let Some(c) = rest.chars().next() {
        let begins =
            rest.starts_with("--") && rest[2..].starts_with(|c: char| c.is_ascii_lowercase());
        if begins && !is_flag && !out.ends_with(|c: char| c.is_alphanumeric() || c == '-') {
            is_flag = true;
            out += "\\fB";
        } else if is_flag && c != '-' && !c.is_ascii_alphanumeric() {
            is_flag = false;
            out += "\\fR";
        }
        match c {
            '\\' => out += "\\e",
            '-' => out += "\\-",
            '\'' => out += "\\(aq",
            '~' => out += "\\(ti",
            '^' => out += "\\(ha",
            '`' => out += "\\(ga",
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    if is_flag {
        out += "\\fR";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_anything_to_roff() {
        for (text, escaped_text) in [
            ("plain", "plain"),
            (".SH", "\\&.SH"),
            ("'Friday", "\\(aqFriday"),
            ("C:\\n", "C:\\en"),
            ("tab-separated", "tab\\-separated"),
            ("~/.config", "\\(ti/.config"),
            ("(--ask),", "(\\fB\\-\\-ask\\fR),"),
            ("--max-slots", "\\fB\\-\\-max\\-slots\\fR"),
            (
                "--exec 'a --b'",
                "\\fB\\-\\-exec\\fR \\(aqa \\fB\\-\\-b\\fR\\(aq",
            ),
            ("--ipv4", "\\fB\\-\\-ipv4\\fR"),
            ("--", "\\-\\-"),
            ("-- ./server", "\\-\\- ./server"),
        ] {
            assert_eq!(escaped(text), escaped_text);
        }
    }
}
