//! The man page, in the language of roff with the macros of man(7).

use super::around::{DESCRIPTION, ENVIRONMENT, Entry, FILES, SEE_ALSO, SUBJECT};
use super::page::{Example, Page};
use super::text::{Block, blocks, fill, words};
use crate::cli::flags::Flag;

/// When what it says was last changed. A page needs a date, and one of the build would make each build
/// another.
const DATE: &str = "2026-11-30";

/// The man page about these commands.
pub(in crate::cli) fn man(pages: &[&Page]) -> String {
    let mut man = Man(format!(
        ".TH GLTRACKER 1 {DATE} \"gltracker {}\" \"User Commands\"\n.nr HY 0\n.ad l\n",
        env!("CARGO_PKG_VERSION")
    ));
    man.line(".SH NAME");
    man.fill(&format!("gltracker - {SUBJECT}"));
    man.line(".SH SYNOPSIS");
    for usage in pages.iter().flat_map(|page| page.usage) {
        man.synopsis(usage);
    }
    man.line(".SH DESCRIPTION");
    man.prose(DESCRIPTION);
    man.line(".SH COMMANDS");
    for page in pages {
        man.command(page);
    }
    man.line(".SH ENVIRONMENT");
    man.entries(&ENVIRONMENT);
    man.line(".SH FILES");
    man.entries(&FILES);
    man.line(".SH EXIT STATUS");
    for page in pages {
        man.entries(&[(page.name, page.exits)]);
    }
    man.line(".SH SEE ALSO");
    man.prose(SEE_ALSO);
    man.0
}

/// A page that is being written.
struct Man(String);

impl Man {
    /// Adds a line that roff understands.
    fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    /// Adds words, in lines of the width of a terminal.
    fn fill(&mut self, text: &str) {
        let escaped: Vec<String> = text.split_whitespace().map(escaped).collect();
        self.line(&fill(String::new(), &escaped.join(" "), 0));
    }

    fn synopsis(&mut self, usage: &str) {
        let mut start = ".SY ";
        for word in words(usage) {
            // No break within, and no end of a sentence behind.
            let word = escaped(word).replace(' ', "\\ ");
            self.line(&(start.to_owned() + &word + "\\&"));
            start = "";
        }
        self.line(".YS");
    }

    fn command(&mut self, page: &Page) {
        let Page {
            name,
            summary,
            notes,
            more,
            ..
        } = page;
        self.line(&format!(".SS {name}"));
        self.prose(&format!("{summary}.\n\n{notes}\n\n{more}"));
        self.line(".PP\n\\fIExamples\\fR");
        for Example { typed, effect } in &page.examples {
            self.line(".PP");
            self.prose(&format!("{effect}:\n {typed}"));
        }
        if !page.flags.is_empty() {
            self.line(".PP\n\\fIFlags\\fR");
        }
        for Flag { name, value, help } in page.flags {
            let tag = escaped(name) + " " + &escaped(value);
            self.line(&(".TP\n".to_owned() + tag.trim_end()));
            self.fill(&help.replacen('\n', ".\n", 1));
        }
    }

    fn entries(&mut self, entries: &[Entry]) {
        for (term, about) in entries {
            self.line(&format!(".TP\n\\fB{}\\fR", escaped(term)));
            self.fill(about);
        }
    }

    fn prose(&mut self, text: &str) {
        for (number, block) in blocks(text).into_iter().enumerate() {
            match block {
                Block::Line(line) => {
                    self.line(&format!(".RS\n.nf\n{}\n.fi\n.RE", escaped(line)));
                }
                Block::Paragraph(words) => {
                    if number > 0 {
                        self.line(".PP");
                    }
                    self.fill(words);
                }
            }
        }
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
