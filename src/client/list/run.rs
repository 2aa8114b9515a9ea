//! Asks all trackers and pings all game servers, and prints what came of it.
//!
//! This file hides how several trackers and many game servers are waited for at the same time.

use super::found::Findings;
use super::progress::{self, Progress};
use super::{export, table};
use crate::base::threads;
use crate::client::ask::fetch;
use crate::client::columns::{Columns, Sort};
use crate::client::ping::{Limits, Ping, Pinger, Target};
use crate::client::replica::{Conditions, Doubt, Error, KnownList};
use crate::client::tracker_address::TrackerAddress;
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// The longest time for all pings together.
const PINGS_TIMEOUT: Duration = Duration::from_secs(60);

/// How the list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// A line of tab-separated values for each game server, after a line with their names.
    Tsv,
    /// An array of objects.
    Json,
}

/// What `gltracker list` is to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whom to ask.
    pub trackers: Vec<TrackerAddress>,
    /// For what.
    pub conditions: Conditions,
    /// How to write it.
    pub format: Format,
    /// In which order.
    pub sort: Sort,
    /// Which columns a table has.
    pub columns: Columns,
    /// How many game servers to print at the most.
    pub limit: Option<usize>,
    /// How to ping; `None` for not at all.
    pub pings: Option<Limits>,
}

/// How it went. Errors of single trackers have been said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A game server was found that is in no doubt.
    Found,
    /// There is none, or the trackers refused.
    Nothing,
    /// No tracker could be asked.
    Unreachable,
}

/// Something that was waited for.
enum Event {
    /// The tracker with this number has answered, or will not.
    Answered(usize, Result<KnownList, Error>),
    /// A game server was pinged.
    Pinged(Ping),
}

/// Prints the list to standard output. It is no error if the reader has closed that.
///
/// # Errors
/// What the system says when there are no threads, or when standard output cannot be written.
pub fn list(request: &Request) -> io::Result<Outcome> {
    let (events, received) = channel();
    ask(request, &events)?;
    let waiting = Waiting {
        request,
        findings: Findings::new(&request.trackers),
        progress: Progress::new(),
        pinger: request
            .pings
            .map(|limits| pinger(limits, events))
            .transpose()?,
        unanswered: request.trackers.len(),
        unpinged: HashSet::new(),
        pinged: 0,
        is_short: false,
        failed: 0,
        refused: 0,
    };
    let (findings, outcome) = waiting.wait(&received);
    let mut rows = findings.sorted(&request.sort, request.pings.is_some());
    rows.truncate(request.limit.unwrap_or(usize::MAX));
    let text = match request.format {
        Format::Table => {
            let is_pinged = request.pings.is_some();
            table::table(&rows, &request.columns, is_pinged, progress::columns())
        }
        Format::Tsv => export::tsv(&rows),
        Format::Json => export::json(&rows),
    };
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(outcome),
    }
}

/// Asks all trackers at the same time.
fn ask(request: &Request, events: &Sender<Event>) -> io::Result<()> {
    for (number, tracker) in request.trackers.iter().cloned().enumerate() {
        let (events, conditions) = (events.clone(), request.conditions.clone());
        threads::start("ask", threads::STACK, move || {
            // Nobody may be waiting any more.
            let _ = events.send(Event::Answered(number, fetch(&tracker, &conditions)));
        })?;
    }
    Ok(())
}

fn pinger(limits: Limits, events: Sender<Event>) -> io::Result<Pinger> {
    Pinger::start(limits, move |ping| {
        // Nobody may be waiting any more.
        let _ = events.send(Event::Pinged(ping));
    })
}

struct Waiting<'a> {
    request: &'a Request,
    findings: Findings,
    progress: Progress,
    pinger: Option<Pinger>,
    /// Trackers that may still answer.
    unanswered: usize,
    /// Where pings are on the way.
    unpinged: HashSet<Target>,
    pinged: usize,
    /// It has been said that there was no room for a socket.
    is_short: bool,
    /// Trackers that gave no list, and those of them that said why.
    failed: usize,
    refused: usize,
}

impl Waiting<'_> {
    /// Waits until everything is known, or the time is over.
    fn wait(mut self, received: &Receiver<Event>) -> (Findings, Outcome) {
        let deadline = Instant::now() + PINGS_TIMEOUT;
        while self.unanswered > 0 || !self.unpinged.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.tell_shortage();
            self.show_progress();
            match received.recv_timeout(left.min(Progress::PERIOD)) {
                Ok(Event::Answered(number, answer)) => self.on_answer(number, answer),
                Ok(Event::Pinged(ping)) => {
                    self.pinged += usize::from(self.unpinged.remove(&ping.target));
                    self.findings.pinged(ping);
                }
                Err(RecvTimeoutError::Timeout) => {}
                // All senders have ended.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.tell_shortage();
        self.progress.clear();
        if !self.unpinged.is_empty() {
            say(&format!(
                "{} game servers were not pinged within {} s; --at-once N pings more at a time",
                self.unpinged.len(),
                PINGS_TIMEOUT.as_secs()
            ));
        }
        let trackers = self.request.trackers.len();
        let outcome = match self.findings.least_doubt() {
            Some(None) => Outcome::Found,
            None if self.failed == trackers && self.refused == 0 => Outcome::Unreachable,
            None if self.failed == trackers => Outcome::Nothing,
            doubt => {
                say(&nothing(doubt.flatten(), &self.request.conditions));
                Outcome::Nothing
            }
        };
        (self.findings, outcome)
    }

    fn on_answer(&mut self, number: usize, answer: Result<KnownList, Error>) {
        self.unanswered -= 1;
        match answer {
            Ok(list) => {
                for (address, infos) in list.iter() {
                    let new = self.findings.found(number, list.from(), address, infos);
                    if let (Some(pinger), Some(target)) = (&self.pinger, new) {
                        self.unpinged.insert(target);
                        pinger.ping(target);
                    }
                }
            }
            Err(error) => {
                self.failed += 1;
                self.refused += usize::from(matches!(error, Error::Refused(_)));
                self.progress.clear();
                let tracker = self.request.trackers[number].to_string();
                say(&error.told(&tracker, "list"));
            }
        }
    }

    /// Says once that this machine is why some pings are late or missing.
    fn tell_shortage(&mut self) {
        let shortage = self.pinger.as_ref().and_then(Pinger::shortage);
        let Some(why) = shortage.filter(|_| !self.is_short) else {
            return;
        };
        self.is_short = true;
        self.progress.clear();
        say(&format!(
            "{why}: some game servers are pinged later or not at all; raise the limit, with \
             ulimit -n, or ping fewer at a time, with --at-once N"
        ));
    }

    fn show_progress(&mut self) {
        let trackers = self.request.trackers.len();
        let answered = trackers - self.unanswered;
        let pings = match self.unpinged.len() + self.pinged {
            0 => String::new(),
            wanted => format!(", {} of {wanted} game servers pinged", self.pinged),
        };
        self.progress.show(&format!(
            "{answered} of {trackers} trackers answered{pings}"
        ));
    }
}

/// Says that nothing was found, or that everything found is in doubt.
fn nothing(least: Option<Doubt>, conditions: &Conditions) -> String {
    match (least, conditions.is_empty()) {
        (Some(doubt), _) => format!("nobody on the list is there for sure: {}", doubt.text()),
        (None, true) => "there is no game server on the list".to_owned(),
        (None, false) => {
            let each: Vec<String> = conditions.each().iter().map(ToString::to_string).collect();
            let is_name = |it: &String| it.starts_with("name=");
            let is_text = |it: &String| it.contains('=') && !it.contains(['<', '>', '!']);
            let hint = match () {
                () if each.iter().any(is_name) => "; the field for names is description",
                () if each.iter().any(is_text) => "; letter case counts",
                () => "",
            };
            format!("no game server on the list satisfies these conditions{hint}")
        }
    }
}

/// Prints a line on standard error.
fn say(text: &str) {
    // With standard error closed, the exit code says enough.
    let _ = writeln!(io::stderr(), "gltracker: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_find_nothing_get_a_hint() {
        for (conditions, end) in [
            (
                "name=x",
                "these conditions; the field for names is description",
            ),
            ("map=X", "these conditions; letter case counts"),
            ("notempty", "these conditions"),
            ("", "no game server on the list"),
        ] {
            let said = nothing(None, &conditions.parse().unwrap());
            assert!(said.ends_with(end), "{said}");
        }
    }
}
