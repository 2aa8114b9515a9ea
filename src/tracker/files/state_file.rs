//! The list survives the tracker.
//!
//! This file hides when the list is written, and what comes back of it. Nobody ever waits for the
//! disk: one thread takes a reference to the list, writes it, and tries again later if that fails.
//! What is read at the start is believed as little as what comes over the wire.

mod disk;
pub mod format;

use crate::protocol::revision::Revision;
use crate::protocol::scope::Scope;
use crate::threads;
use crate::tracker::StartError;
use crate::tracker::access::identity::Credential;
use crate::tracker::files::lock_file::NoLock;
use crate::tracker::files::names::behind_links;
use crate::tracker::files::outage::Outage;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::STALE_FOR;
use crate::tracker::state::lasting;
use crate::tracker::state::log::Level;
use crate::tracker::state::shared::{Shared, lock};
use disk::Disk;
use format::Saved;
use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the names of its files end in: the file itself, the new one until it is complete, the lock.
pub(crate) const ENDS: [&str; 3] = ["", NEW, LOCK];
const NEW: &str = ".new";
const LOCK: &str = ".lock";

/// From one writing to the next. A login is to be on the disk within a second, and this leaves a
/// tenth of it for the writing.
const WRITE_EVERY: Duration = Duration::from_millis(900);

/// Puts the game servers of the state file back on the list, and keeps it up to date from now on.
///
/// # Errors
/// If another tracker does that, if `path` cannot be a file or nothing can be written there, or
/// without a thread. What was written there and cannot be read is none, nor is a disk that is full:
/// that is logged, and the tracker runs.
pub(crate) fn start(shared: &'static Shared, path: PathBuf) -> Result<(), StartError> {
    // A link stays one: what it leads to is what is locked and replaced.
    let path = behind_links(&path).map_err(|error| StartError::File(path, error))?;
    let mut disk = Disk::new(path);
    if disk.is_no_file() {
        return Err(StartError::StateNoFile(disk.path().to_owned()));
    }
    match disk.hold() {
        Err(NoLock::Held) => return Err(StartError::StateInUse(disk.path().to_owned())),
        Err(NoLock::Failed(error)) => {
            StartError::unless_full("--state", disk.path(), error)?;
        }
        Ok(()) => {}
    }
    let mut keeper = StateFile {
        shared,
        disk,
        is_bad: false,
        until: HashMap::new(),
        written: None,
        outage: Outage::default(),
    };
    keeper.load();
    // Apart from the thread that writes: a disk that hangs keeps nobody on the list for longer.
    let forget = move || forget(shared);
    lasting::start("forget", threads::STACK, &shared.log, forget)
        .and_then(|_| {
            let keep = move || {
                keeper.write_and_rest();
                ControlFlow::Continue(())
            };
            lasting::start("state-file", threads::STACK, &shared.log, keep)
        })
        .map(drop)
        .map_err(StartError::Thread)
}

/// Takes those off the list who have not come back in time. Done when there are none left.
fn forget(shared: &'static Shared) -> ControlFlow<()> {
    let mut forgotten = 0;
    loop {
        let next = lock(&shared.registry).next_to_forget();
        let now = Instant::now();
        if next.is_none_or(|next| now < next) && forgotten > 0 {
            shared.watchers.list_changed();
            let why = "they have not logged in again since the tracker was started";
            let fields: [(&str, &dyn Display); 2] = [("count", &forgotten), ("why", &why)];
            shared.log.event(Level::Info, "stale-forgotten", &fields);
            forgotten = 0;
        }
        match next {
            None => return ControlFlow::Break(()),
            Some(next) if now < next => std::thread::sleep(next - now),
            Some(_) => forgotten += usize::from(lock(&shared.registry).forget(now).is_some()),
        }
    }
}

/// What its thread knows. A panic leaves it whole: that something is on the disk is noted when it is.
struct StateFile {
    shared: &'static Shared,
    disk: Disk,
    /// What is there now is not to be written over, but to be set aside first.
    is_bad: bool,
    /// The second at which each game server that came back stale is to be forgotten. Kept in the
    /// file too, so that a tracker that crashes again and again does not list the dead for ever.
    until: HashMap<SocketAddr, u64>,
    /// What is on the disk.
    written: Option<Revision>,
    outage: Outage,
}

impl StateFile {
    fn write_and_rest(&mut self) {
        let start = Instant::now();
        self.write_if_changed();
        std::thread::sleep(WRITE_EVERY.saturating_sub(start.elapsed()));
    }

    fn write_if_changed(&mut self) {
        let list = lock(&self.shared.registry).list();
        let revision = list.revision();
        // Somebody may have removed it meanwhile.
        if self.written == Some(revision) && self.disk.is_there() {
            return self.say_written();
        }
        let text = format::encode(&list, &self.shared.keys.get(), &self.until);
        // While it is held, every change copies a piece of it.
        drop(list);
        match self.write(&text) {
            Ok(()) => {
                self.written = Some(revision);
                self.say_written();
            }
            Err(error) => {
                self.shared.stats.state_failures.add_one();
                self.say_not_written(&error);
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self.disk.hold() {
            Ok(()) => {}
            Err(NoLock::Failed(error)) => return Err(error),
            Err(NoLock::Held) => {
                return Err(io::Error::other("another tracker keeps its list there"));
            }
        }
        if self.is_bad {
            self.disk.set_aside()?;
            self.is_bad = false;
        }
        self.disk.replace(text)
    }

    /// What is on the disk is the list. Said if the log has it that it could not be written.
    fn say_written(&mut self) {
        if self.outage.works(Instant::now()) {
            let path = self.disk.path().display();
            let fields: [(&str, &dyn Display); 1] = [("file", &path)];
            let log = &self.shared.log;
            log.event(Level::Info, "state-written-again", &fields);
        }
    }

    fn say_not_written(&mut self, error: &io::Error) {
        if !self.outage.fails(Instant::now()) {
            return;
        }
        let so = "the file is as it was, and is tried again every second";
        let path = self.disk.path().display();
        let fields: [(&str, &dyn Display); 3] = [("file", &path), ("error", error), ("so", &so)];
        let log = &self.shared.log;
        log.event(Level::Warn, "state-not-written", &fields);
    }

    /// Reads the file and puts on the list what is in it.
    fn load(&mut self) {
        let path = self.disk.path().display().to_string();
        let log = &self.shared.log;
        let read = match self.disk.read() {
            Ok(None) => {
                let why = "there is no such file yet";
                let fields: [(&str, &dyn Display); 2] = [("file", &path), ("why", &why)];
                return log.event(Level::Info, "state-empty", &fields);
            }
            Ok(Some(text)) => format::decode(&text).map_err(|wrong| wrong.to_string()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        match read {
            Ok(saved) => {
                let count = saved.len();
                let listed = self.restore(saved);
                let fields: [(&str, &dyn Display); 3] =
                    [("file", &path), ("count", &count), ("listed", &listed)];
                log.event(Level::Info, "state-read", &fields);
            }
            Err(why) => {
                let aside = self.disk.set_aside();
                self.is_bad = aside.is_err();
                let so = match aside {
                    Ok(aside) => format!("the list starts empty; it is now {}", aside.display()),
                    Err(error) => format!("the list starts empty; it stays there: {error}"),
                };
                let fields: [(&str, &dyn Display); 3] =
                    [("file", &path), ("error", &why), ("so", &so)];
                log.event(Level::Warn, "state-not-read", &fields);
            }
        }
    }

    /// Lists those who may still be. Returns how many that are.
    fn restore(&mut self, saved: Vec<Saved>) -> usize {
        let shared = self.shared;
        let (now, clock) = (Instant::now(), SystemTime::now());
        let second = clock.duration_since(UNIX_EPOCH).unwrap_or_default();
        let latest = second + STALE_FOR;
        let mut listed = 0;
        for saved in saved {
            // A clock that was set back gives nobody more time than those have who were live.
            let until = saved.until.map_or(latest, Duration::from_secs).min(latest);
            let Some(left) = until.checked_sub(second).filter(|left| !left.is_zero()) else {
                continue;
            };
            let Some(entry) = self.entitled(&saved) else {
                continue;
            };
            let address = entry.address;
            let owner = shared.last_id.fetch_add(1, Ordering::Relaxed) + 1;
            if lock(&shared.registry).restore(owner, entry, now + left) {
                self.until.insert(address, until.as_secs());
                listed += 1;
            }
        }
        listed
    }

    /// The entry of a game server, if it could log in as this tracker is set up now: its key is
    /// still valid, it is not banned, its port was proven if that is required, and another `ip` is one
    /// that somebody can be at, and proven or named from a trusted network.
    fn entitled(&self, saved: &Saved) -> Option<Entry> {
        let shared = self.shared;
        let credential = match &saved.key {
            Some(name) => shared.keys.get().credential(name)?,
            None => Credential::Forgotten,
        };
        let entry = Entry::new(saved.peer, saved.infos.clone(), credential)?;
        let is_trusted = || shared.trusted.iter().any(|net| net.contains(entry.peer));
        let is_proven = || entry.infos.get("checked").is_some();
        let (ip, bans) = (entry.address.ip(), shared.bans.get());
        let is_entitled = [ip, entry.peer]
            .iter()
            .all(|ip| bans.refusal(*ip).is_none())
            && (!shared.setting.require_check || is_proven())
            && (ip == entry.peer || is_proven() || is_trusted())
            && Scope::of(ip).is_some();
        is_entitled.then_some(entry)
    }
}
