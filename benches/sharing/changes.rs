//! Game servers that change in turn, and when a watcher of each tracker was told.

use crate::group::Group;
use crate::support::fleet::Fleet;
use crate::support::run::Result;
use gltracker::protocol::line::MAX_LINE;
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Pause between two looks at what is due.
const TICK: Duration = Duration::from_millis(1);

/// The port of the game server with number 0.
const FIRST_PORT: usize = 10_000;

/// Game servers of a tracker that answer in a tick. They have 15 s to.
const SOME: usize = 2;

/// One in so many changes is of the map too.
const MAPS: usize = 10;

/// Nothing is told any more after so long.
const LAST_WORD: Duration = Duration::from_millis(1_500);

/// A game server has said that it has so many players now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) port: usize,
    pub(crate) players: usize,
    /// The place of its tracker.
    pub(crate) tracker: usize,
    /// Just before it said so.
    pub(crate) at: Instant,
}

/// Lets the game servers of the first `trackers` change in turn, so many in a second of all, while
/// `goes_on`. Returns when all have been answered.
pub(crate) fn change(
    group: &mut Group,
    trackers: usize,
    per_second: u32,
    goes_on: impl Fn() -> bool,
) -> Result<Vec<Change>> {
    let fleets = &mut group.fleets;
    let before: Vec<u64> = oks(fleets);
    let mut changes = Vec::new();
    let (start, mut tick) = (Instant::now(), 0);
    while goes_on() {
        let due = start.elapsed().as_secs_f64() * f64::from(per_second);
        while changes.len() < due as usize {
            let tracker = changes.len() % trackers;
            let turn = group.changes;
            let number = turn / trackers % fleets[tracker].size();
            changes.push(change_one(&mut fleets[tracker], tracker, number, turn)?);
            group.changes += 1;
        }
        fleets.iter_mut().for_each(|fleet| answer(fleet, tick));
        tick += 1;
        thread::sleep(TICK);
    }
    for (tracker, fleet) in fleets.iter_mut().enumerate() {
        let own = changes.iter().filter(|one| one.tracker == tracker).count();
        fleet.await_until(|seen| seen.oks >= before[tracker] + own as u64)?;
    }
    Ok(changes)
}

/// Lets a few answer what they are asked, others in each tick, so that all have a turn in seconds.
fn answer(fleet: &mut Fleet, tick: usize) {
    let size = fleet.size();
    let some = (0..SOME.min(size)).map(|place| (tick * SOME + place) % size);
    for number in some {
        fleet.game_servers()[number].listen();
    }
}

fn oks(fleets: &mut [Fleet]) -> Vec<u64> {
    let each = fleets.iter_mut();
    each.map(|fleet| fleet.listen_to_all().oks).collect()
}

fn change_one(fleet: &mut Fleet, tracker: usize, number: usize, turn: usize) -> Result<Change> {
    let port = FIRST_PORT + fleet.first() + number;
    let game_server = &mut fleet.game_servers()[number];
    // What it was answered the last time.
    game_server.listen();
    let map = match turn % MAPS {
        0 => format!(" map=arena{}", turn / MAPS % 100),
        _ => String::new(),
    };
    let at = Instant::now();
    let players = game_server.update_with(&map)?;
    Ok(Change {
        port,
        players,
        tracker,
        at,
    })
}

/// A client that watches one tracker, in a thread.
pub(crate) struct Watcher {
    stream: TcpStream,
    thread: JoinHandle<Result<Vec<Told>>>,
}

/// It was told that so many players are there now.
struct Told {
    port: usize,
    players: usize,
    at: Instant,
}

impl Watcher {
    /// Starts one, which has the list already.
    pub(crate) fn start(clients: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(clients)?;
        (&stream).write_all(b"WATCH\n")?;
        let mut reader = BufReader::with_capacity(64 * MAX_LINE, stream.try_clone()?);
        let mut line = String::new();
        while !line.starts_with("END ") {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err("a watcher was told no list".into());
            }
        }
        let thread = thread::spawn(move || listen(reader));
        Ok(Self { stream, thread })
    }

    fn stop(self) -> Result<Vec<Told>> {
        self.stream.shutdown(Shutdown::Both)?;
        self.thread.join().expect("a watcher does not panic")
    }
}

fn listen(mut reader: BufReader<TcpStream>) -> Result<Vec<Told>> {
    let (mut told, mut line) = (Vec::new(), String::new());
    loop {
        let is_new = reader.buffer().is_empty();
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(told);
        }
        // All that came in one piece came at that moment.
        let at = match told.last() {
            Some(Told { at, .. }) if !is_new => *at,
            _ => Instant::now(),
        };
        let number = |key: &str| {
            let mut words = line.split_ascii_whitespace();
            words.find_map(|word| word.strip_prefix(key)?.parse().ok())
        };
        if let (Some(port), Some(players)) = (number("port="), number("nbplayers=")) {
            told.push(Told { port, players, at });
        }
    }
}

/// How long changes took until watchers were told, in ms.
#[derive(Debug, Default)]
pub(crate) struct Delays {
    /// By the tracker where the game server is.
    pub(crate) own: Vec<f64>,
    /// By the others.
    pub(crate) other: Vec<f64>,
}

impl Delays {
    /// Those of `changes` to all of `watchers`, one of each tracker; where trackers do not share, each
    /// is told of its own.
    pub(crate) fn of(changes: &[Change], watchers: Vec<Watcher>, share: bool) -> Result<Self> {
        thread::sleep(LAST_WORD);
        let mut delays = Self::default();
        for (tracker, watcher) in watchers.into_iter().enumerate() {
            let own = |change: &&Change| share || change.tracker == tracker;
            delays.add(changes.iter().filter(own), &watcher.stop()?, tracker)?;
        }
        Ok(delays)
    }

    fn add<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Change>,
        told: &[Told],
        tracker: usize,
    ) -> Result<()> {
        let mut untold: HashMap<usize, VecDeque<&Change>> = HashMap::new();
        for change in changes {
            untold.entry(change.port).or_default().push_back(change);
        }
        for told in told {
            let untold = untold.get_mut(&told.port).ok_or("nobody has said that")?;
            // Those that were overtaken by this one are not told of by themselves.
            while let Some(change) = untold.pop_front() {
                let delay = (told.at - change.at).as_secs_f64() * 1e3;
                match change.tracker == tracker {
                    true => self.own.push(delay),
                    false => self.other.push(delay),
                }
                if change.players == told.players {
                    break;
                }
            }
        }
        match untold.values().map(VecDeque::len).sum::<usize>() {
            0 => Ok(()),
            missing => Err(format!("{missing} changes were not told").into()),
        }
    }
}
