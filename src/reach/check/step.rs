//! One step of a check, as a person reads it. Pure.

/// The widest line, in columns: that of a usual terminal.
const COLUMNS: usize = 80;

/// How a step has come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As it should.
    Well,
    /// Something is to be done.
    Wrong,
    /// It was not needed, or cannot be told from here.
    Aside,
}

impl Mark {
    /// How it is written, where all signs of Unicode can be and where they cannot.
    fn sign(self, has_signs: bool) -> &'static str {
        match (self, has_signs) {
            (Self::Well, true) => "✓",
            (Self::Wrong, true) => "✗",
            (Self::Aside, true) => "-",
            (Self::Well, false) => "ok",
            (Self::Wrong, false) => "NO",
            (Self::Aside, false) => "--",
        }
    }
}

/// What was found, and what is to be done about it. What strangers have said is plain text in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) mark: Mark,
    pub(crate) found: String,
    /// Empty if there is nothing to do.
    pub(crate) advice: String,
}

impl Step {
    /// A step that has come out as it should.
    pub(crate) fn well(found: impl Into<String>) -> Self {
        Self::new(Mark::Well, found, "")
    }

    /// A step that went wrong, with what to do.
    pub(crate) fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Mark::Wrong, found, advice)
    }

    /// A step that was not needed, or that tells nothing.
    pub(crate) fn aside(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Mark::Aside, found, advice)
    }

    pub(crate) fn new(mark: Mark, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            mark,
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// The lines of this step, each with its LF.
    pub(super) fn lines(&self, has_signs: bool) -> String {
        let sign = self.mark.sign(has_signs);
        let indent = " ".repeat(sign.chars().count() + 1);
        let mut text = format!("{sign} ");
        push_wrapped(&mut text, &self.found, &indent);
        if !self.advice.is_empty() {
            text += &indent;
            push_wrapped(&mut text, &self.advice, &indent);
        }
        text
    }
}

/// Adds `words` to a text whose last line is as long as `indent`. A word that is longer than a line has
/// one for itself.
fn push_wrapped(text: &mut String, words: &str, indent: &str) {
    let mut column = indent.len();
    for (number, word) in words.split(' ').enumerate() {
        let width = word.chars().count();
        if number > 0 && column + 1 + width > COLUMNS {
            text.push('\n');
            *text += indent;
            column = indent.len();
        } else if number > 0 {
            text.push(' ');
            column += 1;
        }
        *text += word;
        column += width;
    }
    text.push('\n');
}

/// So many game servers, in words.
pub(crate) fn game_servers(number: usize) -> String {
    match number {
        1 => "1 game server".to_owned(),
        number => format!("{number} game servers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_its_sign_what_was_found_and_what_to_do_in_lines_of_eighty_columns() {
        let step = Step::wrong("Nobody listens there.", "Start it.");
        assert_eq!(step.lines(true), "✗ Nobody listens there.\n  Start it.\n");
        assert_eq!(
            step.lines(false),
            "NO Nobody listens there.\n   Start it.\n"
        );
        assert_eq!(Step::well("It answers.").lines(true), "✓ It answers.\n");
        let long = "word ".repeat(60) + &"x".repeat(100) + " end";
        for has_signs in [true, false] {
            let lines = Step::aside(long.clone(), long.clone()).lines(has_signs);
            let longest = lines.lines().filter(|line| !line.contains('x'));
            assert!(longest.clone().all(|line| line.chars().count() <= COLUMNS));
            assert!(longest.map(str::len).max() > Some(COLUMNS - 6), "{lines}");
            assert_eq!(lines.split_whitespace().count(), 1 + 2 * 62);
        }
    }
}
