//! What comes of answers and of silence. Pure.
//!
//! This file hides when a game server goes off the lists, and what its admin is told of it.

use crate::protocol::text::without_digits;
use crate::query::Status;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// So many questions in a row without an answer take a game server off the lists.
const MISSES: u32 = 3;

/// How long a program that was started here may take until it answers.
const TIME_TO_COME_UP: Duration = Duration::from_secs(60);

/// The most troubles that are told until there is an answer again.
const MAX_TROUBLES: usize = 16;

/// Judges a game server by what is answered.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Who is asked, for a person.
    whom: String,
    /// Before this it need not answer for the first time.
    patient_until: Instant,
    /// Questions in a row without an answer.
    missed: u32,
    has_answered: bool,
    is_well: bool,
    /// What was told since the last answer, without digits.
    troubles: BTreeSet<String>,
}

impl Verdict {
    /// Nothing was answered yet. `was_started` says that the game server was started just now.
    pub(crate) fn new(whom: String, was_started: bool, now: Instant) -> Self {
        let patience = match was_started {
            true => TIME_TO_COME_UP,
            false => Duration::ZERO,
        };
        Self {
            whom,
            patient_until: now + patience,
            missed: 0,
            has_answered: false,
            is_well: false,
            troubles: BTreeSet::new(),
        }
    }

    /// When it should have answered.
    pub(crate) fn patient_until(&self) -> Instant {
        self.patient_until
    }

    /// True if it answers, and so belongs on the lists.
    pub(crate) fn is_well(&self) -> bool {
        self.is_well
    }

    /// There is an answer, by the game server itself or in its place. Returns what is to be told.
    pub(crate) fn answered(&mut self, status: Option<&Status>) -> Option<String> {
        self.missed = 0;
        self.troubles.clear();
        let was_well = std::mem::replace(&mut self.is_well, true);
        let whom = &self.whom;
        match std::mem::replace(&mut self.has_answered, true) {
            false => Some(match status.map(introduction) {
                Some(itself) => format!("{whom} answers: {itself}"),
                None => format!("{whom} answers"),
            }),
            true if !was_well => Some(format!("{whom} answers again, and is announced again")),
            true => None,
        }
    }

    /// There is no answer, and this is why. Returns what is to be told.
    pub(crate) fn missed(&mut self, why: &str, now: Instant) -> Option<String> {
        self.missed = self.missed.saturating_add(1);
        let is_early = match self.has_answered {
            true => self.is_well && self.missed < MISSES,
            false => now < self.patient_until,
        };
        let likeness = without_digits(why);
        let is_told = self.troubles.len() >= MAX_TROUBLES || self.troubles.contains(&likeness);
        if is_early || is_told {
            return None;
        }
        self.troubles.insert(likeness);
        let whom = &self.whom;
        Some(
            match (
                std::mem::replace(&mut self.is_well, false),
                self.has_answered,
            ) {
                (true, _) => format!(
                    "{whom}: {why}; {MISSES} questions were not answered: the game server is off the \
                 lists until one is"
                ),
                (false, true) => format!("{whom}: {why}"),
                (false, false) => format!("{whom}: {why}; it is announced with its first answer"),
            },
        )
    }
}

/// What a game server calls itself, and the rest of it in short.
fn introduction(status: &Status) -> String {
    let name = status.name.as_deref().unwrap_or_default();
    let fields = status.fields().into_iter();
    let rest = fields.filter(|(key, value)| *key != "description" && !value.is_empty());
    let rest: Vec<String> = rest.map(|(key, value)| format!("{key}={value}")).collect();
    match (name, rest.join(" ")) {
        ("", rest) => format!("a game server without a name, {rest}"),
        (name, rest) => format!("'{name}', {rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(was_started: bool) -> (Verdict, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let verdict = Verdict::new("here:1".to_owned(), was_started, start);
        (verdict, move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn it_is_listed_with_its_first_answer_and_until_three_are_missed() {
        let (mut verdict, at) = verdict(false);
        let status = Status {
            name: Some("Friday".to_owned()),
            players: Some(3),
            map: Some("town".to_owned()),
            ..Status::default()
        };
        let told = verdict.answered(Some(&status)).unwrap();
        assert_eq!(told, "here:1 answers: 'Friday', nbplayers=3 map=town");
        assert_eq!(verdict.answered(Some(&status)), None);
        for seconds in [1, 2] {
            assert_eq!(verdict.missed("silence", at(seconds)), None);
            assert!(verdict.is_well());
        }
        let told = verdict.missed("silence", at(3)).unwrap();
        assert!(told.starts_with("here:1: silence; 3 questions"), "{told}");
        assert!(!verdict.is_well());
        assert_eq!(verdict.missed("silence", at(4)), None, "it was told");
        assert_eq!(verdict.missed("refused", at(5)).unwrap(), "here:1: refused");
        let told = verdict.answered(Some(&status)).unwrap();
        assert_eq!(told, "here:1 answers again, and is announced again");
        assert_eq!(verdict.missed("silence", at(6)), None);
        assert!(verdict.is_well());
    }

    #[test]
    fn one_that_never_answered_is_in_trouble_at_once_and_one_that_was_started_after_a_minute() {
        let (mut early, at) = verdict(false);
        let told = early.missed("refused", at(0)).unwrap();
        assert_eq!(
            told,
            "here:1: refused; it is announced with its first answer"
        );
        assert_eq!(early.missed("refused", at(5)), None);
        let (mut started, at) = verdict(true);
        assert_eq!(started.missed("refused", at(59)), None);
        assert!(started.missed("refused", at(61)).is_some());
        assert!(!started.is_well());
        assert_eq!(started.answered(None).unwrap(), "here:1 answers");
    }

    #[test]
    fn what_is_told_is_bounded() {
        let (mut verdict, at) = verdict(false);
        assert!(verdict.missed("took 5 ms", at(0)).is_some());
        assert!(verdict.missed("took 17 ms", at(0)).is_none());
        let told = (1..100).filter_map(|n| verdict.missed(&"x".repeat(n), at(n as u64)));
        assert_eq!(told.count(), MAX_TROUBLES - 1);
        assert!(!verdict.is_well());
    }
}
