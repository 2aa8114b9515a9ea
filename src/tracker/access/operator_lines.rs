//! The lines of a file that the operator writes.

/// The lines that say something, each with its number: trimmed, not blank, and not beginning with `#`.
pub(crate) fn telling_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A line of a file that is not understood. The other lines count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLine {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong with it, without what it holds.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        let lines: Vec<_> = telling_lines("# top\n\n a b \r\n#c\nd#e").collect();
        assert_eq!(lines, [(3, "a b"), (5, "d#e")]);
    }
}
