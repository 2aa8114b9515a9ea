//! What the files of `--state` and `--publish` cost, and what the first brings back how fast.
//!
//! ```text
//! ulimit -n 20000
//! cargo bench --bench files               10,000 game servers, in 5 minutes
//! cargo bench --bench files -- --quick    1,000 game servers, in half a minute
//! ```
//!
//! **Cost.** Trackers with as many game servers, without files, with `--state`, with `--publish`
//! and with both take turns, each a new process. One game server a second changes, so that each
//! file is written as often as it ever is, and nobody else says a word: they all have just before,
//! so that no ping falls into a round. `of a core` is the CPU time of the whole process, counted by
//! the kernel in ticks of 10 ms. What to look at: `more`, which is that less what the tracker
//! without files took in the same round. `writers` is the CPU time of the threads that write alone,
//! which is counted finely: what is missing from it to `more` is what the changes cost more.
//!
//! **Restart.** One tracker with `--state` and as many game servers is killed as `kill -9` does,
//! and what is in its file then is put back before each round. Trackers with as many slots are
//! started with that file and with none, in turns, and asked for the list from the beginning.
//! `first list` is the time from the start of the process to the END of the first LIST, which must
//! have everybody, and stale; with no file it has nobody. `listening` is that to the line of the
//! log that says that all threads are up. In milliseconds.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::fleet::Fleet;
use support::load::fetch_list;
use support::process::open_files;
use support::report::{headline, median, spread};
use support::run::{Length, Result, shortage};
use support::stage::sleep_until;
use support::tracker::{Slots, Tracker};
use support::turns::take_turns;

/// A free port.
const ANYWHERE: &str = "127.0.0.1:0";

/// From one change to the next.
const CHANGE_EVERY: Duration = Duration::from_secs(1);

/// Longer than a file that has to be written takes to be there.
const FILES_BY: Duration = Duration::from_secs(20);

/// Until a tracker has put away what everybody said.
const SETTLE: Duration = Duration::from_millis(1500);

/// What is measured.
struct Plan {
    game_servers: usize,
    /// Of the cost.
    rounds: usize,
    /// Changes in one of those. The tracker pings who is silent for 15 s.
    changes: u32,
    /// Of the restart.
    restarts: usize,
}

const FULL: Plan = Plan {
    game_servers: 10_000,
    rounds: 3,
    changes: 12,
    restarts: 9,
};

const QUICK: Plan = Plan {
    game_servers: 1_000,
    rounds: 1,
    changes: 5,
    restarts: 3,
};

const SMOKE: Plan = Plan {
    game_servers: 20,
    rounds: 1,
    changes: 1,
    restarts: 1,
};

/// What a tracker writes.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    state: bool,
    publish: bool,
}

const WAYS: [Way; 4] = [
    Way {
        name: "without files",
        state: false,
        publish: false,
    },
    Way {
        name: "--state",
        state: true,
        publish: false,
    },
    Way {
        name: "--publish",
        state: false,
        publish: true,
    },
    Way {
        name: "both",
        state: true,
        publish: true,
    },
];

/// A folder of this bench, on the disk where all else is built, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let name = format!("bench-files-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// The arguments of a tracker that writes that way.
    fn arguments(&self, way: Way) -> Vec<String> {
        let mut arguments = Vec::new();
        for (flag, path, is_given) in [
            ("--state", self.state(), way.state),
            ("--publish", self.0.join("published"), way.publish),
        ] {
            if is_given {
                arguments.extend([flag.to_owned(), path.display().to_string()]);
            }
        }
        arguments
    }

    /// Waits until a file tells of so many game servers; what it holds then.
    fn wait_for(&self, file: &Path, count: &str) -> Result<Vec<u8>> {
        let start = Instant::now();
        loop {
            let text = fs::read(file).unwrap_or_default();
            if text
                .windows(count.len())
                .any(|part| part == count.as_bytes())
            {
                return Ok(text);
            }
            if start.elapsed() > FILES_BY {
                return Err(format!("{} is not written", file.display()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// CPU time, in percent of one core.
#[derive(Debug, Clone, Copy)]
struct Cost {
    all: f64,
    writers: f64,
}

fn main() -> ExitCode {
    support::run::main(|length: Length| run(&length.of(FULL, QUICK, SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    let wanted = plan.game_servers;
    let size = Slots::most_listed(wanted, open_files());
    let warning = shortage(size, wanted);
    print!("{warning}");
    let folder = Folder::make()?;
    cost(plan, size, &folder)?;
    restart(plan, size, &folder)?;
    print!("{warning}");
    Ok(())
}

fn cost(plan: &Plan, size: usize, folder: &Folder) -> Result<()> {
    let rounds = take_turns(plan.rounds, &WAYS, |way| cost_of(plan, size, folder, way))?;
    let what = format!("CPU time with {size} game servers, one of which changes each second");
    print!(
        "{}\n{:<13} | of a core, %             | more, %                  | writers, %\n",
        headline(&what, plan.rounds, CHANGE_EVERY * plan.changes),
        "files"
    );
    for (who, way) in WAYS.iter().enumerate() {
        let of = |value: fn(&[Cost], usize) -> f64| figure(rounds.iter().map(|r| value(r, who)));
        println!(
            "{:<13} | {} | {} | {}",
            way.name,
            of(|round, who| round[who].all),
            of(|round, who| round[who].all - round[0].all),
            of(|round, who| round[who].writers),
        );
    }
    Ok(())
}

/// What a tracker takes that writes this way.
fn cost_of(plan: &Plan, size: usize, folder: &Folder, way: Way) -> Result<Cost> {
    let _ = fs::remove_file(folder.state());
    let arguments = folder.arguments(way);
    let arguments: Vec<&str> = arguments.iter().map(|argument| &**argument).collect();
    let tracker = Tracker::start_with(ANYWHERE, ANYWHERE, Slots::for_listed(size), &arguments)?;
    let mut fleet = Fleet::new(tracker.servers);
    fleet.grow(size)?;
    if way.state {
        folder.wait_for(&folder.state(), &format!("\nend {size} "))?;
    }
    if way.publish {
        let file = folder.0.join("published/servers.json");
        folder.wait_for(&file, &format!("\"count\":{size},"))?;
    }
    fleet.speak()?;
    std::thread::sleep(SETTLE);
    let taken = || {
        let of = |name| tracker.process.cpu_of_threads(name);
        let writers = of("state-file") + of("publisher");
        (tracker.process.cpu(), writers)
    };
    let (all, writers) = taken();
    let start = Instant::now();
    for change in 0..plan.changes {
        sleep_until(start + CHANGE_EVERY * change);
        let number = change as usize * 97 % size;
        fleet.game_servers()[number].update()?;
    }
    sleep_until(start + CHANGE_EVERY * plan.changes);
    let took = start.elapsed();
    let (all_then, writers_then) = taken();
    fleet.await_until(|seen| seen.oks >= u64::from(plan.changes))?;
    let percent = |cpu: Duration| 100.0 * cpu.as_secs_f64() / took.as_secs_f64();
    Ok(Cost {
        all: percent(all_then.saturating_sub(all)),
        writers: percent(writers_then.saturating_sub(writers)),
    })
}

/// How long a start took, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Start {
    first_list: f64,
    listening: f64,
}

fn restart(plan: &Plan, size: usize, folder: &Folder) -> Result<()> {
    let slots = Slots::for_listed(size);
    let state = folder.state();
    let arguments = folder.arguments(WAYS[1]);
    let arguments: Vec<&str> = arguments.iter().map(|argument| &**argument).collect();
    let _ = fs::remove_file(&state);
    let saved = {
        let tracker = Tracker::start_with(ANYWHERE, ANYWHERE, slots, &arguments)?;
        let mut fleet = Fleet::new(tracker.servers);
        fleet.grow(size)?;
        let saved = folder.wait_for(&state, &format!("\nend {size} "))?;
        // Killed before it sees anybody leave.
        drop(tracker);
        saved
    };
    let rounds = take_turns(plan.restarts, &[true, false], |has_file| {
        match has_file {
            true => fs::write(&state, &saved)?,
            false => fs::remove_file(&state)?,
        }
        start_once(slots, &arguments, if has_file { size } else { 0 })
    })?;
    print!(
        "\nA start with {size} game servers in a file of {} KiB: {} rounds\n\n\
         state file    | first list, ms           | listening, ms\n",
        saved.len() / 1024,
        plan.restarts
    );
    for (who, name) in ["as it was", "none"].into_iter().enumerate() {
        let of = |value: fn(Start) -> f64| figure(rounds.iter().map(|round| value(round[who])));
        println!(
            "{name:<13} | {} | {}",
            of(|start| start.first_list),
            of(|start| start.listening),
        );
    }
    Ok(())
}

/// Starts a tracker that is asked for the list from the beginning, by a player who comes back at
/// once when nobody is there. So many must be on the first list, and stale.
fn start_once(slots: Slots, arguments: &[&str], expected: usize) -> Result<Start> {
    // Where no other program of this machine picks its ports.
    let clients = TcpListener::bind("127.0.0.26:0")?.local_addr()?;
    let milliseconds = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let player = scope.spawn(|| -> Result<(f64, Vec<u8>)> {
            loop {
                match fetch_list(clients) {
                    Ok(list) => return Ok((milliseconds(start), list)),
                    Err(error) if start.elapsed() > FILES_BY => return Err(error.into()),
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        let tracker = Tracker::start_with(ANYWHERE, &clients.to_string(), slots, arguments)?;
        let listening = milliseconds(start);
        let (first_list, list) = player.join().expect("a player does not panic")?;
        drop(tracker);
        let stale = list
            .split(|&byte| byte == b'\n')
            .filter(|line| line.starts_with(b"INFOS ") && line.ends_with(b" stale=yes"));
        match stale.count() {
            listed if listed == expected => Ok(Start {
                first_list,
                listening,
            }),
            listed => Err(format!("{listed} of {expected} are on the first list").into()),
        }
    })
}

/// The median, and the lowest and the highest.
fn figure(values: impl Iterator<Item = f64> + Clone) -> String {
    let (low, high) = spread(values.clone());
    let range = format!("({low:.2} to {high:.2})");
    format!("{:>7.2} {range:>16}", median(values))
}
