//! What game servers take that a bridge has logged in: memory, CPU time at rest, and the time until all
//! are back when the tracker was restarted.
//!
//! ```text
//! ulimit -n 20000
//! cargo bench --bench links               1,000 and 4,000 game servers, in 2 minutes
//! cargo bench --bench links -- --quick    500, in ten seconds
//! ```
//!
//! This process is the bridge, with a door through which nobody comes: it has all of them listed at
//! once. The tracker is a process of its own. `resident` and `kernel` are what is there more than before,
//! in KiB for each game server; what the kernel keeps is for both ends of the connections. `at rest` is
//! CPU time in percent of a core while nothing happens but pings. `listed` and `back` are in seconds,
//! from the moment at which they are wanted and at which the new tracker listens.

use gltracker::bridge::hall::{Door, DoorError, Hall, Opened};
use gltracker::bridge::{Desk, Options, Wanted, start};
use gltracker::game_server::Secret;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::tracker::log::{Level, Log};
use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::load::fetch_list;
use support::memory;
use support::process::{number, open_files};
use support::run::{Length, Result, shortage};
use support::tracker::{PASSWORD, Slots, Tracker};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether all are listed.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    support::run::main(|length| match length {
        Length::Full => run(&[1_000, 4_000], Duration::from_secs(30)),
        Length::Quick => run(&[500], Duration::from_secs(3)),
        Length::Smoke => run(&[20], Duration::ZERO),
    })
}

fn run(sizes: &[usize], rest: Duration) -> Result<()> {
    let wanted = sizes.iter().copied().max().unwrap_or_default();
    let most = Slots::most_listed(wanted, open_files());
    println!(
        "{}\n        |        |   resident, KiB each   | kernel, |  at rest, % of a core |      |\n\
         servers | listed | tracker  bridge   both |    each | tracker  bridge | back | CPU s",
        shortage(most, wanted)
    );
    sizes.iter().try_for_each(|&size| row(size.min(most), rest))
}

/// A door that hands the desk over.
#[derive(Debug)]
struct Hatch(Sender<Arc<Desk>>);

impl Door for Hatch {
    fn word(&self) -> &'static str {
        "bench"
    }

    fn open(self: Box<Self>, hall: &Hall) -> std::result::Result<Opened, DoorError> {
        let _ = self.0.send(Arc::clone(&hall.desk));
        let (at, guide) = (Vec::new(), String::new());
        Ok(Opened { at, guide })
    }
}

/// A bridge in this process.
fn bridge(tracker: &Tracker) -> Result<Arc<Desk>> {
    let (send, desk) = channel();
    let options = Options {
        tracker: gltracker::game_server::TrackerAddress::new(tracker.servers),
        clients: gltracker::client::TrackerAddress::new(tracker.clients),
        key: None,
        secret: Secret::Text(PASSWORD.to_owned()),
        state: None,
        publish: None,
        doors: vec![Box::new(Hatch(send))],
        level: Level::Warn,
    };
    start(options, Log::start(Level::Warn, std::io::stderr())?)?;
    Ok(desk.recv()?)
}

fn row(size: usize, rest: Duration) -> Result<()> {
    let slots = Slots::for_listed(size);
    let tracker = Tracker::start(slots)?;
    tracker.process.settle();
    let desk = bridge(&tracker)?;
    let before = (tracker.process.resident(), resident(), memory::kernel());
    let start = Instant::now();
    for at in 0..size {
        desk.list(address(at), wanted(at)?);
    }
    wait_for(&desk, size)?;
    let listed = start.elapsed();
    tracker.process.settle();
    let each = |now: i64, before: i64| (now - before) as f64 / 1024.0 / size as f64;
    let theirs = each(tracker.process.resident(), before.0);
    let ours = each(resident(), before.1);
    let kernel = each(memory::kernel(), before.2);
    let cpu = (tracker.process.cpu(), links_cpu());
    thread::sleep(rest);
    let share = |now: Duration, before: Duration| {
        100.0 * (now - before).as_secs_f64() / rest.as_secs_f64().max(0.001)
    };
    let at_rest = (
        share(tracker.process.cpu(), cpu.0),
        share(links_cpu(), cpu.1),
    );
    let (servers, clients) = (tracker.servers.to_string(), tracker.clients.to_string());
    drop(tracker);
    let cpu = links_cpu();
    let tracker = Tracker::start_with(&servers, &clients, slots, &[])?;
    let start = Instant::now();
    // The desk's list may never have been another: those who are back before it is asked for are as before.
    let is_line = |line: &[u8]| line.starts_with(b"INFOS ");
    let count = |list: Vec<u8>| {
        list.split(|&byte| byte == b'\n')
            .filter(|line| is_line(line))
            .count()
    };
    wait_until(|| fetch_list(tracker.clients).is_ok_and(|list| count(list) == size))?;
    let back = start.elapsed();
    drop(tracker);
    println!(
        "{size:>7} | {:>6.2} | {theirs:>7.1} {ours:>7.1} {:>6.1} | {kernel:>7.1} | {:>7.2} {:>7.2} | \
         {:>4.2} | {:>5.2}",
        listed.as_secs_f64(),
        theirs + ours,
        at_rest.0,
        at_rest.1,
        back.as_secs_f64(),
        (links_cpu() - cpu).as_secs_f64(),
    );
    for at in 0..size {
        desk.unlist("bench", address(at));
    }
    Ok(())
}

/// The game servers have addresses of their own, as on the Internet.
fn address(at: usize) -> SocketAddr {
    let [_, high, middle, low] = (at as u32).to_be_bytes();
    ([198, 51 + high, middle, low.max(1)], 27960 + u16::from(low)).into()
}

/// What an OpenArena server says of itself.
fn wanted(at: usize) -> Result<Wanted> {
    let text = format!(
        "nbplayers={} maxplayers=16 description=\"Friday night frags {at}\" game=Quake3Arena \
         map=oa_dm{} mode=0 protocol=71 query=quake3",
        at % 17,
        at % 30
    );
    let changes = Changes::parse(&text).map_err(|no| no.text)?;
    Ok(Wanted {
        door: "bench",
        tag: "QuakeArena-1".to_owned(),
        infos: Infos::default().with(&changes),
    })
}

/// Waits until the doors see so many.
fn wait_for(desk: &Desk, size: usize) -> Result<()> {
    wait_until(|| desk.listing().servers.len() == size)
}

fn wait_until(mut is_so: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > PATIENCE {
            return Err("not all were listed in a minute".into());
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    number(&status, "VmRSS:").unwrap_or_default() * 1024
}

/// The CPU time of the threads of the bridge in this process.
fn links_cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task");
    let tasks = tasks
        .into_iter()
        .flatten()
        .flatten()
        .map(|task| task.path());
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    tasks
        .filter(|task| ["links", "watch"].contains(&read(task.join("comm")).trim_end()))
        .filter_map(|task| {
            let times = read(task.join("schedstat"));
            times.split_whitespace().next()?.parse().ok()
        })
        .map(Duration::from_nanos)
        .sum()
}
