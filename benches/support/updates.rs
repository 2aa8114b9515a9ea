//! What game servers say while they are on the list: that they have a player more.
//!
//! The load is to leave as much of the machine as it can to those that are measured: a few threads
//! wake up a thousand times a second, send what is due since, and read four answers of a game
//! server at a time. There are a few of them, since one has no more than its share of the
//! processors when there are many clients, and would fall behind.

use super::fleet::{Fleet, GameServer};
use super::run::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Pause between two looks at what is due.
const TICK: Duration = Duration::from_millis(1);

/// Threads, each with a part of the game servers.
const SENDERS: usize = 4;

/// How many answers of a game server are left to be read together.
const READ_EVERY: usize = 4;

/// Updates at a fixed rate, by all game servers of a fleet in turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Updates {
    pub(crate) per_second: u32,
}

/// What was sent, all of it answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(crate) updates: u64,
    /// Without the wait for the last answers.
    pub(crate) took: Duration,
}

impl Sent {
    /// Updates a second.
    pub(crate) fn rate(self) -> f64 {
        self.updates as f64 / self.took.as_secs_f64()
    }
}

impl Updates {
    /// Lets `fleet` send until `stop`, and returns when every update has been answered.
    pub(crate) fn send_until(self, stop: &AtomicBool, fleet: &mut Fleet) -> Result<Sent> {
        let answers = fleet.listen_to_all().answers;
        let size = fleet.size();
        let start = Instant::now();
        let parts = fleet.game_servers().chunks_mut(size.div_ceil(SENDERS));
        let sent = thread::scope(|scope| -> Result<Vec<u64>> {
            let spawn = |part| {
                let part: &mut [GameServer] = part;
                let share = part.len() as f64 / size as f64;
                let per_second = f64::from(self.per_second) * share;
                scope.spawn(move || send(per_second, stop, part))
            };
            let senders: Vec<_> = parts.map(spawn).collect();
            let join = |sender: thread::ScopedJoinHandle<'_, _>| -> Result<u64> {
                sender.join().expect("updates do not panic")
            };
            senders.into_iter().map(join).collect()
        })?;
        let took = start.elapsed();
        let updates = sent.iter().sum();
        fleet.await_until(|seen| seen.answers >= answers + updates)?;
        Ok(Sent { updates, took })
    }
}

/// Lets these game servers send in turn, so many times a second, and returns how often they did.
fn send(per_second: f64, stop: &AtomicBool, game_servers: &mut [GameServer]) -> Result<u64> {
    let start = Instant::now();
    let mut updates = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = start.elapsed().as_secs_f64() * per_second;
        while updates < due as usize {
            let turn = updates / game_servers.len();
            let game_server = &mut game_servers[updates % game_servers.len()];
            if turn % READ_EVERY == READ_EVERY - 1 {
                game_server.listen();
            }
            game_server.update()?;
            updates += 1;
        }
        thread::sleep(TICK);
    }
    Ok(updates as u64)
}
