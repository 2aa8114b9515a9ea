//! Polling what has changed beside polling all there is: `LIST since=` and `LIST`.
//!
//! ```text
//! ulimit -n 20000
//! cargo bench --bench delta               10,000 game servers, 1,000 pollers, in a minute
//! cargo bench --bench delta -- --quick    1,000 game servers, 100 pollers, under 20 seconds
//! ```
//!
//! Each poller asks once in an interval, and in each interval one in a hundred of the game servers
//! changes. A client that polls every 5 s sees an interval in 5 s; here one follows the other at
//! once, and the pollers ask one after the other, with the changes spread evenly between them. So
//! everybody finds that one in a hundred has changed since it asked last, and nothing of what is
//! measured depends on how long an interval is.
//!
//! Pollers ask in two ways, for all and with `since=`, and either on a new connection each time
//! with `QUIT` in the same write, or on a connection that they keep. The four take turns.
//!
//! What to look at: how much of the bytes and of the CPU time of whole lists `since=` takes. Bytes
//! are those of the answers, of CPU time that of the tracker, in ticks of 10 ms over all rounds
//! together; the INFOS of what changes are in it, which are few. In brackets is the lowest and
//! highest of the rounds.
//!
//! One poller in a hundred keeps the list by what it is told, and compares it with the whole list
//! after each turn. Every answer must say the revision that was asked from; otherwise the bench
//! fails.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

#[allow(dead_code, reason = "every bench uses a part of it")]
mod support;
use gltracker::protocol::revision::Revision;
use support::load::PATIENCE;
use support::process::open_files;
use support::replica::{End, Replica};
use support::report::spread;
use support::run::{Result, shortage};
use support::stage::Stage;
use support::tracker::Slots;
use support::turns::take_turns;

/// Open files of this program that are no connections, with some to spare.
const OTHER_FILES: usize = 64;

/// One poller in so many keeps the list.
const SAMPLE: usize = 100;

/// One game server in so many changes in an interval.
const CHANGING: usize = 100;

/// What is read at once.
const BUFFER: usize = 256 * 1024;

/// What a tracker answers to QUIT.
const BYE: &[u8] = b"OK bye\n";

/// What is measured.
struct Plan {
    game_servers: usize,
    pollers: usize,
    /// Turns of each way to poll.
    rounds: usize,
    /// Intervals of a turn.
    intervals: usize,
}

const FULL: Plan = Plan {
    game_servers: 10_000,
    pollers: 1_000,
    rounds: 5,
    intervals: 2,
};

const QUICK: Plan = Plan {
    game_servers: 1_000,
    pollers: 100,
    rounds: 3,
    intervals: 5,
};

const SMOKE: Plan = Plan {
    game_servers: 100,
    pollers: 5,
    rounds: 1,
    intervals: 1,
};

/// How a poller asks.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    /// On the connection that it keeps.
    holds: bool,
    /// Only for what has changed.
    since: bool,
}

/// Whole lists before the same with `since=`.
const WAYS: [Way; 4] = [
    Way {
        name: "LIST, QUIT on a new connection",
        holds: false,
        since: false,
    },
    Way {
        name: "LIST since=, QUIT on a new connection",
        holds: false,
        since: true,
    },
    Way {
        name: "LIST on a held connection",
        holds: true,
        since: false,
    },
    Way {
        name: "LIST since= on a held connection",
        holds: true,
        since: true,
    },
];

/// What came of a turn.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    polls: usize,
    bytes: usize,
    cpu: Duration,
}

fn main() -> ExitCode {
    support::run::main(|length| run(length.of(&FULL, &QUICK, &SMOKE)))
}

fn run(plan: &Plan) -> Result<()> {
    let files = open_files();
    // Some are there for those who keep no connection.
    let slots = Slots::for_listed(0).and_clients(plan.pollers + OTHER_FILES);
    let here = files.saturating_sub(plan.pollers + OTHER_FILES);
    let most = slots.most_more(plan.game_servers, files).min(here.max(1));
    let warning = shortage(most, plan.game_servers);
    print!("{warning}");
    let slots = Slots::for_listed(most).and_clients(plan.pollers + OTHER_FILES);
    let mut stage = Stage::start(slots, most)?;
    let changes = (most / CHANGING).max(1);
    println!(
        "\nPolling: {most} game servers, of which {changes} change in an interval, {} pollers; {} \
         rounds of {} intervals for each\n",
        plan.pollers, plan.rounds, plan.intervals
    );
    let rounds = take_turns(plan.rounds, &WAYS, |way| {
        take_turn(plan, &mut stage, way, changes)
    })?;
    print!("{}{warning}", table(plan.pollers, &rounds));
    Ok(())
}

/// All intervals of a turn.
fn take_turn(plan: &Plan, stage: &mut Stage, way: Way, changes: usize) -> Result<Turn> {
    let pollers = (0..plan.pollers).map(|_| Poller::new(stage.tracker.clients, way));
    let mut pollers: Vec<Poller> = pollers.collect::<Result<_>>()?;
    let mut turn = Turn::default();
    // Those who know nothing yet are told all, which is not what is measured.
    if way.since {
        poll(stage, &mut pollers, way, changes)?;
    }
    for _ in 0..plan.intervals {
        // Nothing that game servers say but changes is to fall into an interval.
        stage.fleet.check_in()?;
        let before = stage.tracker.process.cpu();
        turn.bytes += poll(stage, &mut pollers, way, changes)?;
        turn.cpu += stage.tracker.process.cpu().saturating_sub(before);
        turn.polls += pollers.len();
    }
    stage.settle()?;
    let (list, ..) = stage.list()?;
    for poller in pollers.iter_mut().step_by(SAMPLE) {
        poller.ask_and_keep(way, &mut Vec::new())?;
        poller.replica.must_be(&list)?;
    }
    Ok(turn)
}

/// One interval: every poller asks once, and changes are spread over it. Returns how many bytes
/// came.
fn poll(stage: &mut Stage, pollers: &mut [Poller], way: Way, changes: usize) -> Result<usize> {
    let mut answer = Vec::new();
    let (mut bytes, mut changed) = (0, 0);
    let count = pollers.len();
    for (number, poller) in pollers.iter_mut().enumerate() {
        while changed * count < (number + 1) * changes {
            stage.change()?;
            changed += 1;
        }
        bytes += match number % SAMPLE {
            0 => poller.ask_and_keep(way, &mut answer)?,
            _ => poller.ask(way, &mut answer)?,
        };
    }
    Ok(bytes)
}

/// A client that asks again and again.
struct Poller {
    tracker: SocketAddr,
    held: Option<TcpStream>,
    revision: Option<Revision>,
    /// The list, if it keeps one.
    replica: Replica,
}

impl Poller {
    fn new(tracker: SocketAddr, way: Way) -> Result<Self> {
        let held = way.holds.then(|| connect(tracker)).transpose()?;
        if let Some(held) = &held {
            // Who has said nothing yet is given little time when there are many.
            (&*held).write_all(b"PING\n")?;
            let mut answer = [0; 5];
            (&*held).read_exact(&mut answer)?;
        }
        Ok(Self {
            tracker,
            held,
            revision: None,
            replica: Replica::default(),
        })
    }

    /// Asks, leaves the lines of the answer in `answer`, and returns how many bytes came. What came
    /// must lead on from what it has.
    fn ask(&mut self, way: Way, answer: &mut Vec<u8>) -> Result<usize> {
        let mut question = match self.revision.filter(|_| way.since) {
            Some(revision) => format!("LIST since={revision}\n"),
            None => "LIST\n".to_owned(),
        };
        answer.clear();
        let bytes = match &self.held {
            Some(held) => {
                (&*held).write_all(question.as_bytes())?;
                while last_line(answer).is_none_or(|line| End::parse(line).is_none()) {
                    if receive(held, answer)? == 0 {
                        return Err("the tracker has hung up".into());
                    }
                }
                answer.len()
            }
            None => {
                let stream = connect(self.tracker)?;
                question += "QUIT\n";
                (&stream).write_all(question.as_bytes())?;
                while receive(&stream, answer)? > 0 {}
                let bytes = answer.len();
                if !answer.ends_with(BYE) {
                    return Err(format!("{bytes} bytes, not to the end").into());
                }
                answer.truncate(bytes - BYE.len());
                bytes
            }
        };
        let end = last_line(answer).and_then(End::parse);
        let end = end.ok_or("an answer without END")?;
        if end.since != self.revision.filter(|_| way.since) {
            return Err(format!("{question:?} was answered {end:?}").into());
        }
        self.revision = Some(end.revision);
        Ok(bytes)
    }

    /// Asks, and keeps the list.
    fn ask_and_keep(&mut self, way: Way, answer: &mut Vec<u8>) -> Result<usize> {
        let bytes = self.ask(way, answer)?;
        self.replica.apply(answer)?;
        Ok(bytes)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads what comes next behind what is in `answer`, and returns how much that is.
fn receive(mut stream: &TcpStream, answer: &mut Vec<u8>) -> Result<usize> {
    let size = answer.len();
    answer.resize(size + BUFFER, 0);
    let count = stream.read(&mut answer[size..]);
    answer.truncate(size + *count.as_ref().unwrap_or(&0));
    Ok(count?)
}

/// The last line, if it is whole.
fn last_line(answer: &[u8]) -> Option<&[u8]> {
    let lines = answer.strip_suffix(b"\n")?;
    lines.rsplit(|&byte| byte == b'\n').next()
}

const HEADER: &str = "\
every poller asks once with            |              bytes               |         CPU time of the tracker
                                       |     a poll part of whole lists   |  us/poll s for all part of whole lists
";

/// The figures of each way, and how much of those of whole lists they are.
fn table(pollers: usize, rounds: &[Vec<Turn>]) -> String {
    let mut table = HEADER.to_owned();
    for (which, way) in WAYS.iter().enumerate() {
        let whole = which - usize::from(way.since);
        let sum = |which: usize, figure: fn(&Turn) -> f64| -> f64 {
            rounds.iter().map(|round| figure(&round[which])).sum()
        };
        let part = |figure: fn(&Turn) -> f64| {
            if !way.since {
                return String::new();
            }
            let each = rounds.iter();
            let (low, high) =
                spread(each.map(|round| figure(&round[which]) / figure(&round[whole])));
            format!(
                "{:.3} ({low:.3} to {high:.3})",
                sum(which, figure) / sum(whole, figure)
            )
        };
        let polls = sum(which, |turn| turn.polls as f64);
        let bytes: fn(&Turn) -> f64 = |turn| turn.bytes as f64;
        let cpu: fn(&Turn) -> f64 = |turn| turn.cpu.as_secs_f64();
        let seconds = sum(which, cpu) / polls;
        table += &format!(
            "{:<38} | {:>10.0} {:<21} | {:>8.0} {:>9.3} {}\n",
            way.name,
            sum(which, bytes) / polls,
            part(bytes),
            seconds * 1e6,
            seconds * pollers as f64,
            part(cpu),
        );
    }
    table
}
