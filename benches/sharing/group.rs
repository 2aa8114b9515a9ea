//! Trackers that share one list through an engine, or as many that share nothing, and their game
//! servers.

use crate::support::fleet::Fleet;
use crate::support::load::fetch_list;
use crate::support::redis::Redis;
use crate::support::run::Result;
use crate::support::tracker::{Slots, Tracker};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// A free port.
const ANYWHERE: &str = "127.0.0.1:0";

/// Connections that the engine takes: one for each tracker, and those of the bench.
const CONNECTIONS: usize = 32;

/// Pause between two looks at a list that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// All of them. Each is killed when this is dropped.
pub(crate) struct Group {
    pub(crate) trackers: Vec<Tracker>,
    /// Those of each tracker.
    pub(crate) fleets: Vec<Fleet>,
    engine: Option<Redis>,
    /// Where the engine is, while there is one and while there is none.
    engine_at: Option<SocketAddr>,
    /// How many changes its game servers have made.
    pub(crate) changes: usize,
}

/// What a list shows.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) ports: HashSet<u16>,
    pub(crate) stale: usize,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Group {
    /// Starts so many trackers that share. `None`, which is said aloud, if there is no engine.
    pub(crate) fn sharing(count: usize, slots: Slots) -> Result<Option<Self>> {
        let Some(engine) = Redis::start(CONNECTIONS)? else {
            return Ok(None);
        };
        let mut group = Self::alone(0, slots)?;
        group.engine_at = Some(engine.address);
        group.engine = Some(engine);
        for _ in 0..count {
            let tracker = group.another(ANYWHERE, ANYWHERE, slots)?;
            group.trackers.push(tracker);
        }
        Ok(Some(group))
    }

    /// Starts so many that do not.
    pub(crate) fn alone(count: usize, slots: Slots) -> Result<Self> {
        let trackers = (0..count).map(|_| Tracker::start(slots));
        Ok(Self {
            trackers: trackers.collect::<Result<_>>()?,
            fleets: Vec::new(),
            engine: None,
            engine_at: None,
            changes: 0,
        })
    }

    /// Starts one more tracker that shares with these, which is the caller's.
    pub(crate) fn another(&self, servers: &str, clients: &str, slots: Slots) -> Result<Tracker> {
        let engine = self.engine_at.ok_or("these do not share")?.to_string();
        Tracker::start_with(servers, clients, slots, &["--share", &engine])
    }

    /// Logs so many in at each tracker. No two have the same port.
    pub(crate) fn log_in(&mut self, sizes: &[usize]) -> Result<()> {
        let mut first = 0;
        for (tracker, &size) in self.trackers.iter().zip(sizes) {
            let mut fleet = Fleet::numbered_from(tracker.servers, first);
            fleet.grow(size)?;
            first += size;
            self.fleets.push(fleet);
            self.fleets.iter_mut().try_for_each(Fleet::check_in)?;
        }
        Ok(())
    }

    /// How many game servers they have in all.
    pub(crate) fn size(&self) -> usize {
        self.fleets.iter().map(Fleet::size).sum()
    }

    /// Lets all game servers say something if it is time to.
    pub(crate) fn check_in(&mut self) -> Result<()> {
        self.fleets.iter_mut().try_for_each(Fleet::check_in)
    }

    /// Lets game servers do nothing for so long but answer.
    pub(crate) fn rest(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.check_in()?;
            thread::sleep(LOOK_AGAIN.min(time));
        }
        Ok(())
    }

    pub(crate) fn engine(&mut self) -> Result<&mut Redis> {
        Ok(self.engine.as_mut().ok_or("there is no engine")?)
    }

    /// The engine is gone, with all that it had.
    pub(crate) fn kill_engine(&mut self) {
        self.engine = None;
    }

    /// One that has nothing listens where the last one did.
    pub(crate) fn start_engine(&mut self) -> Result<()> {
        let at = self.engine_at.ok_or("these do not share")?;
        self.engine = Redis::start_at(at, CONNECTIONS)?;
        Ok(())
    }

    /// Waits until the lists of all trackers show all, and nobody as stale. How long it took each.
    pub(crate) fn until_whole(&mut self, patience: Duration) -> Result<Vec<Duration>> {
        let (start, size) = (Instant::now(), self.size());
        let lists: Vec<SocketAddr> = self.trackers.iter().map(|one| one.clients).collect();
        let mut took = Vec::new();
        for clients in lists {
            wait_for(clients, size, start, patience)?;
            took.push(start.elapsed());
            self.check_in()?;
        }
        Ok(took)
    }

    /// Fails unless all show the same.
    pub(crate) fn must_agree(&self) -> Result<()> {
        let lists = self.trackers.iter().map(|tracker| lines(tracker.clients));
        let lists = lists.collect::<Result<Vec<_>>>()?;
        match lists.iter().all(|list| *list == lists[0]) {
            true => Ok(()),
            false => Err("the trackers do not show the same list".into()),
        }
    }
}

/// Waits until the list there shows so many, and nobody as stale.
pub(crate) fn wait_for(
    clients: SocketAddr,
    size: usize,
    start: Instant,
    patience: Duration,
) -> Result<()> {
    loop {
        let look = Look::at(clients)?;
        if look.ports.len() == size && look.stale == 0 {
            return Ok(());
        }
        if start.elapsed() > patience {
            let (listed, stale) = (look.ports.len(), look.stale);
            return Err(format!("{listed} of {size} are listed, {stale} of them stale").into());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

impl Look {
    pub(crate) fn at(clients: SocketAddr) -> Result<Self> {
        let start = Instant::now();
        let list = fetch_list(clients)?;
        let took = start.elapsed();
        let mut look = Self {
            took,
            ..Self::default()
        };
        for line in std::str::from_utf8(&list)?.lines() {
            if let Some(port) = line.split(' ').find_map(|word| word.strip_prefix("port=")) {
                look.ports.insert(port.parse()?);
                look.stale += usize::from(line.contains(" stale=yes"));
            }
        }
        Ok(look)
    }
}

/// The lines of a list without its END, in alphabetical order.
fn lines(clients: SocketAddr) -> Result<Vec<String>> {
    let list = String::from_utf8(fetch_list(clients)?)?;
    let lines = list.lines().filter(|line| line.starts_with("INFOS "));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    Ok(lines)
}
