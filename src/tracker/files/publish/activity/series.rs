//! Numbers at equal distances of time, oldest first.
//!
//! This file hides what becomes of them when time goes on, stands still, leaps or goes back.

use crate::protocol::text::number;
use std::fmt::Write;

/// A number that may be unknown, in no more memory than the number.
pub trait Number: Copy + Eq {
    /// What stands for an unknown number.
    const UNKNOWN: Self;

    /// As much of `value` as can be kept.
    fn of(value: u32) -> Self;

    /// Its value.
    fn value(self) -> u32;
}

impl Number for u16 {
    const UNKNOWN: Self = Self::MAX;

    fn of(value: u32) -> Self {
        value.min(u32::from(Self::UNKNOWN) - 1) as Self
    }

    fn value(self) -> u32 {
        self.into()
    }
}

impl Number for u32 {
    const UNKNOWN: Self = Self::MAX;

    fn of(value: u32) -> Self {
        value.min(Self::UNKNOWN - 1)
    }

    fn value(self) -> u32 {
        self
    }
}

/// The last `MOST` numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Default for Series<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Number, const MOST: usize> Series<T, MOST> {
    /// Notes the number that is `steps` behind the last one. Those between are unknown. After a step of none
    /// the last number is replaced, and after one back all that are then still to come are forgotten.
    pub fn note(&mut self, steps: i64, value: Option<u32>) {
        let most = MOST as i64;
        match steps {
            1.. if steps >= most => self.0.clear(),
            1.. if self.0.is_empty() => {}
            1.. => {
                let length = self.0.len() + steps as usize - 1;
                self.0.resize(length, T::UNKNOWN);
            }
            _ => {
                let forgotten = (1 - steps.max(-most)) as usize;
                self.0.truncate(self.0.len().saturating_sub(forgotten));
            }
        }
        self.0.push(value.map_or(T::UNKNOWN, T::of));
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
    }

    /// The last number, if it is known.
    pub fn last(&self) -> Option<u32> {
        let last = self.0.last().filter(|last| **last != T::UNKNOWN);
        last.map(|last| last.value())
    }

    /// How many numbers there are, the unknown ones included.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// True if no number is known to be more than zero.
    pub fn is_quiet(&self) -> bool {
        self.0
            .iter()
            .all(|&number| number == T::UNKNOWN || number == T::of(0))
    }

    /// Appends all numbers, with commas between them. `unknown` stands for one that is unknown.
    pub fn push_to(&self, out: &mut String, unknown: &str) {
        for (at, &number) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match number == T::UNKNOWN {
                true => out.push_str(unknown),
                // Writing into a String does not fail.
                false => drop(write!(out, "{}", number.value())),
            }
        }
    }

    /// Reads what [`push_to`](Self::push_to) appends. `None` for anything else, and for nothing.
    pub fn read(text: &str, unknown: &str) -> Option<Self> {
        let read = |word: &str| match word == unknown {
            true => Some(T::UNKNOWN),
            false => number(word)
                .filter(|&value| T::of(value).value() == value)
                .map(T::of),
        };
        // One more than may be is enough to see that there are too many.
        let numbers: Option<Vec<T>> = text.split(',').take(MOST + 1).map(read).collect();
        numbers.filter(|numbers| numbers.len() <= MOST).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    type Five = Series<u16, 5>;

    fn text(series: &Five) -> String {
        let mut out = String::new();
        series.push_to(&mut out, "-");
        out
    }

    #[test]
    fn gaps_are_unknown_and_what_lies_ahead_of_a_clock_that_was_set_back_is_forgotten() {
        let mut series = Five::default();
        for (steps, value, becomes) in [
            (77, Some(1), "1"),
            (1, Some(2), "1,2"),
            (0, Some(3), "1,3"),
            (2, None, "1,3,-,-"),
            (1, Some(70_000), "1,3,-,-,65534"),
            (1, Some(0), "3,-,-,65534,0"),
            (-1, Some(7), "3,-,-,7"),
            (4, Some(8), "7,-,-,-,8"),
            (-3, Some(9), "7,9"),
            (-9, Some(5), "5"),
            (1, Some(6), "5,6"),
            (5, Some(1), "1"),
            (i64::MAX, Some(2), "2"),
            (i64::MIN, Some(3), "3"),
        ] {
            series.note(steps, value);
            assert_eq!(text(&series), becomes);
        }
        series.note(1, None);
        assert_eq!((series.last(), series.count()), (None, 2));
        assert!(!series.is_quiet() && Five::default().is_quiet());
    }

    #[test]
    fn only_what_is_written_is_read() {
        for good in ["0", "-", "1,-,65534", "1,2,3,4,5"] {
            let series = Five::read(good, "-").unwrap();
            assert_eq!(text(&series), good);
        }
        for bad in [
            "",
            ",",
            "1,",
            "x",
            "+1",
            "-1",
            "65535",
            "99999",
            "1,2,3,4,5,6",
        ] {
            assert_eq!(Five::read(bad, "-"), None, "{bad}");
        }
    }

    quickcheck! {
        fn each_number_stands_where_it_was_noted(steps: Vec<(i8, u16)>) -> bool {
            let mut series = Five::default();
            let mut noted: Vec<(i64, u16)> = Vec::new();
            let mut at = 0;
            for (step, value) in steps {
                let (step, value) = (i64::from(step % 7), value.min(65_534));
                at += step;
                series.note(step, Some(value.into()));
                noted.retain(|(then, _)| (at - 4..at).contains(then));
                noted.push((at, value));
            }
            let known = |n: &i64| noted.iter().find(|(then, _)| then == n);
            let word = |n| known(&n).map_or("-".to_owned(), |(_, value)| value.to_string());
            let expected: Vec<String> = (at - 4..=at).map(word).collect();
            let unknown = 5 - series.count().min(5);
            expected[unknown..].join(",") == text(&series)
                && expected[..unknown].iter().all(|word| word == "-")
        }
    }
}
