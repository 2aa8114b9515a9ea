//! What a player waits for: pings of many game servers, and the browser's screen.
//!
//! ```text
//! cargo bench --bench browse               2,000 game servers, in seconds
//! cargo bench --bench browse -- --quick    500 of them
//! ```
//!
//! Pings: all game servers are UDP sockets of this program that answer at once, five probes each,
//! 200 game servers at a time (a player's default is 20). Beside it stands a bare loop that sends
//! the same number of datagrams to the same sockets and reads each answer before it goes on. The
//! sockets are looked at in turn, so that an answer takes as long as a look at all of them: the
//! ratio is what probing many at a time saves.
//!
//! Pings of a mixed list: as many, a third of each kind of existing game. Those that are asked by TCP
//! share four sockets that listen, at addresses of their own (127.1.x.y, which Linux has). The ratio is to
//! the list on which all are asked with `PING`.
//!
//! Screen: every game server has another ping than before; then rows are brought into order and 24
//! lines are drawn, as the browser does it for whatever has come since the last time. Beside it
//! stands the least that any browser does: sorting as many numbers.

use gltracker::client::browse::favourites::Favourites;
use gltracker::client::browse::model::{Event, Listed, Model};
use gltracker::client::browse::view::draw;
use gltracker::client::ping::{Limits, Ping, Pinger, Target};
use gltracker::protocol::fields::{Changes, Infos};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use support::games::Games;
use support::run::{Length, Result};
use support::sample;

/// Game servers that are measured at the same time.
const IN_FLIGHT: usize = 200;

/// Times that the screen is drawn; the median counts.
const TURNS: u32 = 51;

fn main() -> ExitCode {
    support::run::main(run)
}

fn run(length: Length) -> Result<()> {
    let count = length.of(2_000, 500, 20);
    pings(count)?;
    screen(count)
}

fn pings(count: usize) -> Result<()> {
    let games = Games::start(count, 0)?;
    let (first, all, lost) = measure(&games.targets)?;
    let bare = one_after_the_other(&games.targets, Limits::default().probes)?;
    drop(games);
    println!(
        "\npings of {count} game servers: the first after {:.1} ms, all after {:.0} ms, {lost} lost; \
         one after the other {:.0} ms; ratio {:.2}",
        milliseconds(first),
        milliseconds(all),
        milliseconds(bare),
        all.as_secs_f64() / bare.as_secs_f64()
    );
    let games = Games::start(count, count / 3)?;
    let (first, mixed, lost) = measure(&games.targets)?;
    println!(
        "pings of a mixed list of as many: the first after {:.1} ms, all after {:.0} ms, {lost} lost; \
         ratio {:.2}",
        milliseconds(first),
        milliseconds(mixed),
        mixed.as_secs_f64() / all.as_secs_f64()
    );
    Ok(())
}

/// Pings them all: when the first was measured, when the last, and how many probes were lost.
fn measure(targets: &[Target]) -> Result<(Duration, Duration, u32)> {
    let limits = Limits {
        in_flight: IN_FLIGHT,
        ..Limits::default()
    };
    let start = Instant::now();
    let (results, received) = channel();
    let pinger = Pinger::start(limits, move |ping| {
        // Whoever wanted it may be gone.
        let _ = results.send(ping);
    })?;
    targets.iter().for_each(|target| pinger.ping(*target));
    let mut pings = vec![received.recv()?];
    let first = start.elapsed();
    pinger.finish();
    pings.extend(received.iter());
    let all = start.elapsed();
    let lost = pings.iter().map(|ping| ping.sent - ping.answered).sum();
    match pings.len() == targets.len() {
        true => Ok((first, all, lost)),
        false => Err(format!("{} of {} were measured", pings.len(), targets.len()).into()),
    }
}

/// How long as many probes take in a bare loop.
fn one_after_the_other(targets: &[Target], probes: u32) -> Result<Duration> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = [0; 64];
    let start = Instant::now();
    for _ in 0..probes {
        for target in targets {
            socket.send_to(b"PING 5f1c9a3e77b04d21", target.address)?;
            socket.recv_from(&mut buffer)?;
        }
    }
    Ok(start.elapsed())
}

fn screen(count: usize) -> Result<()> {
    let now = Instant::now();
    let mut model = Model::new("tracker.example".into(), None, Favourites::default());
    let entry = |number: usize| -> Result<Listed> {
        let fields = sample::fields(number);
        let changes = Changes::parse(&fields)?;
        let address = SocketAddr::from(([198, 51, 100, 7], 10_000 + number as u16));
        Ok((address, Infos::default().with(&changes), None))
    };
    let list = (0..count).map(entry).collect::<Result<Vec<_>>>()?;
    let addresses: Vec<SocketAddr> = list.iter().map(|listed| listed.0).collect();
    model.on_event(Event::List(list), now);
    let (mut drawn, mut sorted) = (Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        // As good as chance, and the same in every run.
        let mean = |number: usize| {
            Duration::from_micros((number as u64 * 7919 * u64::from(turn)) % 300_000)
        };
        for (number, address) in addresses.iter().enumerate() {
            let ping = Ping {
                target: Target::from(*address),
                mean: Some(mean(number)),
                sent: 5,
                answered: 5,
                is_late: false,
                status: None,
            };
            model.on_event(Event::Ping(ping), now);
        }
        let start = Instant::now();
        model.settle();
        let lines = draw(&model, now).len();
        drawn.push(start.elapsed());
        assert_eq!(lines, 24, "the screen is full");
        let mut numbers: Vec<Duration> = (0..count).map(mean).collect();
        let start = Instant::now();
        numbers.sort();
        sorted.push(start.elapsed());
    }
    let (drawn, sorted) = (median(drawn), median(sorted));
    println!(
        "screen of {count} rows in a new order: {:.2} ms; sorting as many numbers {:.3} ms; ratio {:.0}",
        milliseconds(drawn),
        milliseconds(sorted),
        drawn.as_secs_f64() / sorted.as_secs_f64()
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
