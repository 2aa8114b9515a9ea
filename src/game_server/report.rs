//! What the admin of a game server reads.
//!
//! This file hides how much is said: each trouble once, and never so much that it hides the rest.
//! Whoever reports never waits, also when nobody reads standard error.

use super::event::{Event, Happening};
use super::refusal::TrackerRefusal;
use crate::threads;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Lines that may wait to be written.
const QUEUE: usize = 256;

/// Lines about one tracker in one [`WINDOW`]; more are counted.
const LINES: u32 = 30;

/// How long a count lasts.
const WINDOW: Duration = Duration::from_secs(60);

/// At the end so long is waited for what is still to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// Who must be known to give good advice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    /// Where proofs come to.
    pub(super) udp_port: u16,
    /// If somebody here answers them.
    pub(super) answers: bool,
}

/// Decides what is said. Pure.
#[derive(Debug, Default)]
struct Reporter {
    trackers: HashMap<String, Known>,
}

/// What was said about one tracker.
#[derive(Debug)]
struct Known {
    /// Since it was listed.
    troubles: HashSet<String>,
    is_listed: bool,
    is_checked: bool,
    window: Instant,
    lines: u32,
    left_out: u32,
}

impl Reporter {
    /// The lines about `event`.
    fn lines(&mut self, event: &Event, situation: Situation, now: Instant) -> Vec<String> {
        let tracker = event.tracker.short();
        let known = self.trackers.entry(tracker.clone()).or_insert(Known {
            troubles: HashSet::new(),
            is_listed: false,
            is_checked: false,
            window: now,
            lines: 0,
            left_out: 0,
        });
        let was_listed = known.is_listed;
        known.is_listed = match event.what {
            Happening::Listed(_) => true,
            Happening::Lost { .. } | Happening::Refused { .. } | Happening::Left => false,
            _ => was_listed,
        };
        let is_news = match &event.what {
            Happening::Listed(_) => {
                known.troubles.clear();
                known.is_checked = false;
                true
            }
            // It is checked again every ten minutes.
            Happening::Checked => !std::mem::replace(&mut known.is_checked, true),
            // Where nobody answers there is nothing to wonder about.
            Happening::Unchecked => situation.answers && known.troubles.insert("udp".to_owned()),
            Happening::Lost { why, .. } => was_listed || known.troubles.insert(why.clone()),
            Happening::Refused {
                again_in: Some(_),
                refusal,
            } => known.troubles.insert(without_numbers(refusal)),
            Happening::Left => was_listed,
            Happening::Checking(_) => known.troubles.insert("checking".to_owned()),
            _ => true,
        };
        if !is_news {
            return Vec::new();
        }
        let mut lines = Vec::new();
        if now.saturating_duration_since(known.window) >= WINDOW {
            if known.left_out > 0 {
                lines.push(format!("{} lines about {tracker} left out", known.left_out));
            }
            (known.window, known.lines, known.left_out) = (now, 0, 0);
        }
        let is_last = matches!(event.what, Happening::Refused { again_in: None, .. });
        if known.lines >= LINES && !is_last {
            known.left_out += 1;
            return lines;
        }
        known.lines += 1;
        let mut line = event.to_string();
        let advice = match &event.what {
            Happening::Refused { refusal, .. } => {
                refusal.advice(situation.udp_port, situation.answers)
            }
            Happening::Unchecked => {
                format!("is UDP {} open in your firewall?", situation.udp_port)
            }
            Happening::Listed(address) if is_ipv6_by_chance(address, event) => {
                "That is IPv6: if the game listens on IPv4 only, add --ipv4".to_owned()
            }
            _ => String::new(),
        };
        if !advice.is_empty() {
            line = format!("{line}. {advice}");
        }
        lines.push(line);
        lines
    }
}

/// True if it is listed at an IPv6 address, and nobody has said that it should be.
fn is_ipv6_by_chance(address: &str, Event { tracker, .. }: &Event) -> bool {
    address.starts_with('[') && tracker.has_name() && tracker.family().is_none()
}

/// A refusal, so that two that differ in a time to wait only are the same.
fn without_numbers(refusal: &TrackerRefusal) -> String {
    let text = refusal.text.chars();
    text.filter(|c| !c.is_ascii_digit()).collect()
}

enum Message {
    Event(Event, Situation),
    Text(String),
    Flush(SyncSender<()>),
}

/// Writes to standard error from a thread of its own.
#[derive(Debug, Clone)]
pub(super) struct Report(SyncSender<Message>);

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Report {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has none left.
    pub(super) fn start() -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        threads::start("report", threads::STACK, move || write_all(&messages))?;
        Ok(Self(queue))
    }

    /// Something has happened with a tracker.
    pub(super) fn event(&self, event: Event, situation: Situation) {
        // What does not fit is not read by anybody.
        let _ = self.0.try_send(Message::Event(event, situation));
    }

    /// Anything else. The text must be plain.
    pub(super) fn text(&self, text: impl Display) {
        let _ = self.0.try_send(Message::Text(text.to_string()));
    }

    /// Waits for a moment until all of it is written.
    pub(super) fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(FAREWELL);
        }
    }
}

fn write_all(messages: &Receiver<Message>) {
    let mut reporter = Reporter::default();
    for message in messages {
        let lines = match message {
            Message::Event(event, situation) => reporter.lines(&event, situation, Instant::now()),
            Message::Text(text) => vec![text],
            Message::Flush(done) => {
                let _ = done.try_send(());
                continue;
            }
        };
        for line in lines {
            // One write for a line: the game may write to the same place.
            let _ = std::io::stderr().write_all(format!("gltracker: {line}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TrackerAddress;
    use super::super::refusal::Stage;
    use super::*;
    use crate::reach::Family;

    const SITUATION: Situation = Situation {
        udp_port: 23460,
        answers: false,
    };

    fn event(what: Happening) -> Event {
        let tracker = "tracker.example".parse().unwrap();
        Event { tracker, what }
    }

    fn lost(why: &str, was_listed: bool, seconds: u64) -> Event {
        event(Happening::Lost {
            why: why.to_owned(),
            was_listed,
            again_in: Duration::from_secs(seconds),
        })
    }

    fn refused(said: &str, stage: Stage, again_in: Option<u64>) -> Event {
        event(Happening::Refused {
            refusal: TrackerRefusal::parse(said, stage),
            again_in: again_in.map(Duration::from_secs),
        })
    }

    #[test]
    fn each_trouble_is_said_once_until_all_is_well_again() {
        let mut reporter = Reporter::default();
        let now = Instant::now();
        let mut says = |event: Event| reporter.lines(&event, SITUATION, now).join("|");
        let listed = || event(Happening::Listed("1.2.3.4:1".to_owned()));
        for _ in 0..2 {
            let first = says(lost("nobody listens there", false, 1));
            assert!(first.ends_with("next try in 1.0 s"), "{first}");
            for seconds in [2, 4, 8] {
                assert_eq!(says(lost("nobody listens there", false, seconds)), "");
            }
            let penalty = "too-many wait 20 s";
            assert_ne!(says(refused(penalty, Stage::LoggingIn, Some(20))), "");
            let penalty = "too-many wait 5 s";
            assert_eq!(says(refused(penalty, Stage::LoggingIn, Some(6))), "");
            assert_eq!(says(listed()), "listed on tracker.example as 1.2.3.4:1");
            assert_ne!(says(event(Happening::Checked)), "");
            assert_eq!(says(event(Happening::Checked)), "");
            assert!(says(lost("it hung up", true, 1)).starts_with("lost tracker.example"));
            assert_eq!(
                says(event(Happening::Left)),
                "",
                "it was not listed any more"
            );
        }
    }

    #[test]
    fn a_refusal_comes_with_what_to_do_about_it() {
        let mut reporter = Reporter::default();
        let refusal = refused("unreachable udp x", Stage::Checking, Some(60));
        assert_eq!(
            reporter.lines(&refusal, SITUATION, Instant::now()),
            [
                "tracker.example refuses: unreachable udp x; next try in 60 s. the tracker could \
                 not reach UDP 23460: open it in your firewall or use --pong"
            ]
        );
    }

    #[test]
    fn who_is_listed_over_ipv6_without_having_asked_for_it_is_told() {
        let now = Instant::now();
        let says = |tracker: TrackerAddress, address: &str| {
            let what = Happening::Listed(address.to_owned());
            Reporter::default().lines(&Event { tracker, what }, SITUATION, now)
        };
        let name: TrackerAddress = "tracker.example".parse().unwrap();
        assert_eq!(
            says(name.clone(), "[2001:db8::7]:1"),
            [
                "listed on tracker.example as [2001:db8::7]:1. That is IPv6: if the game listens on \
                 IPv4 only, add --ipv4"
            ]
        );
        let quiet = "listed on tracker.example as ";
        assert_eq!(
            says(name.clone(), "1.2.3.4:1"),
            [format!("{quiet}1.2.3.4:1")]
        );
        assert_eq!(
            says(name.over(Family::Ipv6), "[::1]:1"),
            [format!("{quiet}[::1]:1")]
        );
        let literal = "[2001:db8::1]".parse().unwrap();
        assert_eq!(
            says(literal, "[::1]:1"),
            ["listed on [2001:db8::1] as [::1]:1"]
        );
    }

    #[test]
    fn a_port_that_is_not_checked_is_news_to_those_who_answer_there() {
        let mut reporter = Reporter::default();
        let now = Instant::now();
        let unchecked = event(Happening::Unchecked);
        assert!(reporter.lines(&unchecked, SITUATION, now).is_empty());
        let answers = Situation {
            answers: true,
            ..SITUATION
        };
        let lines = reporter.lines(&unchecked, answers, now);
        assert!(
            lines[0].ends_with("is UDP 23460 open in your firewall?"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_storm_is_counted_and_the_last_word_is_said() {
        let mut reporter = Reporter::default();
        let start = Instant::now();
        let mut lines = 0;
        for _ in 0..50 {
            let listed = event(Happening::Listed("1.2.3.4:1".to_owned()));
            lines += reporter.lines(&listed, SITUATION, start).len();
            lines += reporter
                .lines(&lost("it hung up", true, 1), SITUATION, start)
                .len();
        }
        assert_eq!(lines, LINES as usize);
        let last = refused("banned", Stage::Listed, None);
        assert_eq!(reporter.lines(&last, SITUATION, start).len(), 1);
        let lines = reporter.lines(&lost("still", false, 1), SITUATION, start + WINDOW);
        assert_eq!(lines[0], "70 lines about tracker.example left out");
        assert_eq!(lines.len(), 2);
    }
}
