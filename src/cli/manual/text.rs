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
    Paragraph(Vec<&'a str>),
    /// A line that stays as it is, without the spaces before it.
    Line(&'a str),
}

/// The parts of a text.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        match (line.starts_with(' '), blocks.last_mut()) {
            (true, _) => blocks.push(Block::Line(line.trim_start())),
            (false, Some(Block::Paragraph(words))) if is_open => {
                words.extend(line.split_whitespace());
            }
            (false, _) if !line.is_empty() => {
                blocks.push(Block::Paragraph(line.split_whitespace().collect()));
            }
            (false, _) => {}
        }
        is_open = !line.starts_with(' ') && !line.is_empty();
    }
    blocks
}

/// Fills lines with words. The first line goes on from `start`, and each other one begins with
/// `indent` spaces. No line ends with a newline.
pub(super) fn fill<'a>(
    start: String,
    words: impl IntoIterator<Item = &'a str>,
    indent: usize,
) -> String {
    let (mut filled, mut line) = (String::new(), start);
    for word in words {
        let is_blank = line.trim_end().is_empty() || line.ends_with(' ');
        let space = usize::from(!is_blank);
        if line.chars().count() + space + word.chars().count() > WIDTH && !line.trim().is_empty() {
            filled = filled + line.trim_end() + "\n";
            line = " ".repeat(indent);
        } else if space > 0 {
            line.push(' ');
        }
        line.push_str(word);
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
                Block::Paragraph(vec!["One", "two."]),
                Block::Paragraph(vec!["Three:"]),
                Block::Line("a = b  c"),
                Block::Line("d"),
                Block::Paragraph(vec!["four"]),
            ]
        );
        assert_eq!(blocks(""), []);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let words = ["eleven-long"; 20];
        let filled = fill("  --flag  ".to_owned(), words, 10);
        let lines: Vec<&str> = filled.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{filled}");
        assert!(lines[0].starts_with("  --flag  eleven-long eleven"));
        assert!(lines[1].starts_with("          eleven-long"));
        let words: usize = lines
            .iter()
            .map(|line| {
                line.split(' ')
                    .filter(|word| *word == "eleven-long")
                    .count()
            })
            .sum();
        assert_eq!(words, 20);
        let long = "x".repeat(90);
        assert_eq!(
            fill(String::new(), [long.as_str(), "y"], 2),
            format!("{long}\n  y")
        );
    }
}
