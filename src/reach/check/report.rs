//! How the steps of a check are written.

use super::step::{Mark, Step};
use crate::protocol::text::spelled_out;
use std::ffi::OsString;
use std::io::Write;

/// The longest text of one step, in characters. An entry of a list has at most 1024 bytes.
const MAX_SHOWN: usize = 2000;

/// Writes each step as it comes out, and counts those that went wrong.
pub(crate) struct Report<W> {
    out: W,
    has_signs: bool,
    has_title: bool,
    wrong: usize,
}

impl<W: Write> Report<W> {
    /// The signs are those of the locale that `environment` names.
    pub(crate) fn new(out: W, environment: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            out,
            has_signs: is_utf8(environment),
            has_title: false,
            wrong: 0,
        }
    }

    /// What the next steps are about.
    pub(crate) fn title(&mut self, text: &str) {
        let gap = if self.has_title { "\n" } else { "" };
        self.has_title = true;
        self.write(&format!("{gap}{}\n", spelled_out(text, MAX_SHOWN)));
    }

    /// What came of a step; true unless it went wrong.
    pub(crate) fn step(&mut self, step: Step) -> bool {
        let is_wrong = step.mark == Mark::Wrong;
        self.wrong += usize::from(is_wrong);
        let plain = Step {
            mark: step.mark,
            found: spelled_out(&step.found, MAX_SHOWN),
            advice: spelled_out(&step.advice, MAX_SHOWN),
        };
        let lines = plain.lines(self.has_signs);
        self.write(&lines);
        !is_wrong
    }

    /// Says how it went as a whole; true if nothing went wrong.
    pub(crate) fn end(&mut self, well: &str) -> bool {
        match self.wrong {
            0 => self.title(well),
            1 => self.title("One step went wrong. Mend it and check again."),
            wrong => self.title(&format!(
                "{wrong} steps went wrong. Mend the first and check again."
            )),
        }
        self.wrong == 0
    }

    fn write(&mut self, text: &str) {
        // Whoever closed the pipe has seen enough: the exit code says the rest.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// True if the locale is one of UTF-8, by the rules of POSIX for which variable counts.
fn is_utf8(environment: impl Fn(&str) -> Option<OsString>) -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let mut said = variables
        .filter_map(environment)
        .filter(|it| !it.is_empty());
    let locale = said.next().unwrap_or_default();
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).into())
        }
    }

    #[test]
    fn the_locale_decides_the_signs() {
        for (variables, is_one) in [
            (&[][..], false),
            (&[("LANG", "en_GB.UTF-8")], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
            (
                &[("LANG", "C"), ("LC_CTYPE", "C.UTF-8"), ("LC_ALL", "")],
                true,
            ),
        ] {
            assert_eq!(is_utf8(locale(variables)), is_one, "{variables:?}");
        }
    }

    #[test]
    fn what_went_wrong_is_counted_and_nothing_but_plain_text_is_written() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, locale(&[]));
        report.title("first:");
        assert!(report.step(Step::well("fine \u{1b}[2J")));
        assert!(report.step(Step::aside("so so", "")));
        assert!(report.end("All is well."));
        assert!(!report.step(Step::wrong("bad\n", "mend it")));
        assert!(!report.end("All is well."));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "first:\nok fine \\u{1b}[2J\n-- so so\n\nAll is well.\nNO bad\\u{a}\n   mend it\n\n\
             One step went wrong. Mend it and check again.\n"
        );
    }
}
