//! The door for the Quake family: lists as fast as clients can ask, and heartbeats beside that.
//!
//! Pretend game servers on addresses of their own register and answer questions; 16 sockets ask for the
//! list again and again, each as soon as it has the last one to its mark. In the same rounds a bare loop
//! sends the same datagrams from memory to whoever asks: no program with one blocking socket does less. The
//! door has a desk and no tracker: nothing of that is asked for a list.
//!
//! - *bytes, datagrams*: one list. A question has 32 bytes.
//! - *lists/s*, *CPU*: of the door and of the bare loop, medians of the rounds; CPU time of the process for
//!   a list, and the kernel's share of it.
//! - *÷ dpmaster*: to what dpmaster 2.2 took on a machine of this kind, asked by as many sockets.
//!
//! `cargo bench --bench bridge` takes three minutes. Give the shell `ulimit -n 24000` first.
//! `-- --everywhere` has the door listen on all addresses of both families, as it does by itself.

mod clients;
mod door;
mod fleet;
#[allow(dead_code, reason = "every bench uses a part of it")]
#[path = "../support/mod.rs"]
mod support;

use clients::Clients;
use door::{Kind, Peer};
use fleet::Fleet;
use std::process::ExitCode;
use std::time::Duration;
use support::process::open_files;
use support::report::median;
use support::run::{Length, Result, shortage};

/// Servers, and what dpmaster took for a list: µs of CPU time, and lists a second.
const DPMASTER: [(usize, f64, f64); 3] = [
    (100, 10.0, 98_137.0),
    (1_000, 48.7, 20_433.0),
    (4_000, 165.7, 6_021.0),
];

/// Descriptors that are not game servers.
const SPARE: usize = 100;

/// Heartbeats a second.
const HEARTBEATS: u32 = 1_000;

fn main() -> ExitCode {
    support::run::main(|length| {
        door::run_if_asked()?;
        match length {
            Length::Full => run(
                &DPMASTER,
                5,
                Duration::from_secs(3),
                Duration::from_secs(60),
            ),
            Length::Quick => run(&DPMASTER, 2, Duration::from_secs(1), Duration::from_secs(3)),
            Length::Smoke => run(
                &[(20, 10.0, 98_137.0)],
                1,
                Duration::from_millis(100),
                Duration::from_millis(300),
            ),
        }
    })
}

fn run(
    sizes: &[(usize, f64, f64)],
    rounds: usize,
    round: Duration,
    heartbeats: Duration,
) -> Result<()> {
    let most = open_files().saturating_sub(SPARE);
    let wanted = sizes.iter().map(|size| size.0).max().unwrap_or_default();
    println!(
        "{}\nLists: {rounds} rounds of {} ms for each, 16 sockets ask\n\n\
         {:>26} | {:^27} | {:^37} | {:^11}\n\
         servers   bytes  datagrams | {:>9} {:>9} {:>7} | {:>7} {:>7} {:>6} {:>14} | {:>5} {:>5}",
        shortage(most, wanted),
        round.as_millis(),
        "",
        "lists/s",
        "CPU of a list, us",
        "÷ dpmaster",
        "door",
        "bare",
        "ratio",
        "door",
        "bare",
        "ratio",
        "of it kernel",
        "rate",
        "CPU",
    );
    for &(size, cpu, rate) in sizes {
        let size = size.min(most);
        let door = Peer::start(Kind::Door, &[])?;
        let mut fleet = Fleet::start(size, door.address)?;
        let list = fleet.register(door.address)?;
        let bare = Peer::start(Kind::Bare, &list)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(sample(&door, size, round)?);
            theirs.push(sample(&bare, size, round)?);
        }
        let middle =
            |samples: &[Sample], value: fn(&Sample) -> f64| median(samples.iter().map(value));
        let (our_rate, their_rate) = (middle(&ours, |s| s.rate), middle(&theirs, |s| s.rate));
        let (our_cpu, their_cpu) = (middle(&ours, |s| s.cpu), middle(&theirs, |s| s.cpu));
        println!(
            "{size:>7} {:>7} {:>10} | {our_rate:>9.0} {their_rate:>9.0} {:>7.2} | \
             {our_cpu:>7.1} {their_cpu:>7.1} {:>6.2} {:>12.0} % | {:>5.2} {:>5.2}",
            list.iter().map(Vec::len).sum::<usize>(),
            list.len(),
            our_rate / their_rate,
            our_cpu / their_cpu,
            100.0 * middle(&ours, |s| s.kernel),
            our_rate / rate,
            our_cpu / cpu,
        );
        if size == wanted.min(most) {
            beside(&mut fleet, &door, size, heartbeats)?;
        }
    }
    Ok(())
}

/// One round.
struct Sample {
    rate: f64,
    /// Microseconds for a list.
    cpu: f64,
    /// The share of the kernel.
    kernel: f64,
}

fn sample(peer: &Peer, size: usize, round: Duration) -> Result<Sample> {
    let before = peer.process.times();
    let outcome = Clients::ask(peer.address, size, round)?;
    let after = peer.process.times();
    let spent = [0, 1].map(|of| after[of].saturating_sub(before[of]).as_secs_f64());
    let total = spent[0] + spent[1];
    if outcome.missing > 0 {
        println!("{} lists did not come, or not all of them", outcome.missing);
    }
    Ok(Sample {
        rate: outcome.lists as f64 / round.as_secs_f64(),
        cpu: total * 1e6 / outcome.lists.max(1) as f64,
        kernel: spent[1] / total,
    })
}

/// Heartbeats alone, and beside clients that ask as fast as they can.
fn beside(fleet: &mut Fleet, door: &Peer, size: usize, length: Duration) -> Result<()> {
    println!("\n{HEARTBEATS} heartbeats a second of {size} game servers");
    for (asks, length) in [(false, length / 6), (true, length)] {
        let (before, beats) = (door.process.times(), fleet.counts());
        fleet.beat(HEARTBEATS);
        let outcome = match asks {
            true => Clients::ask(door.address, size, length)?,
            false => {
                std::thread::sleep(length);
                clients::Outcome::default()
            }
        };
        fleet.beat(0);
        let (after, now) = (door.process.times(), fleet.counts());
        let spent: Duration = (0..2).map(|of| after[of].saturating_sub(before[of])).sum();
        let (sent, answers) = (
            now.heartbeats - beats.heartbeats,
            now.answers - beats.answers,
        );
        let what = match asks {
            false => {
                let each = spent.as_secs_f64() * 1e6 / answers.max(1) as f64;
                format!("{each:.1} us of CPU time for each that was asked and answered")
            }
            true => {
                let rate = outcome.lists as f64 / length.as_secs_f64();
                format!(
                    "beside {rate:.0} lists/s, of which {} lacked somebody",
                    outcome.missing
                )
            }
        };
        let length = length.as_secs_f64().round();
        println!("  for {length} s: {sent} sent, {answers} questions answered, {what}");
    }
    Ok(())
}
