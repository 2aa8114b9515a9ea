//! How many lines are written about one thing. Pure.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The most lines about one thing in one [`WINDOW`]. Further ones are only counted.
pub(super) const MAX_LINES: u32 = 30;

/// How long a count lasts.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// The most different mistakes of one party that are told: many more than a person reads.
const MAX_MISTAKES: usize = 1000;

/// Counts lines.
#[derive(Debug)]
pub(super) struct Budget {
    window: Instant,
    lines: u32,
    left_out: u32,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            window: now,
            lines: 0,
            left_out: 0,
        }
    }

    /// Begins a new window if it is time; the number of lines that were left out in the one before, if
    /// there were any.
    pub(super) fn renew(&mut self, now: Instant) -> Option<u32> {
        if now.saturating_duration_since(self.window) < WINDOW {
            return None;
        }
        let left_out = self.left_out;
        *self = Self::new(now);
        Some(left_out).filter(|&lines| lines > 0)
    }

    /// True if there is room for one more line. If not, that line is counted as left out.
    pub(super) fn take(&mut self) -> bool {
        let has_room = self.lines < MAX_LINES;
        match has_room {
            true => self.lines += 1,
            false => self.left_out = self.left_out.saturating_add(1),
        }
        has_room
    }
}

/// What one party says wrongly, which is told once: a file is read again and again, and a game asked.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// Whose they are, for a person.
    whose: String,
    /// Those that were told.
    told: HashSet<String>,
    budget: Budget,
}

impl Mistakes {
    pub(crate) fn new(whose: String, now: Instant) -> Self {
        Self {
            whose,
            told: HashSet::new(),
            budget: Budget::new(now),
        }
    }

    /// Whose they are, for a person.
    pub(crate) fn whose(&self) -> &str {
        &self.whose
    }

    /// What is to be told about `mistake`, and before it. It is known by `likeness`, its text or less.
    pub(crate) fn lines(&mut self, mistake: String, likeness: String, now: Instant) -> Vec<String> {
        let whose = &self.whose;
        let left_out = self.budget.renew(now);
        let left_out = left_out.map(|lines| format!("{lines} lines about {whose} left out"));
        let mut lines = Vec::from_iter(left_out);
        let is_news = self.told.len() <= MAX_MISTAKES && !self.told.contains(&likeness);
        if is_news && self.budget.take() {
            lines.push(match self.told.len() {
                MAX_MISTAKES => {
                    format!("{whose}: {MAX_MISTAKES} different mistakes were told, no more are")
                }
                _ => mistake,
            });
            self.told.insert(likeness);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::text::without_digits;

    #[test]
    fn mistakes_are_told_once_so_many_a_minute_and_not_for_ever() {
        let start = Instant::now();
        let mut mistakes = Mistakes::new("the game".to_owned(), start);
        let mut all = Vec::new();
        // 2,000 of them every ten seconds, for 45 minutes.
        for run in 0..270 {
            for n in 0..2000 {
                let (mistake, now) = (format!("no {n}"), start + Duration::from_secs(10 * run));
                all.extend(mistakes.lines(mistake.clone(), mistake, now));
            }
            let windows = run as usize / 6 + 1;
            assert!(all.len() <= windows * (MAX_LINES as usize + 1));
        }
        assert_eq!(all[30], "11820 lines about the game left out");
        let told = all.iter().filter(|line| line.starts_with("no "));
        assert_eq!(told.count(), MAX_MISTAKES);
        let last = all.last().unwrap();
        assert_eq!(
            last,
            "the game: 1000 different mistakes were told, no more are"
        );
        assert!(all.len() < MAX_MISTAKES + 40, "{}", all.len());
    }

    #[test]
    fn one_that_is_like_another_is_not_told() {
        let now = Instant::now();
        let mut mistakes = Mistakes::new("the game".to_owned(), now);
        let mut says = |text: &str| mistakes.lines(text.to_owned(), without_digits(text), now);
        assert_eq!(says("no 5 of 7"), ["no 5 of 7"]);
        assert!(says("no 12345 of 6").is_empty());
        assert_eq!(says("not 5"), ["not 5"]);
    }
}
