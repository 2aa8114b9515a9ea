//! The bytes that change the screen. Pure: lines in, bytes out.
//!
//! This file hides that only changed rows are written, and all rows now and then; and that terminals
//! disagree on how wide an emoji is. Every column of a table is written where it belongs, from left to right,
//! so that whatever the one before it was drawn as moves nothing: what reaches too far is written over.

use crate::client::browse::view::{Line, Style};
use crate::client::width::width;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// After this time all rows are written again. Another program may have written on the screen, or a
/// resized window may have lost rows, and nothing reports that. It takes a few kilobytes, and cells
/// that do not change do not flicker.
const WHOLE_INTERVAL: Duration = Duration::from_secs(1);

/// A drawing this much before that time counts as in time.
const SLACK: Duration = Duration::from_millis(50);

/// The rows as they were written last.
#[derive(Debug, Default)]
pub struct Screen {
    shown: Vec<Line>,
    /// When all of them were written.
    whole: Option<Instant>,
}

impl Screen {
    /// Forgets what the terminal shows: all rows will be written.
    pub(crate) fn forget(&mut self) {
        self.whole = None;
    }

    /// The bytes after which the terminal shows `lines`.
    pub fn show(&mut self, lines: Vec<Line>, colour: bool, now: Instant) -> String {
        let is_recent =
            |whole: Instant| now.saturating_duration_since(whole) + SLACK < WHOLE_INTERVAL;
        // If there are fewer rows than before, the rest of the screen is cleared as well.
        let must_clear = self.whole.is_none() || lines.len() < self.shown.len();
        let old = match must_clear || !self.whole.is_some_and(is_recent) {
            true => &[],
            false => &self.shown[..],
        };
        let mut bytes = String::new();
        if old.is_empty() {
            self.whole = Some(now);
        }
        if must_clear {
            bytes.push_str("\x1b[0m\x1b[2J");
        }
        write_rows(&mut bytes, old, &lines, colour);
        self.shown = lines;
        bytes
    }
}

/// Writes the rows that differ.
fn write_rows(bytes: &mut String, old: &[Line], new: &[Line], colour: bool) {
    let is_other = |(row, line): &(usize, &Line)| old.get(*row) != Some(line);
    for (row, line) in new.iter().enumerate().filter(is_other) {
        let attributes = match line.style {
            Style::Plain => "",
            Style::Title => "\x1b[1m",
            Style::Dim => "\x1b[2m",
            Style::Selected => "\x1b[7m",
            Style::Status if colour => "\x1b[36m",
            Style::Warning if colour => "\x1b[33m",
            Style::Status => "",
            Style::Warning => "\x1b[1m",
        };
        // Erased first: behind a line that fills the row the cursor still stands on its last cell,
        // and erasing from there would take that cell away. Writing into a String does not fail.
        let _ = write!(bytes, "\x1b[{};1H\x1b[0m\x1b[K{attributes}", row + 1);
        // A character that is drawn narrower than it is counted leaves no hole in what is marked.
        if line.style == Style::Selected {
            let _ = write!(bytes, "{:1$}\x1b[1G", "", width(&line.text));
        }
        for (column, piece) in line.pieces() {
            if column > 0 {
                let _ = write!(bytes, "\x1b[{}G", column + 1);
            }
            bytes.push_str(piece);
        }
        bytes.push_str("\x1b[0m");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, style: Style) -> Line {
        Line::new(style, text, 80)
    }

    fn plain<const N: usize>(texts: [&str; N]) -> Vec<Line> {
        texts.map(|text| line(text, Style::Plain)).into()
    }

    #[test]
    fn only_what_has_changed_is_written() {
        let (mut screen, now) = (Screen::default(), Instant::now());
        let row = |row: u8, text: &str| format!("\x1b[{row};1H\x1b[0m\x1b[K{text}\x1b[0m");
        assert_eq!(
            screen.show(plain(["a", "b"]), true, now),
            format!("\x1b[0m\x1b[2J{}{}", row(1, "a"), row(2, "b"))
        );
        assert_eq!(screen.show(plain(["a", "b"]), true, now), "");
        let selected = vec![line("a", Style::Plain), line("c", Style::Selected)];
        assert_eq!(screen.show(selected, true, now), row(2, "\x1b[7m \x1b[1Gc"));
        assert_eq!(
            screen.show(plain(["a"]), true, now),
            format!("\x1b[0m\x1b[2J{}", row(1, "a")),
            "a lower one is written anew"
        );
    }

    #[test]
    fn nothing_is_erased_behind_a_line_because_it_may_fill_the_row() {
        let full = "x".repeat(80);
        let bytes = Screen::default().show(plain([&full, "y"]), true, Instant::now());
        for (at, _) in bytes.match_indices("\x1b[K") {
            assert!(bytes[..at].ends_with("H\x1b[0m"), "{bytes:?}");
        }
    }

    #[test]
    fn every_column_of_a_table_is_written_where_it_belongs() {
        let cells = ["★", "👨‍👩‍👧‍👦     ", " 3/8", "42"].map(str::to_owned);
        let show = |style, columns| {
            let line = Line::of_cells(style, &cells, &[1, 13, 4, 2], columns);
            Screen::default().show(vec![line], true, Instant::now())
        };
        let begin = "\x1b[0m\x1b[2J\x1b[1;1H\x1b[0m\x1b[K";
        let row = "★ \x1b[3G👨‍👩‍👧‍👦      \x1b[17G 3/8 \x1b[22G42 \x1b[0m";
        assert_eq!(show(Style::Plain, 24), format!("{begin}{row}"));
        // The spaces cover whatever the family leaves free, or reaches.
        let marked = format!("{begin}\x1b[7m{}\x1b[1G{row}", " ".repeat(24));
        assert_eq!(show(Style::Selected, 24), marked);
        // Where there is no room for a column there is none for its place.
        let narrow = show(Style::Plain, 12);
        assert!(narrow.ends_with("★ \x1b[3G👨‍👩‍👧‍👦 …\x1b[0m"), "{narrow:?}");
    }

    #[test]
    fn all_of_it_is_written_again_once_a_second_and_not_cleared_for_that() {
        let (mut screen, start) = (Screen::default(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        screen.show(plain(["a", "b"]), true, start);
        assert_eq!(screen.show(plain(["a", "b"]), true, at(900)), "");
        let again = screen.show(plain(["a", "b"]), true, at(990));
        assert!(again.contains(";1H\x1b[0m\x1b[Ka") && again.contains(";1H\x1b[0m\x1b[Kb"));
        assert!(!again.contains("\x1b[2J"), "that flickers");
        assert_eq!(screen.show(plain(["a", "b"]), true, at(1900)), "");
        screen.forget();
        assert!(
            screen
                .show(plain(["a", "b"]), true, at(1900))
                .contains("\x1b[2J")
        );
    }

    #[test]
    fn without_colour_there_is_none() {
        let styles = [
            Style::Plain,
            Style::Title,
            Style::Dim,
            Style::Selected,
            Style::Status,
            Style::Warning,
        ];
        let lines = styles.map(|style| line("x", style)).to_vec();
        let show = |colour| Screen::default().show(lines.clone(), colour, Instant::now());
        assert!(!show(false).contains("\x1b[36m") && !show(false).contains("\x1b[33m"));
        assert!(show(true).contains("\x1b[33m"));
    }
}
