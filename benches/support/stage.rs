//! A tracker and its game servers, which change one after the other, and when that was told.

use super::audience::{Audience, Batch};
use super::fleet::Fleet;
use super::load::{PATIENCE, fetch_list};
use super::replica::{End, Replica};
use super::run::Result;
use super::tracker::{Slots, Tracker};
use gltracker::protocol::revision::Revision;
use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// The port of the first game server of the sample.
const FIRST_PORT: usize = 10_000;

/// A watcher that was sent something is sent nothing more for so long.
const BATCH_GAP: Duration = Duration::from_millis(100);

/// A tracker, and game servers that are on its list.
pub(crate) struct Stage {
    pub(crate) tracker: Tracker,
    pub(crate) fleet: Fleet,
    /// Who changes next.
    next: usize,
    /// How many changes were made.
    changes: u64,
}

/// A game server has said that it has so many players now.
pub(crate) struct Change {
    number: usize,
    players: usize,
    /// Just before it said so.
    at: Instant,
}

impl Stage {
    pub(crate) fn start(slots: Slots, game_servers: usize) -> Result<Self> {
        let tracker = Tracker::start(slots)?;
        let mut fleet = Fleet::new(tracker.servers);
        fleet.grow(game_servers)?;
        Ok(Self {
            tracker,
            fleet,
            next: 0,
            changes: 0,
        })
    }

    /// The list as it is now, as it was answered and as a client keeps it, and its revision.
    pub(crate) fn list(&self) -> Result<(Vec<u8>, Replica, Revision)> {
        let list = fetch_list(self.tracker.clients)?;
        let mut replica = Replica::default();
        replica.apply(&list)?;
        let revision = replica.revision().ok_or("the list was not answered")?;
        Ok((list, replica, revision))
    }

    /// So many clients that have the list of `revision`, which is the newest, and watch from there.
    pub(crate) fn watchers(&self, count: usize, revision: Revision) -> Result<Audience> {
        let question = format!("WATCH since={revision}\n");
        let end = End {
            count: 0,
            revision,
            since: Some(revision),
        };
        let mut answer = vec![0; format!("END count=0 rev={revision} since={revision}\n").len()];
        let mut watch = || {
            let stream = TcpStream::connect(self.tracker.clients)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            (&stream).write_all(question.as_bytes())?;
            (&stream).read_exact(&mut answer)?;
            match End::parse(&answer) == Some(end) {
                true => Ok(stream),
                false => Err(answer.escape_ascii().to_string().into()),
            }
        };
        let streams = (0..count).map(|_| watch()).collect::<Result<_>>()?;
        thread::sleep(BATCH_GAP);
        Audience::new(streams, revision)
    }

    /// Lets the next game server change.
    pub(crate) fn change(&mut self) -> Result<Change> {
        let number = self.next;
        self.next = (number + 1) % self.fleet.size();
        // What it was answered the last time.
        self.fleet.game_servers()[number].listen();
        let at = Instant::now();
        let players = self.fleet.game_servers()[number].update()?;
        self.changes += 1;
        Ok(Change {
            number,
            players,
            at,
        })
    }

    /// Waits until the list shows all that was said.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let oks = self.changes;
        self.fleet.await_until(|seen| seen.oks >= oks)
    }

    /// Lets `count` of them change at an even pace.
    pub(crate) fn change_many(&mut self, count: u32, per_second: u32) -> Result<Vec<Change>> {
        let pause = Duration::from_secs(1) / per_second;
        let start = Instant::now();
        let changes = (0..count).map(|done| {
            sleep_until(start + pause * done);
            self.change()
        });
        changes.collect()
    }
}

/// Sleeps until then, or not at all.
pub(crate) fn sleep_until(then: Instant) {
    thread::sleep(then.saturating_duration_since(Instant::now()));
}

/// How long each of `changes` took until the last of `watchers` had the batch with it, in ms.
pub(crate) fn latencies(changes: &[Change], watchers: &Audience) -> Result<Vec<f64>> {
    let mut untold: HashMap<usize, VecDeque<&Change>> = HashMap::new();
    for change in changes {
        untold.entry(change.number).or_default().push_back(change);
    }
    let arrivals = watchers.arrivals();
    let mut latencies = Vec::with_capacity(changes.len());
    for batch in watchers.script() {
        let arrival = arrivals.iter().find(|one| one.revision == batch.revision);
        let last = arrival.ok_or("a batch that nobody had")?.last;
        for (number, players) in said(&batch)? {
            let untold = untold.get_mut(&number).ok_or("nobody has said that")?;
            // Those that were overtaken by this one are not told of by themselves.
            while let Some(change) = untold.pop_front() {
                latencies.push((last - change.at).as_secs_f64() * 1e3);
                if change.players == players {
                    break;
                }
            }
        }
    }
    let (told, said) = (latencies.len(), changes.len());
    match told == said {
        true => Ok(latencies),
        false => Err(format!("{told} of {said} changes were told").into()),
    }
}

/// How many players which game servers have, as a batch says.
fn said(batch: &Batch<'_>) -> Result<Vec<(usize, usize)>> {
    let lines = std::str::from_utf8(batch.text)?.lines();
    let said = lines.filter_map(|line| {
        let number = |key: &str| {
            let value = line.split(' ').find_map(|word| word.strip_prefix(key))?;
            value.parse::<usize>().ok()
        };
        let number_of_server = number("port=")?.checked_sub(FIRST_PORT)?;
        Some((number_of_server, number("nbplayers=")?))
    });
    Ok(said.collect())
}
