//! When files are published, and what happens while they cannot be: a warning, a count, and another try a
//! second later.
//!
//! One thread looks once a second whether the list has changed or a file is not there any more, and replaces
//! what must be replaced. No connection ever waits for it.

use super::activity::format;
use super::activity::history::{History, point_at};
use super::folder::{Folder, Stamp};
use super::metrics::Metrics;
use super::servers::Servers;
use crate::base::files::lock_file::{Lock, NoLock};
use crate::base::files::outage::Outage;
use crate::base::log::{Log, lasting};
use crate::base::mutex::lock;
use crate::base::threads;
use crate::tracker::access::slots::Class;
use crate::tracker::files::error::FilesError;
use crate::tracker::files::names::{PUBLISH_LOCK, PUBLISHED};
use crate::tracker::files::state_file::ActivityFile;
use crate::tracker::state::shared::Shared;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the thread looks whether something must be replaced; no file is written more often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often metrics.prom is replaced. Prometheus asks every 15 s unless it is told otherwise.
const METRICS_EVERY: Duration = Duration::from_secs(15);

/// How often the first point after a start is taken again, until the next one is due: many game servers log in
/// only then, and nobody should look at an empty picture for five minutes.
const FIRST_POINT_EVERY: Duration = METRICS_EVERY;

/// Starts the thread. A folder that is not there is made, but not the folder above it. What was counted before
/// is read from `kept`, and kept there.
///
/// # Errors
/// If another tracker publishes there or nothing can be written there, or without a thread. A disk
/// that is full is none.
pub(crate) fn start(
    shared: &'static Shared,
    folder: PathBuf,
    page: String,
    kept: Option<ActivityFile>,
) -> Result<(), FilesError> {
    let no_place = |error| FilesError::unless_full("--publish", &folder, error);
    // Only at the start: a folder that is removed later was removed on purpose.
    match fs::create_dir(&folder) {
        Err(error) if !folder.is_dir() => no_place(error)?,
        _ => {}
    }
    let mut lock = Lock::new(folder.join(PUBLISH_LOCK));
    if let Err(NoLock::Held) = lock.hold() {
        return Err(FilesError::PublishInUse(folder));
    }
    let started = SystemTime::now();
    let history = kept
        .as_ref()
        .and_then(|kept| read(kept, point_at(started), &shared.log));
    let mut lasts = Lasting {
        page,
        lock,
        started,
        history: history.unwrap_or_default(),
        kept,
    };
    if let Err(error) = Publisher::new(shared, &folder, &mut lasts).publish_page() {
        no_place(error)?;
    }
    // After a panic all files are written anew.
    let publish = move || Publisher::new(shared, &folder, &mut lasts).run();
    lasting::start("publisher", threads::STACK, &shared.log, publish)
        .map(drop)
        .map_err(FilesError::Thread)
}

/// What was counted before this tracker was started, at `point`. A file that cannot be read is named in the
/// log, and set aside. So is one of another time: a clock that is wrong at one start takes no week away.
fn read(kept: &ActivityFile, point: u32, log: &Log) -> Option<History> {
    let why = match kept.read() {
        Ok(text) => match format::decode(&text?) {
            Ok(history) if history.goes_on_at(point) => return Some(history),
            Ok(_) => {
                "it ends in the future, or more than a week ago: is the clock right?".to_owned()
            }
            Err(wrong) => wrong.to_string(),
        },
        Err(error) => format!("it cannot be read: {error}"),
    };
    let so = match kept.set_aside() {
        Ok(aside) => format!("activity.json starts empty; it is now {}", aside.display()),
        Err(error) => format!("activity.json starts empty; it is written over, since {error}"),
    };
    let path = kept.path().display();
    log.warn(
        "activity-not-read",
        &[("file", &path), ("error", &why), ("so", &so)],
    );
    None
}

/// What outlives a panic of the thread.
struct Lasting {
    page: String,
    /// The lock of the folder.
    lock: Lock,
    started: SystemTime,
    history: History,
    /// Where the history survives the tracker.
    kept: Option<ActivityFile>,
}

/// The state of the thread.
struct Publisher<'a> {
    shared: &'static Shared,
    folder: Folder,
    lasts: &'a mut Lasting,
    servers: Servers,
    /// The files as they were left; `None` for one that must be written.
    servers_stamp: Option<Stamp>,
    page_stamp: Option<Stamp>,
    metrics_stamp: Option<Stamp>,
    activity_stamp: Option<Stamp>,
    next_metrics: Instant,
    /// When the first point is to be taken again.
    next_point: Instant,
    outage: Outage,
}

impl<'a> Publisher<'a> {
    fn new(shared: &'static Shared, folder: &Path, lasts: &'a mut Lasting) -> Self {
        let now = Instant::now();
        Self {
            shared,
            folder: Folder::new(folder.to_owned()),
            lasts,
            servers: Servers::default(),
            servers_stamp: None,
            page_stamp: None,
            metrics_stamp: None,
            activity_stamp: None,
            next_metrics: now,
            next_point: now,
            outage: Outage::default(),
        }
    }

    fn run(mut self) -> ! {
        loop {
            self.count(Instant::now(), SystemTime::now());
            let written = self.publish();
            self.say(written, Instant::now());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Notes what is listed if that is due, whether or not it can be published.
    fn count(&mut self, now: Instant, clock: SystemTime) {
        let point = point_at(clock);
        let is_first = point == point_at(self.lasts.started);
        if self.lasts.history.point == Some(point) && !(is_first && now >= self.next_point) {
            return;
        }
        let list = lock(&self.shared.registry).list();
        self.lasts.history.note(point, &list);
        drop(list);
        self.next_point = now + FIRST_POINT_EVERY;
        self.activity_stamp = None;
        if let Some(kept) = &self.lasts.kept {
            kept.replace(format::encode(&self.lasts.history));
        }
    }

    fn publish(&mut self) -> [(&'static str, io::Result<()>); PUBLISHED.len()] {
        if let Err(NoLock::Held) = self.lasts.lock.hold() {
            let held = || Err(io::Error::other("another tracker publishes there"));
            return PUBLISHED.map(|name| (name, held()));
        }
        [
            ("servers.json", self.publish_servers()),
            ("index.html", self.publish_page()),
            ("metrics.prom", self.publish_metrics(Instant::now())),
            ("activity.json", self.publish_activity()),
        ]
    }

    fn publish_servers(&mut self) -> io::Result<()> {
        let list = lock(&self.shared.registry).list();
        let now = SystemTime::now();
        let is_there = self.folder.still_has("servers.json", &self.servers_stamp);
        if is_there && self.servers.is_current(&list, now) {
            return Ok(());
        }
        self.servers.update(list, now);
        // Forgotten first, so that a failed write is tried again.
        self.servers_stamp = None;
        let pieces = self.servers.pieces();
        self.servers_stamp = Some(self.folder.replace("servers.json", pieces)?);
        Ok(())
    }

    fn publish_page(&mut self) -> io::Result<()> {
        if self.folder.still_has("index.html", &self.page_stamp) {
            return Ok(());
        }
        let page = &*self.lasts.page;
        self.page_stamp = match self.folder.stamp_of("index.html", page) {
            Some(stamp) => Some(stamp),
            None => Some(self.folder.replace("index.html", [page])?),
        };
        Ok(())
    }

    fn publish_metrics(&mut self, now: Instant) -> io::Result<()> {
        let is_there = self.folder.still_has("metrics.prom", &self.metrics_stamp);
        if is_there && now < self.next_metrics {
            return Ok(());
        }
        self.metrics_stamp = None;
        let text = self.metrics();
        self.metrics_stamp = Some(self.folder.replace("metrics.prom", [&*text])?);
        self.next_metrics = now + METRICS_EVERY;
        Ok(())
    }

    fn publish_activity(&mut self) -> io::Result<()> {
        let is_there = self.folder.still_has("activity.json", &self.activity_stamp);
        if !is_there {
            self.activity_stamp = None;
            let text = self.lasts.history.json(SystemTime::now());
            self.activity_stamp = Some(self.folder.replace("activity.json", [&*text])?);
        }
        Ok(())
    }

    fn metrics(&self) -> String {
        let shared = self.shared;
        let list = lock(&shared.registry).list();
        let admission = lock(&shared.admission);
        let slots = Class::ALL.map(|class| (class, admission.usage(class)));
        drop(admission);
        let since = self.lasts.started.duration_since(UNIX_EPOCH);
        let metrics = Metrics {
            started: since.unwrap_or_default(),
            game_servers: list.count(),
            players: list
                .entries()
                .filter_map(|entry| entry.infos.number("nbplayers"))
                .map(u64::from)
                .sum(),
            slots,
            log_dropped: shared.log.dropped(),
        };
        metrics.text(&shared.stats, shared.sharing.as_deref(), Instant::now())
    }

    /// Logs what could not be written, and that it can be again.
    fn say(&mut self, written: [(&str, io::Result<()>); PUBLISHED.len()], now: Instant) {
        let folder = self.folder.path().display().to_string();
        let mut is_failing = false;
        for (file, result) in written {
            let Err(error) = result else { continue };
            is_failing = true;
            self.shared.stats.publish_failures.add_one();
            if !self.outage.fails(now) {
                continue;
            }
            let no_folder = self.no_folder();
            let mut fields: Vec<(&str, &dyn Display)> = vec![("folder", &folder)];
            match &no_folder {
                Some(why) => fields.push(("error", why)),
                None => fields.extend([("file", &file as &dyn Display), ("error", &error)]),
            }
            let so = "the files stay as they are; tried again every second";
            fields.push(("so", &so));
            self.shared.log.warn("not-published", &fields);
        }
        if !is_failing && self.outage.works(now) {
            self.shared
                .log
                .info("published-again", &[("folder", &folder)]);
        }
    }

    /// Why there is no folder, if that is what is wrong.
    fn no_folder(&self) -> Option<String> {
        match fs::metadata(self.folder.path()).err()? {
            error if error.kind() == io::ErrorKind::NotFound => {
                Some("the folder is not there".to_owned())
            }
            error => Some(format!("the folder cannot be looked at: {error}")),
        }
    }
}
