//! What the log says of the tracker: once when it is away or refuses, when that has another reason, once a minute,
//! and when everybody is back.

use crate::base::files::outage::Outage;
use crate::base::log::Log;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long after the last loss of a connection the tracker is said to be back: the others are looked at
/// meanwhile.
const CALM: Duration = Duration::from_secs(3);

/// How many reasons are said in a minute: they may take turns.
const MOST_REASONS: usize = 8;

/// Speaks of one tracker.
#[derive(Debug)]
pub(super) struct Voice {
    log: Log,
    tracker: String,
    outage: Outage,
    /// When something was last wrong with it, and what was said about that within the last minute.
    failed: Option<Instant>,
    said: Vec<String>,
}

impl Voice {
    pub(super) fn new(log: Log, tracker: String) -> Self {
        Self {
            log,
            tracker,
            outage: Outage::default(),
            failed: None,
            said: Vec::new(),
        }
    }

    /// `event` keeps game servers off the list that are wanted there. It is tried again after `wait`.
    pub(super) fn say_away(
        &mut self,
        event: &str,
        why: &str,
        advice: &str,
        waiting: usize,
        wait: Duration,
        now: Instant,
    ) {
        self.failed = Some(now);
        if self.outage.fails(now) {
            self.said.clear();
        }
        if self.said.len() == MOST_REASONS || self.said.iter().any(|said| said == why) {
            return;
        }
        self.said.push(why.to_owned());
        let wait = format!("{} s", wait.as_secs());
        let mut fields: Vec<(&str, &dyn Display)> = vec![
            ("tracker", &self.tracker),
            ("why", &why),
            ("waiting", &waiting),
            ("again-in", &wait),
        ];
        if !advice.is_empty() {
            fields.push(("advice", &advice));
        }
        self.log.warn(event, &fields);
    }

    /// The tracker is reached and takes the login, which is said before anybody needs it.
    pub(super) fn say_ok(&self, so: &str) {
        let fields: [(_, &dyn Display); 2] = [("tracker", &self.tracker), ("so", &so)];
        self.log.info("tracker-ok", &fields);
    }

    /// Nobody waits any more. That is said if the tracker was said to be away.
    pub(super) fn say_back(&mut self, now: Instant) {
        let is_calm = self.failed.is_some_and(|failed| now >= failed + CALM);
        if is_calm && self.outage.works(now) {
            self.failed = None;
            self.said.clear();
            let tracker: (_, &dyn Display) = ("tracker", &self.tracker);
            self.log.info("tracker-back", &[tracker]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::log::Level;

    #[test]
    fn an_outage_is_a_line_and_another_reason_another() {
        let (log, written) = Log::to_test(Level::Info);
        let (mut voice, start) = (Voice::new(log, "t:1".to_owned()), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let second = Duration::from_secs(1);
        voice.say_back(at(0));
        for n in 0..4000 {
            voice.say_away("tracker-away", "it hung up", "", n, second, at(1));
        }
        voice.say_away("tracker-refuses", "(bad-password)", "", 4000, second, at(2));
        voice.say_away("tracker-away", "it hung up", "", 1, second, at(2));
        voice.say_back(at(2) + second);
        voice.say_back(at(5));
        voice.say_back(at(6));
        drop(voice);
        let text: String = written.iter().collect();
        let events: Vec<&str> = text.lines().map(|line| &line[30..]).collect();
        assert_eq!(
            events,
            [
                "level=warn event=tracker-away tracker=t:1 why=\"it hung up\" waiting=0 \
                 again-in=\"1 s\"",
                "level=warn event=tracker-refuses tracker=t:1 why=(bad-password) \
                 waiting=4000 again-in=\"1 s\"",
                "level=info event=tracker-back tracker=t:1",
            ]
        );
    }
}
