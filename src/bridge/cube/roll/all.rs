//! All game servers that have registered: who is taken in, and who is forgotten.

use super::entry::{Act, Entry, REST, State};
use crate::base::backoff::spread;
use crate::bridge::cube::dialect::{Dialect, Registration};
use crate::bridge::cube::pong::{self, Question};
use crate::bridge::desk::Outcome;
use crate::bridge::hall::address::host;
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How long one is asked that neither answers nor registers again. Games register every hour.
const MEMORY: Duration = Duration::from_secs(65 * 60);

/// The most game servers, as the games' own masters have it.
const MOST: usize = 4096;

/// The most game servers of one host.
const MOST_OF_HOST: usize = 10;

/// The lowest port that is asked. What listens below is no game.
const LOWEST_PORT: u16 = 1024;

/// All who have registered.
#[derive(Debug, Default)]
pub struct Roll {
    entries: BTreeMap<SocketAddr, Entry>,
    /// Who may make room until the next tick, the oldest last. `None`: nobody has looked.
    spare: Option<Vec<Rank>>,
}

/// By which those make room who are not listed: the lowest first. New ones are last.
type Rank = (bool, Instant, SocketAddr);

fn rank(address: SocketAddr, entry: &Entry) -> Option<Rank> {
    let is_spare = entry.state != State::Listed;
    is_spare.then_some((entry.state == State::New, entry.forget_at, address))
}

impl Roll {
    /// Takes a registration that came from `peer` on a connection.
    ///
    /// # Errors
    /// Why it is refused, for the operator of the game server.
    pub fn register(
        &mut self,
        peer: IpAddr,
        dialect: Dialect,
        said: Registration,
        connection: u64,
        now: Instant,
    ) -> Result<SocketAddr, String> {
        let address = SocketAddr::new(peer, port_of(&said)?);
        let is_peer = |ip: &String| ip.parse().is_ok_and(|ip: IpAddr| ip.to_canonical() == peer);
        if let Some(other) = said.address.as_ref().filter(|ip| !is_peer(ip)) {
            return Err(format!(
                "server IP '{other}' does not match origin '{peer}', server will not be listed; serve on \
                 the address from which you connect, or on all"
            ));
        }
        self.make_room(address)?;
        let entry = self.enter(address, dialect, now);
        entry.dialect = dialect;
        entry.said = said;
        entry.connections.retain(|id| *id != connection);
        entry.connections.push(connection);
        entry.owes = true;
        entry.told.clear();
        Ok(address)
    }

    /// Enters one that an earlier run has listed, if there is room.
    pub fn remember(&mut self, address: SocketAddr, dialect: Dialect, now: Instant) {
        if self.make_room(address).is_ok() {
            self.enter(address, dialect, now);
        }
    }

    /// An entry that is asked now, unless it owes an answer.
    fn enter(&mut self, address: SocketAddr, dialect: Dialect, now: Instant) -> &mut Entry {
        let entry = self.entries.entry(address).or_insert_with(|| Entry {
            dialect,
            said: Registration::default(),
            connections: Vec::new(),
            state: State::New,
            asked: 0,
            open: [None; 2],
            ask_at: now,
            answered: now,
            forget_at: now,
            owes: false,
            told: String::new(),
        });
        // One that is listed stays so by answers alone.
        if entry.state != State::Listed {
            entry.state = State::New;
            entry.asked = 0;
        }
        if entry.asked == 0 {
            entry.ask_at = now;
        }
        entry.forget_at = now + MEMORY;
        entry
    }

    /// Makes room for a newcomer, at the cost of one that is not listed.
    fn make_room(&mut self, address: SocketAddr) -> Result<(), String> {
        if self.entries.contains_key(&address) {
            return Ok(());
        }
        let of_host: Vec<_> = self.of_host(address.ip()).collect();
        let (victim, why) = match of_host.len() {
            count if count >= MOST_OF_HOST => (
                of_host.iter().filter_map(|(at, one)| rank(**at, one)).min(),
                format!(
                    "too many servers on ip {}: {count} are listed",
                    address.ip()
                ),
            ),
            _ if self.entries.len() >= MOST => (
                self.oldest(),
                format!("too many servers: {MOST} are listed"),
            ),
            _ => return Ok(()),
        };
        let (_, _, victim) = victim.ok_or(why)?;
        self.entries.remove(&victim);
        Ok(())
    }

    /// Those of the same host. They stand beside each other.
    fn of_host(&self, ip: IpAddr) -> impl Iterator<Item = (&SocketAddr, &Entry)> {
        let all = self.entries.range(SocketAddr::new(host(ip), 0)..);
        all.take_while(move |(other, _)| host(other.ip()) == host(ip))
    }

    /// The oldest that is not listed. All are looked at for that once between two ticks.
    fn oldest(&mut self) -> Option<Rank> {
        let entries = &self.entries;
        let spare = self.spare.get_or_insert_with(|| {
            let all = entries.iter().filter_map(|(at, one)| rank(*at, one));
            let mut all: Vec<_> = all.collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            all
        });
        std::iter::from_fn(|| spare.pop()).find(|one| {
            let entry = entries.get(&one.2);
            entry.and_then(|entry| rank(one.2, entry)) == Some(*one)
        })
    }

    /// Connections were closed, by whomever; the numbers stand in order. A server of Red Eclipse is listed
    /// only while one is open that has registered it; others are asked whether they are still there.
    pub fn on_closed(&mut self, connections: &[u64], now: Instant, out: &mut Vec<Act>) {
        self.entries.retain(|address, entry| {
            let before = entry.connections.len();
            let is_open = |id: &u64| connections.binary_search(id).is_err();
            entry.connections.retain(is_open);
            if entry.connections.len() == before {
                return true;
            }
            if entry.asked == 0 {
                entry.ask_at = now;
            }
            let is_over = entry.dialect == Dialect::RedEclipse && entry.connections.is_empty();
            if is_over && entry.state == State::Listed {
                out.push(Act::Unlist(*address, "its connection is closed"));
            }
            !is_over
        });
    }

    /// Takes a datagram. One is a sign of life if it comes from where a question went, and begins with it.
    pub fn on_datagram(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        chance: f64,
        out: &mut Vec<Act>,
    ) -> bool {
        let address = from
            .port()
            .checked_sub(1)
            .map(|port| (from.ip(), port).into());
        let Some((address, entry, answer)) = address.and_then(|address| {
            let entry = self.entries.get_mut(&address)?;
            let answer = entry.answer(datagram)?;
            Some((address, entry, answer))
        }) else {
            return false;
        };
        entry.state = State::Listed;
        entry.asked = 0;
        entry.answered = now;
        entry.ask_at = now + spread(REST, 0.9..1.1, chance);
        entry.forget_at = now + MEMORY;
        let mut status = pong::read(entry.dialect, answer).unwrap_or_default();
        status.name = status.name.or(entry.said.description.clone());
        status.version = status.version.or(entry.said.version.clone());
        out.push(Act::List(address, entry.dialect, Box::new(status)));
        true
    }

    /// Does what is due. `number` makes random numbers; `outcome` says what the tracker has made of a game
    /// server that is listed.
    pub fn tick(
        &mut self,
        now: Instant,
        mut number: impl FnMut() -> u32,
        outcome: impl Fn(SocketAddr) -> Option<Outcome>,
        out: &mut Vec<Act>,
    ) {
        self.spare = None;
        self.entries.retain(|address, entry| {
            let has_answered = entry.asked == 0 && now < entry.ask_at;
            if entry.owes && entry.state == State::Listed && has_answered {
                entry.report(*address, outcome(*address), now, out);
            }
            if now >= entry.ask_at {
                entry.ask(*address, Question::new(number()), now, out);
            }
            entry.state == State::Listed || now < entry.forget_at
        });
    }

    /// The connections of those who are listed: of each the oldest, so that no host keeps more than it has
    /// game servers.
    pub fn listed_connections(&self) -> HashSet<u64> {
        let all = self.entries.values();
        all.filter(|entry| entry.state == State::Listed)
            .filter_map(|entry| entry.connections.iter().min().copied())
            .collect()
    }
}

/// The port of the game, if the one above it may be asked.
fn port_of(said: &Registration) -> Result<u16, String> {
    let port = said.port.parse().ok();
    port.filter(|port| (LOWEST_PORT..u16::MAX).contains(port))
        .ok_or_else(|| {
            format!(
                "invalid port '{}': a number from {LOWEST_PORT} to 65534",
                said.port
            )
        })
}

#[cfg(test)]
mod tests;
