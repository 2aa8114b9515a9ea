//! What an operator learns of a bridge that runs: a line of counters every minute, and a file of metrics.

use super::error::BridgeError;
use super::hall::Hall;
use crate::base::files::atomic_file::NewFile;
use crate::base::files::lock_file::{Lock, NoLock};
use crate::base::files::outage::Outage;
use crate::base::io_error::in_words;
use crate::base::log::lasting;
use crate::base::threads;
use std::fmt::{Display, Write as _};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the metrics are written. Prometheus asks every 15 s unless it is told otherwise.
const METRICS_EVERY: Duration = Duration::from_secs(15);

/// After so many of these the counters are logged: once a minute.
const LINE_EVERY: u32 = 4;

/// The file, its name until it is complete, and the one that is locked: a tracker may publish in the
/// same folder.
const FILE: &str = "bridge.prom";
const NEW: &str = ".bridge.prom.new";
const LOCK: &str = ".bridge.lock";

/// Starts the thread. A folder that is not there is made, but not the folder above it.
///
/// # Errors
/// If another bridge publishes there or nothing can be written there, or without a thread.
pub(super) fn start(hall: &Hall, folder: Option<PathBuf>) -> Result<(), BridgeError> {
    let mut reporter = Reporter {
        hall: hall.clone(),
        lock: folder.as_ref().map(|folder| Lock::new(folder.join(LOCK))),
        folder,
        started: SystemTime::now(),
        rounds: 0,
        outage: Outage::default(),
    };
    if let Some(folder) = reporter.folder.clone() {
        let no = |error: io::Error| {
            let why = format!("nothing can be written there: {}", in_words(&error));
            BridgeError::Path("--publish", folder.clone(), why)
        };
        match fs::create_dir(&folder) {
            Err(error) if !folder.is_dir() => return Err(no(error)),
            _ => {}
        }
        reporter.publish(&folder).map_err(no)?;
    }
    let report = move || {
        std::thread::sleep(METRICS_EVERY);
        reporter.report(Instant::now());
        ControlFlow::Continue(())
    };
    lasting::start("report", threads::STACK, &hall.log, report)
        .map(drop)
        .map_err(BridgeError::Thread)
}

struct Reporter {
    hall: Hall,
    folder: Option<PathBuf>,
    lock: Option<Lock>,
    started: SystemTime,
    rounds: u32,
    outage: Outage,
}

impl Reporter {
    fn report(&mut self, now: Instant) {
        self.rounds += 1;
        if self.rounds.is_multiple_of(LINE_EVERY) {
            self.say();
        }
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let shown = folder.display();
        match self.publish(&folder) {
            Ok(()) if self.outage.works(now) => {
                self.hall.log.info("published-again", &[("folder", &shown)]);
            }
            Err(error) if self.outage.fails(now) => {
                let fields: [(_, &dyn Display); 2] = [("folder", &shown), ("error", &error)];
                self.hall.log.warn("not-published", &fields);
            }
            _ => {}
        }
    }

    /// Logs all counters.
    fn say(&self) {
        let numbers = Numbers::of(&self.hall);
        let (wanted, listed) = numbers.sums();
        let mut fields: Vec<(&str, &dyn Display)> = vec![
            ("wanted", &wanted),
            ("listed", &listed),
            ("known", &numbers.known),
        ];
        let counters = numbers.counters.iter();
        fields.extend(counters.map(|(name, count)| (*name, count as &dyn Display)));
        self.hall.log.info("counters", &fields);
    }

    fn publish(&mut self, folder: &Path) -> io::Result<()> {
        if let Some(Err(NoLock::Held)) = self.lock.as_mut().map(Lock::hold) {
            return Err(io::Error::other("another bridge publishes there"));
        }
        let text = Numbers::of(&self.hall).metrics(self.started, self.hall.log.dropped());
        let mut new = NewFile::create(folder.join(NEW), OpenOptions::new())?;
        new.file().write_all(text.as_bytes())?;
        new.replace(&folder.join(FILE))
    }
}

/// What can be counted at one moment.
struct Numbers {
    /// Of each door: who is wanted, and who of them is listed.
    doors: Vec<(&'static str, (usize, usize))>,
    /// The game servers that clients may be told of.
    known: usize,
    counters: Vec<(&'static str, u64)>,
}

impl Numbers {
    fn of(hall: &Hall) -> Self {
        Self {
            doors: hall.desk.counts().into_iter().collect(),
            known: hall.desk.listing().servers.len(),
            counters: hall.counters.all(),
        }
    }

    fn sums(&self) -> (usize, usize) {
        let doors = self.doors.iter();
        doors.fold((0, 0), |(wanted, listed), (_, door)| {
            (wanted + door.0, listed + door.1)
        })
    }

    fn metrics(&self, started: SystemTime, dropped: u64) -> String {
        let mut out = String::new();
        let started = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let doors = |of: fn(&(usize, usize)) -> usize| {
            let doors = self.doors.iter();
            doors.map(move |(door, counts)| (format!("{{door=\"{door}\"}}"), of(counts)))
        };
        let plain = |value| [(String::new(), value)].into_iter();
        family(
            &mut out,
            "start_time_seconds gauge When the bridge was started, in Unix time.",
            plain(started.as_secs()),
        );
        family(
            &mut out,
            "wanted_game_servers gauge Game servers that have registered.",
            doors(|(wanted, _)| *wanted),
        );
        family(
            &mut out,
            "listed_game_servers gauge Those of them that are listed.",
            doors(|(_, listed)| *listed),
        );
        family(
            &mut out,
            "known_game_servers gauge Game servers of the tracker's list.",
            plain(self.known as u64),
        );
        let counters = self.counters.iter();
        family(
            &mut out,
            "events_total counter What has happened, by its name in the log.",
            counters.map(|(name, count)| (format!("{{event=\"{name}\"}}"), *count)),
        );
        family(
            &mut out,
            "log_lines_dropped_total counter Lines of the log that were lost.",
            plain(dropped),
        );
        out
    }
}

/// Appends one family of metrics; `about` is its name, its type and its help.
fn family<T: Display>(out: &mut String, about: &str, samples: impl Iterator<Item = (String, T)>) {
    let mut words = about.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (name, kind, help) = (word(), word(), word());
    // Writing into a String does not fail.
    let _ = write!(
        out,
        "# HELP gltracker_bridge_{name} {help}\n# TYPE gltracker_bridge_{name} {kind}\n"
    );
    for (labels, value) in samples {
        let _ = writeln!(out, "gltracker_bridge_{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_announced_and_has_its_samples() {
        let numbers = Numbers {
            doors: vec![("cube", (1, 0)), ("quake", (7, 5))],
            known: 40,
            counters: vec![("quake-heartbeats", 9), ("tracker-logins", 5)],
        };
        assert_eq!(numbers.sums(), (8, 5));
        let text = numbers.metrics(UNIX_EPOCH + Duration::from_secs(5), 3);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "gltracker_bridge_start_time_seconds 5",
                "gltracker_bridge_wanted_game_servers{door=\"cube\"} 1",
                "gltracker_bridge_wanted_game_servers{door=\"quake\"} 7",
                "gltracker_bridge_listed_game_servers{door=\"cube\"} 0",
                "gltracker_bridge_listed_game_servers{door=\"quake\"} 5",
                "gltracker_bridge_known_game_servers 40",
                "gltracker_bridge_events_total{event=\"quake-heartbeats\"} 9",
                "gltracker_bridge_events_total{event=\"tracker-logins\"} 5",
                "gltracker_bridge_log_lines_dropped_total 3",
            ]
        );
        let total = "# TYPE gltracker_bridge_events_total counter\n";
        assert!(text.contains(total), "{text}");
        assert_eq!(text.matches("# HELP gltracker_bridge_").count(), 6);
    }
}
