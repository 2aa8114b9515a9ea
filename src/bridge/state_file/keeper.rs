//! When the state file is read and written. Nobody ever waits for the disk.

use super::format;
use crate::base::files::atomic_file::behind_links;
use crate::base::files::kept_file::KeptFile;
use crate::base::files::lock_file::NoLock;
use crate::base::files::outage::Outage;
use crate::base::io_error::in_words;
use crate::base::log::{Log, lasting};
use crate::base::threads;
use crate::bridge::desk::{Desk, Memory};
use crate::bridge::hall::Hall;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From one write to the next: whoever is listed is to be on the disk within a second.
const WRITE_EVERY: Duration = Duration::from_millis(900);

/// How long those are kept who were listed by an earlier run and have not answered yet. Doors ask them at
/// once, and again some seconds later.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// How long a bridge that was killed may take to end. One with 4,000 connections was seen to take a tenth
/// of a second.
const END_WITHIN: Duration = Duration::from_secs(1);

/// How often to look whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How many wrong lines are logged one by one.
const MOST_SAID: usize = 10;

/// The state file, read already.
#[derive(Debug)]
pub(in crate::bridge) struct StateFile {
    file: KeptFile,
    /// Whom an earlier run has listed.
    earlier: Vec<Memory>,
    read: Instant,
    /// What is on the disk; `None` before the first write.
    written: Option<String>,
    /// The version of the desk that was looked at, and if that was with those of an earlier run.
    seen: Option<(u64, bool)>,
    outage: Outage,
}

impl StateFile {
    /// Reads the file at `path`, and has the desk remember what it holds.
    ///
    /// # Errors
    /// Why it cannot be used, with what to do.
    pub(in crate::bridge) fn open(path: PathBuf, hall: &Hall) -> Result<Self, String> {
        let path = behind_links(&path).map_err(|error| in_words(&error))?;
        let mut file = KeptFile::new(path);
        if file.is_no_file() {
            return Err("it is not a regular file; choose the name of a file".to_owned());
        }
        hold(&mut file).map_err(|no| match no {
            NoLock::Held => {
                "another process keeps its state in this file; stop it, or choose another file"
                    .to_owned()
            }
            NoLock::Failed(error) => format!("nothing can be written there: {error}"),
        })?;
        let read = |error: io::Error| format!("it cannot be read: {}", in_words(&error));
        let bytes = file.read().map_err(read)?.unwrap_or_default();
        let choose = |why| format!("{why}; choose another file");
        let read = format::decode(&bytes).map_err(choose)?;
        say_read(&file, &read, &hall.log);
        if !read.wrong.is_empty() {
            let stays = |error| format!("it has wrong lines, and cannot be set aside: {error}");
            let aside = file.set_aside().map_err(stays)?;
            let fields: [(_, &dyn Display); 1] = [("kept-as", &aside.display())];
            hall.log.warn("state-set-aside", &fields);
        }
        hall.desk.remember(read.memories.clone());
        Ok(Self {
            file,
            earlier: read.memories,
            read: Instant::now(),
            written: None,
            seen: None,
            outage: Outage::default(),
        })
    }

    /// Keeps the file up to date, from a thread of its own.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(in crate::bridge) fn keep(mut self, hall: &Hall) -> io::Result<()> {
        let (desk, log) = (Arc::clone(&hall.desk), hall.log.clone());
        let keep = move || {
            let start = Instant::now();
            self.write_if_changed(&desk, &log, start);
            std::thread::sleep(WRITE_EVERY.saturating_sub(start.elapsed()));
            ControlFlow::Continue(())
        };
        lasting::start("state-file", threads::STACK, &hall.log, keep).map(drop)
    }

    fn write_if_changed(&mut self, desk: &Desk, log: &Log, now: Instant) {
        let with_earlier = now < self.read + ANSWER_WITHIN;
        let seen = Some((desk.memory_version(), with_earlier));
        if self.seen == seen && self.file.is_there() {
            return;
        }
        let text = format::encode(&self.memories(desk, with_earlier));
        if self.written.as_ref() != Some(&text) || !self.file.is_there() {
            let path = self.file.path().display().to_string();
            if let Err(error) = self.write(&text) {
                if self.outage.fails(now) {
                    let so = "the file is as it was, and is tried again every second";
                    let fields: [(_, &dyn Display); 3] =
                        [("file", &path), ("error", &error), ("so", &so)];
                    log.warn("state-not-written", &fields);
                }
                return;
            }
            if self.outage.works(now) {
                log.info("state-written-again", &[("file", &path)]);
            }
            self.written = Some(text);
        }
        self.seen = seen;
    }

    /// Everybody who is wanted, and whoever of an earlier run may still answer.
    fn memories(&self, desk: &Desk, with_earlier: bool) -> Vec<Memory> {
        let earlier = self.earlier.iter().filter(|_| with_earlier).cloned();
        let all = earlier.chain(desk.memories());
        let all = all.map(|memory| (memory.address, memory));
        all.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.hold().map_err(|no| match no {
            NoLock::Failed(error) => error,
            NoLock::Held => io::Error::other("another process keeps its state there"),
        })?;
        self.file.replace(text.as_bytes())
    }
}

/// Waits a moment for a bridge that was just killed: with thousands of connections its end takes time.
fn hold(file: &mut KeptFile) -> Result<(), NoLock> {
    let start = Instant::now();
    loop {
        match file.hold() {
            Err(NoLock::Held) if start.elapsed() < END_WITHIN => std::thread::sleep(LOOK_AGAIN),
            done => return done,
        }
    }
}

fn say_read(file: &KeptFile, read: &format::Read, log: &Log) {
    let path = file.path().display();
    let (count, wrong) = (read.memories.len(), read.wrong.len());
    let fields: [(_, &dyn Display); 3] = [
        ("file", &path),
        ("game-servers", &count),
        ("wrong-lines", &wrong),
    ];
    log.info("state-read", &fields);
    for why in read.wrong.iter().take(MOST_SAID) {
        log.warn("state-line-left-out", &[("file", &path), ("why", why)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::desk::Wanted;
    use crate::protocol::fields::Infos;
    use std::fs;

    #[test]
    fn those_of_an_earlier_run_are_kept_until_they_should_have_answered() {
        let name = format!("gltracker-bridge-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let path = folder.join("state");
        let good = "server=198.51.100.7:1 door=quake tag=x\n";
        fs::write(&path, format!("gltracker-bridge 1\n{good}nonsense\n")).unwrap();
        let hall = Hall::of_test();
        let mut state = StateFile::open(path.clone(), &hall).unwrap();
        let second = StateFile::open(path.clone(), &hall).unwrap_err();
        assert!(second.contains("another process"), "{second}");
        let aside = fs::read_to_string(folder.join("state.bad")).unwrap();
        assert!(aside.ends_with("nonsense\n"));
        let old = ([198, 51, 100, 7], 1).into();
        assert_eq!(hall.desk.remembered("quake"), [(old, "x".to_owned())]);
        let (mut infos, tag) = (Infos::default(), "y".to_owned());
        infos.set("map", "m").unwrap();
        let door = "cube";
        let wanted = Wanted { door, tag, infos };
        hall.desk.list(([198, 51, 100, 6], 2).into(), wanted);
        let now = Instant::now();
        let mut written = |now| {
            state.write_if_changed(&hall.desk, &hall.log, now);
            fs::read_to_string(&path).unwrap()
        };
        let new = "gltracker-bridge 1\nserver=198.51.100.6:2 door=cube tag=y\n";
        assert_eq!(written(now), format!("{new}{good}"));
        assert_eq!(written(now + ANSWER_WITHIN), new);
        drop(state);
        fs::write(&path, "gltracker-state 3\n").unwrap();
        let other = StateFile::open(path.clone(), &hall).unwrap_err();
        assert!(other.contains("no state file of a bridge"), "{other}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "gltracker-state 3\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
