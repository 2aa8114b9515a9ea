//! Everybody at once: a tracker with its own listeners, at which 128 connections may wait to be
//! accepted, and one that took over listeners at which as many may as the system allows.
//!
//! ```text
//! ulimit -n 24000
//! cargo bench --bench burst                     up to 5,000 clients at once, in 12 minutes
//! cargo bench --bench burst -- --old PROGRAM    the same beside an older build of the tracker
//! cargo bench --bench burst -- --quick          up to 500, under 20 seconds
//! ```
//!
//! Linux lets 4,096 wait, or what `net.core.somaxconn` says. In a network namespace that is free to
//! choose:
//!
//! ```text
//! unshare --user --map-root-user --net sh -c 'ip link set lo up
//!     sysctl -w net.core.somaxconn=8192; cargo bench --offline --bench burst'
//! ```
//!
//! In the first tables clients connect and ask at the same moment, once, each from a thread of its own
//! in one program: *near*, with `LIST` and `QUIT` in one write, until the other hangs up; and *far*, with
//! `LIST` alone, hanging up 100 ms after they have it. The threads share the two processors with who
//! answers them, and connect faster than anybody accepts: that fills the queue, as a crowd does that
//! comes over a network. The trackers have the default of 1,024 slots, 256 of them for clients, and
//! trust loopback. Beside them run bare loops with two threads and the same queues, which read a line,
//! write the same bytes and close. All take turns.
//!
//! - `last, ms`: until the last client is done, with or without a list: the median of all bursts, and the
//!   shortest and the longest. With the long queue most of it is the work of the clients, as the bare
//!   loop shows.
//! - `ratio`: the median divided by that of the first row, which is the tracker with its own listeners (or
//!   the older build). The target is 0.1.
//! - `no list`: clients that had no list, in all bursts together: they were told `ERR busy`, or `failed`:
//!   refused, reset, or not answered within 5 s. The target is none.
//! - `overflows`: how often a connection did not fit into the queue in a burst, on average, as the system
//!   counts it (`nstat -az TcpExtListenOverflows`). It tries each again after 1 s, 3 s and 7 s, which is
//!   what the times are made of where there are any.
//!
//! In the next table game servers that have just lost their tracker log in while near clients ask: all
//! at the same moment, or spread over 0.1 to 1 s as `announce` spreads them. One that is refused tries
//! again after 0.5 to 1.5 s, as `announce` does. The target is that all are listed within 3 s.
//!
//! The last is of LIST and QUIT as fast as 16 clients can ask, which should not depend on who opened the
//! listener. `list_throughput` explains its columns.

use std::iter::repeat_with;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::bare::{Bare, Kind};
use support::fleet::{Fleet, log_in};
use support::load::{Load, Manner, Outcome, fetch_list};
use support::process::{Process, open_files};
use support::queue::{self, SHORT};
use support::report::{self, median, spread};
use support::run::{Result, shortage_of, value_of};
use support::stage::sleep_until;
use support::tracker::{Slots, Tracker, this_build};
use support::turns::{Rival, Sample, take_turns};

/// Open files of this program that are no clients: game servers, with some to spare.
const OTHER_FILES: usize = 1_800;

/// The default size.
const SLOTS: Slots = Slots::for_listed(512);

/// There and back.
const FAR: Duration = Duration::from_millis(100);

/// Time to start the threads of all who come at the same moment.
const HEAD_START: Duration = Duration::from_millis(200);

const BYE: &[u8] = b"OK bye\n";

/// What is measured.
struct Plan {
    /// Game servers on the list.
    listed: usize,
    /// Clients of a burst, near and far.
    near: &'static [usize],
    far: &'static [usize],
    /// For each rival.
    bursts: usize,
    /// Game servers that come back, and clients that come with them.
    back: (usize, usize),
    rounds: usize,
    round: Duration,
}

const FULL: Plan = Plan {
    listed: 400,
    near: &[200, 500, 2_000, 5_000],
    far: &[2_000],
    bursts: 10,
    back: (500, 2_000),
    rounds: 10,
    round: Duration::from_millis(400),
};

const QUICK: Plan = Plan {
    near: &[500],
    far: &[500],
    bursts: 1,
    back: (100, 300),
    rounds: 3,
    round: Duration::from_millis(150),
    ..FULL
};

const SMOKE: Plan = Plan {
    listed: 10,
    near: &[20],
    far: &[20],
    bursts: 1,
    back: (5, 10),
    rounds: 1,
    round: Duration::from_millis(20),
};

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    let wanted = plan.near.iter().copied().max().unwrap_or_default();
    let most = open_files().saturating_sub(OTHER_FILES).min(wanted);
    let warning = shortage_of("CLIENTS", most, wanted);
    let old = value_of("--old").map(PathBuf::from);
    println!("{warning}\nThe long queue is {} long.", queue::longest());
    for distance in [Duration::ZERO, FAR] {
        bursts(plan, old.as_deref(), distance, most)?;
    }
    for are_spread in [false, true] {
        returns(plan, old.as_deref(), are_spread)?;
    }
    lists(plan)?;
    print!("{warning}");
    Ok(())
}

/// A tracker with game servers on its list.
struct Held {
    name: &'static str,
    tracker: Tracker,
    fleet: Fleet,
}

impl Held {
    /// The older build if there is one, this one with its own listeners, and with those that it took
    /// over.
    fn all(listed: usize, old: Option<&Path>) -> Result<Vec<Self>> {
        let own = |program| Tracker::start_build(program, SLOTS);
        let mut trackers = Vec::new();
        if let Some(old) = old {
            trackers.push(("old build", own(old)?));
        }
        trackers.push(("own", own(this_build())?));
        let handed_over = Tracker::start_with_queue(queue::longest(), SLOTS)?;
        trackers.push(("handed over", handed_over));
        let hold = |(name, tracker): (_, Tracker)| {
            let mut fleet = Fleet::new(tracker.servers);
            fleet.grow(listed)?;
            Ok(Self {
                name,
                tracker,
                fleet,
            })
        };
        trackers.into_iter().map(hold).collect()
    }

    fn rival(&self) -> Rival<'_> {
        Rival {
            name: self.name,
            process: &self.tracker.process,
            address: self.tracker.clients,
        }
    }
}

/// Lets all game servers say something: nobody is to be silent for so long that it is dropped.
fn speak(held: &mut [Held]) -> Result<()> {
    held.iter_mut().try_for_each(|held| held.fleet.speak())
}

/// What came of one burst.
#[derive(Clone, Copy)]
struct Burst {
    outcome: Outcome,
    overflows: i64,
}

impl Burst {
    fn take(process: &Process, address: SocketAddr, load: Load) -> Result<Self> {
        process.settle();
        let before = queue::overflows();
        Ok(Self {
            outcome: load.put_on(address)?,
            overflows: queue::overflows() - before,
        })
    }

    fn ms(&self) -> f64 {
        ms(self.outcome.took)
    }
}

/// One table of clients that come at the same moment.
fn bursts(plan: &Plan, old: Option<&Path>, distance: Duration, most: usize) -> Result<()> {
    let mut held = Held::all(plan.listed, old)?;
    let mut answer = fetch_list(held[0].tracker.clients)?;
    let (name, rows, manner, question) = match distance.is_zero() {
        true => ("Near", plan.near, Manner::Quit, "LIST\nQUIT\n"),
        false => ("Far", plan.far, Manner::HangUp, "LIST\n"),
    };
    if manner == Manner::Quit {
        answer.extend_from_slice(BYE);
    }
    let bare = |queue| Bare::with_queue(queue, Kind::Answer { threads: 2 }, &answer);
    let bare = [
        ("bare, short", bare(SHORT)?),
        ("bare, long", bare(queue::longest())?),
    ];
    println!(
        "\n{name} clients at the same moment, {} bursts for each, {} bytes for each client\n\n\
         clients listeners      | last, ms (low to high)  ratio | no list: busy failed | overflows",
        plan.bursts,
        answer.len(),
    );
    for &clients in rows.iter().filter(|&&clients| clients <= most) {
        let load = Load {
            distance,
            ..Load::new(manner, question, answer.len(), clients, Duration::ZERO).once()
        };
        let mut all: Vec<Vec<Burst>> = repeat_with(Vec::new)
            .take(held.len() + bare.len())
            .collect();
        for _ in 0..plan.bursts {
            for (who, bursts) in all.iter_mut().enumerate() {
                speak(&mut held)?;
                let (process, address) = match held.get(who) {
                    Some(held) => (&held.tracker.process, held.tracker.clients),
                    None => {
                        let (_, bare) = &bare[who - held.len()];
                        (&bare.process, bare.address)
                    }
                };
                bursts.push(Burst::take(process, address, load)?);
            }
        }
        let names = held.iter().map(|held| held.name);
        let names = names.chain(bare.iter().map(|(name, _)| *name));
        for (name, bursts) in names.zip(&all) {
            println!("{clients:>7} {name:<14} | {}", row(bursts, &all[0]));
        }
    }
    Ok(())
}

fn row(bursts: &[Burst], first: &[Burst]) -> String {
    let overflows: i64 = bursts.iter().map(|burst| burst.overflows).sum();
    format!(
        "{} {:>6.3} | {} | {:>9.0}",
        times(bursts.iter().map(Burst::ms)),
        median(bursts.iter().map(Burst::ms)) / median(first.iter().map(Burst::ms)),
        without(bursts.iter().map(|burst| burst.outcome)),
        overflows as f64 / bursts.len() as f64,
    )
}

/// The median, and the lowest and the highest.
fn times(times: impl Iterator<Item = f64> + Clone) -> String {
    let (low, high) = spread(times.clone());
    let spread = format!("({low:.0} to {high:.0})");
    format!("{:>6.0} {spread:>15}", median(times))
}

/// How many clients had no list.
fn without(outcomes: impl Iterator<Item = Outcome>) -> String {
    let (busy, failed) = outcomes.fold((0, 0), |(busy, failed), outcome| {
        (busy + outcome.busy, failed + outcome.failed)
    });
    format!("{busy:>13} {failed:>6}")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// One table of game servers that come back together with clients.
fn returns(plan: &Plan, old: Option<&Path>, are_spread: bool) -> Result<()> {
    let (game_servers, clients) = plan.back;
    let how = match are_spread {
        true => "spread over 0.1 to 1 s",
        false => "at the same moment",
    };
    println!(
        "\n{game_servers} game servers come back, {how}, and {clients} near clients, {} times for each\n\n\
         listeners      | all listed, ms (low to high)  tries each | no list: busy failed",
        plan.bursts
    );
    let mut all = Held::all(1, old)?;
    for who in 0..all.len() {
        let held = &all[who];
        let size = fetch_list(held.tracker.clients)?.len() + BYE.len();
        let load = Load::new(Manner::Quit, "LIST\nQUIT\n", size, clients, Duration::ZERO).once();
        let (mut outcomes, mut listed, mut tries) = (Vec::new(), Vec::new(), 0);
        for _ in 0..plan.bursts {
            speak(&mut all)?;
            let (outcome, took, count) =
                come_back(&all[who].tracker, game_servers, are_spread, load)?;
            outcomes.push(outcome);
            listed.push(ms(took));
            tries += count;
        }
        println!(
            "{:<14} | {:>28} {:>11.2} | {}",
            all[who].name,
            times(listed.iter().copied()),
            tries as f64 / (game_servers * plan.bursts) as f64,
            without(outcomes.into_iter()),
        );
    }
    Ok(())
}

/// Lets so many game servers come back while clients ask: what came of the clients, how long it took
/// until all were listed, and how often they tried.
fn come_back(
    tracker: &Tracker,
    game_servers: usize,
    are_spread: bool,
    load: Load,
) -> Result<(Outcome, Duration, usize)> {
    tracker.process.settle();
    let start = Instant::now() + HEAD_START;
    thread::scope(|scope| {
        let come = |number: usize| {
            let share = number as f64 / game_servers as f64;
            let delay = Duration::from_millis(100) + Duration::from_millis(900).mul_f64(share);
            let delay = if are_spread { delay } else { Duration::ZERO };
            let come = move || {
                sleep_until(start + delay);
                persist(number, tracker.servers)
            };
            let thread = thread::Builder::new().stack_size(64 * 1024);
            thread.spawn_scoped(scope, come)
        };
        let back = (1..=game_servers).map(come);
        let back: Vec<_> = back.collect::<std::io::Result<_>>()?;
        let outcome = load.put_on_at(start, tracker.clients)?;
        let (mut streams, mut last, mut tries) = (Vec::new(), start, 0);
        for game_server in back {
            let (stream, at, count) = game_server.join().expect("a login does not panic")?;
            streams.push(stream);
            last = last.max(at);
            tries += count;
        }
        Ok((outcome, last - start, tries))
    })
}

/// Logs in game server `number` as often as it takes: when it was listed, and how often it tried.
fn persist(number: usize, tracker: SocketAddr) -> Result<(TcpStream, Instant, usize)> {
    const MOST_TRIES: usize = 10;
    for tries in 1..=MOST_TRIES {
        if let Ok(stream) = log_in(number, tracker) {
            return Ok((stream, Instant::now(), tries));
        }
        thread::sleep(Duration::from_millis(500 + number as u64 * 37 % 1000));
    }
    Err(format!("game server {number} was not listed").into())
}

/// The table of LIST as fast as it goes.
fn lists(plan: &Plan) -> Result<()> {
    const CLIENTS: usize = 16;
    let mut held = Held::all(plan.listed, None)?;
    held.reverse();
    let size = fetch_list(held[0].tracker.clients)?.len() + BYE.len();
    let what = "LIST and QUIT in one write on a new connection";
    println!("{}", report::headline(what, plan.rounds, plan.round));
    let names: Vec<&str> = held.iter().map(|held| held.name).collect();
    println!("{}", report::header("clients", &names));
    speak(&mut held)?;
    let load = Load::new(Manner::Quit, "LIST\nQUIT\n", size, CLIENTS, plan.round);
    let rivals: Vec<Rival<'_>> = held.iter().map(Held::rival).collect();
    let rounds = take_turns(plan.rounds, &rivals, |rival| {
        Sample::take(rival.process, || Ok(load.put_on(rival.address)?))
    })?;
    println!(
        "{}",
        report::row(&format!("{CLIENTS:>7}"), &rivals, &rounds, None)
    );
    Ok(())
}
