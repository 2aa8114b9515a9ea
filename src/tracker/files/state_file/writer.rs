//! When the state file is read and written.
//!
//! Nobody ever waits for the disk: one thread takes a reference to the list, writes it, and tries again
//! later if that fails.

use super::activity_file::{ActivityFile, ActivityWriter, beside};
use super::format;
use super::restore::{forget, restore};
use crate::base::files::atomic_file::behind_links;
use crate::base::files::kept_file::KeptFile;
use crate::base::files::lock_file::NoLock;
use crate::base::files::outage::Outage;
use crate::base::log::lasting;
use crate::base::mutex::lock;
use crate::base::threads;
use crate::protocol::revision::Revision;
use crate::tracker::files::error::FilesError;
use crate::tracker::state::shared::Shared;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// From one write to the next. A login is to be on the disk within a second; this leaves a tenth of it for
/// the write.
const WRITE_EVERY: Duration = Duration::from_millis(900);

/// Puts the game servers of the state file back on the list, and keeps it up to date from now on. Returns what is
/// kept beside it.
///
/// If another tracker uses the file, if `path` cannot be a file or nothing can be written there, or if
/// there is no thread. A file that cannot be read and a disk that is full are no errors: they are logged,
/// and the tracker runs.
pub(crate) fn start(shared: &'static Shared, path: PathBuf) -> Result<ActivityFile, FilesError> {
    // A link stays one: its target is locked and replaced.
    let path = behind_links(&path).map_err(|error| FilesError::Unreadable(path, error))?;
    let mut disk = KeptFile::new(path);
    if disk.is_no_file() {
        return Err(FilesError::StateNoFile(disk.path().to_owned()));
    }
    match disk.hold() {
        Err(NoLock::Held) => return Err(FilesError::StateInUse(disk.path().to_owned())),
        Err(NoLock::Failed(error)) => {
            FilesError::unless_full("--state", disk.path(), error)?;
        }
        Ok(()) => {}
    }
    let (activity, activity_writer) = beside(&disk);
    let mut file = StateFile {
        shared,
        disk,
        activity: activity_writer,
        is_bad: false,
        until: HashMap::new(),
        written: None,
        outage: Outage::default(),
        activity_outage: Outage::default(),
    };
    file.load();
    // A thread of its own, so that a disk that hangs keeps nobody on the list for longer.
    let forget = move || forget(shared);
    lasting::start("forget", threads::STACK, &shared.log, forget)
        .and_then(|_| {
            let keep = move || {
                file.write_and_rest();
                ControlFlow::Continue(())
            };
            lasting::start("state-file", threads::STACK, &shared.log, keep)
        })
        .map(|_| activity)
        .map_err(FilesError::Thread)
}

/// The state of the thread. It is whole after a panic, since a write is noted when it is done.
struct StateFile {
    shared: &'static Shared,
    disk: KeptFile,
    activity: ActivityWriter,
    /// The file that is there is to be set aside before another is written.
    is_bad: bool,
    /// At which second each game server that came back stale is to be forgotten. Kept in the file too, so
    /// that a tracker that crashes again and again does not list the dead for ever.
    until: HashMap<SocketAddr, u64>,
    /// The revision that is on the disk.
    written: Option<Revision>,
    outage: Outage,
    activity_outage: Outage,
}

impl StateFile {
    fn write_and_rest(&mut self) {
        let start = Instant::now();
        self.write_if_changed();
        std::thread::sleep(WRITE_EVERY.saturating_sub(start.elapsed()));
    }

    fn write_if_changed(&mut self) {
        let written = self.write_list();
        note(self.shared, &mut self.outage, self.disk.path(), written);
        let (written, path) = (self.write_activity(), self.activity.path());
        note(self.shared, &mut self.activity_outage, path, written);
    }

    fn write_list(&mut self) -> io::Result<()> {
        let list = lock(&self.shared.registry).list();
        let revision = list.revision();
        // Somebody may have removed it meanwhile.
        if self.written == Some(revision) && self.disk.is_there() {
            return Ok(());
        }
        let text = format::encode(&list, &self.shared.keys.get(), &self.until);
        // While the list is held, every change of it copies a piece.
        drop(list);
        self.hold()?;
        if self.is_bad {
            self.disk.set_aside()?;
            self.is_bad = false;
        }
        self.disk.replace(&text)?;
        self.written = Some(revision);
        Ok(())
    }

    fn write_activity(&mut self) -> io::Result<()> {
        if !self.activity.is_waiting() {
            return Ok(());
        }
        self.hold()?;
        self.activity.write()
    }

    fn hold(&mut self) -> io::Result<()> {
        match self.disk.hold() {
            Ok(()) => Ok(()),
            Err(NoLock::Failed(error)) => Err(error),
            Err(NoLock::Held) => Err(io::Error::other("another process keeps its state there")),
        }
    }

    /// Reads the file and puts on the list what is in it.
    fn load(&mut self) {
        let path = self.disk.path().display().to_string();
        let log = &self.shared.log;
        let read = match self.disk.read() {
            Ok(None) => {
                let why = "there is no such file yet";
                return log.info("state-empty", &[("file", &path), ("why", &why)]);
            }
            Ok(Some(text)) => format::decode(&text).map_err(|wrong| wrong.to_string()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        match read {
            Ok(saved) => {
                let count = saved.len();
                self.until = restore(self.shared, saved);
                let listed = self.until.len();
                log.info(
                    "state-read",
                    &[("file", &path), ("count", &count), ("listed", &listed)],
                );
            }
            Err(why) => {
                let aside = self.disk.set_aside();
                self.is_bad = aside.is_err();
                let so = match aside {
                    Ok(aside) => format!("the list starts empty; it is now {}", aside.display()),
                    Err(error) => format!("the list starts empty; it stays there: {error}"),
                };
                log.warn(
                    "state-not-read",
                    &[("file", &path), ("error", &why), ("so", &so)],
                );
            }
        }
    }
}

/// Counts a failure to write the file at `path`, and logs what is new.
fn note(shared: &Shared, outage: &mut Outage, path: &Path, written: io::Result<()>) {
    let (log, path, now) = (&shared.log, path.display(), Instant::now());
    let Err(error) = written else {
        if outage.works(now) {
            log.info("state-written-again", &[("file", &path)]);
        }
        return;
    };
    shared.stats.state_failures.add_one();
    if outage.fails(now) {
        let so = "the file is as it was, and is tried again every second";
        log.warn(
            "state-not-written",
            &[("file", &path), ("error", &error), ("so", &so)],
        );
    }
}
