//! Prose, and how it is laid out for a terminal; and words in quotes.
//!
//! An empty line ends a paragraph. A line that begins with a space is one that nobody fills, such as
//! an example.

/// The width of a terminal, in columns, that every help fits.
pub(super) const WIDTH: usize = 80;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// Words that are filled.
    Paragraph(&'a str),
    /// A line that stays as it is, without the spaces before it.
    Line(&'a str),
}

/// The parts of a text.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for mut part in text.split("\n\n") {
        while !part.is_empty() {
            let is_line = part.starts_with(' ');
            let end = if is_line {
                part.find('\n')
            } else {
                part.find("\n ")
            };
            let (block, rest) = part.split_at(end.unwrap_or(part.len()));
            blocks.push(match is_line {
                true => Block::Line(block.trim_start()),
                false => Block::Paragraph(block),
            });
            part = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    blocks
}

/// The words of a text, where what stands in brackets is one.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c.is_whitespace() && depth == 0
    });
    parts.filter(|word| !word.is_empty()).collect()
}

/// Fills lines with the words of `text`. The first line goes on from `line`, and each other one begins
/// with `indent` spaces. The last has no newline.
pub(super) fn fill(mut line: String, text: &str, indent: usize) -> String {
    let mut filled = String::new();
    let mut is_first = true;
    for word in words(text) {
        if !is_first && line.len() + 1 + word.len() > WIDTH {
            filled += &line;
            filled.push('\n');
            line = " ".repeat(indent);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    filled + &line
}

/// `word` in single quotes, for any shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_ends_a_paragraph_and_a_space_keeps_a_line() {
        let text = "One\ntwo.\n\nThree:\n  a = b  c\n  d\nfour";
        assert_eq!(
            blocks(text),
            [
                Block::Paragraph("One\ntwo."),
                Block::Paragraph("Three:"),
                Block::Line("a = b  c"),
                Block::Line("d"),
                Block::Paragraph("four"),
            ]
        );
        assert_eq!(blocks(""), []);
        assert_eq!(blocks("\n\na"), [Block::Paragraph("a")]);
    }

    #[test]
    fn brackets_hold_words_together() {
        let text = "a [-- B...]\n c [default: [::]:1] d";
        let apart = ["a", "[-- B...]", "c", "[default: [::]:1]", "d"];
        assert_eq!(words(text), apart);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text = "eleven-long ".repeat(20);
        let filled = fill("  --flag  ".to_owned(), &text, 10);
        let lines: Vec<&str> = filled.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{filled}");
        assert!(lines[0].starts_with("  --flag  eleven-long eleven"));
        assert!(lines[1].starts_with("          eleven-long"));
        assert_eq!(filled.matches("eleven-long").count(), 20);
        let long = "x".repeat(90);
        let filled = fill(String::new(), &format!("{long} y"), 2);
        assert_eq!(filled, format!("{long}\n  y"));
    }

    #[test]
    fn a_quote_ends_no_quoted_word() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
