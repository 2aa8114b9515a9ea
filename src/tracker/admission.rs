//! Who may hold a slot.
//!
//! This file hides whom to refuse and whom to drop when slots run out. With `c` slots of a class,
//! `K` groups of an attacker and `H` groups of honest peers with one connection each, a full class
//! and the newcomer are `c + 1` connections: as long as `K + H <= c`, two of them share a group,
//! and those are the attacker's. So who has one connection always gets in and is never dropped,
//! however fast the others come. Pure decisions: no socket, no thread, no clock.

use super::credentials::Credential;
use super::network::Network;
use super::penalties::{Penalties, Rate};
use super::registry::ConnectionId;
use super::slots::{Class, Limits};
use crate::protocol::message::{ErrorCode, Refusal};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// When everybody has one connection, the oldest is dropped for a newcomer if it is older.
pub const FAIR_TURN: Duration = Duration::from_millis(250);

/// Connections of one host to the game-server port: so many a second, so many at once.
pub const GAME_SERVER_RATE: (u32, u32) = (2, 16);

/// Connections of one host to the client port: so many a second, so many at once.
pub const CLIENT_RATE: (u32, u32) = (50, 100);

/// Microseconds of CPU time that the answers to one host's LISTs may take: so many a second, so many
/// at once. Fifty players behind one address who ask for 10,000 game servers each second take
/// 6,500.
pub const WORK_RATE: (u32, u32) = (20_000, 100_000);

/// Connections of one host in a class while it is not trusted.
pub fn host_cap(class: Class) -> usize {
    match class {
        Class::Pending | Class::Watcher => 4,
        Class::Client => 8,
        // Counted apart, with --per-host.
        Class::Listed => usize::MAX,
    }
}

/// Somebody at the door.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer {
    /// Its connection.
    pub id: ConnectionId,
    /// Where it comes from.
    pub ip: IpAddr,
    /// It comes from a network that the operator trusts.
    pub trusted: bool,
    /// When it came.
    pub now: Instant,
}

/// Why a newcomer is turned away, each with what is there and what may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The host has failed to log in too often; it may come again after this.
    Penalty(Duration),
    /// The host connects too fast.
    TooFast(Class),
    /// The host holds as many connections of this class as one host may.
    HostFull(Class, usize),
    /// The class is full, nobody can be dropped, and the newcomer's group has nobody in it.
    ClassFull(Class, usize),
    /// The class is full, and the newcomer's own group has somebody in it already.
    OwnGroup(Class, usize),
    /// The host has as many game servers on the list as one host may.
    ListedPerHost(usize),
    /// The key has as many game servers on the list as one key may.
    ListedPerKey(usize),
}

impl Denied {
    /// The reason in one word, for logs and counters.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Penalty(_) => "penalty",
            Self::TooFast(_) => "too-fast",
            Self::HostFull(..) => "host-full",
            Self::ClassFull(..) => "class-full",
            Self::OwnGroup(..) => "own-group",
            Self::ListedPerHost(_) => "listed-per-host",
            Self::ListedPerKey(_) => "listed-per-key",
        }
    }

    /// What the peer is told.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Penalty(left) => Refusal::new(
                ErrorCode::TooMany,
                format!(
                    "too many failed logins from your address; wait {} s",
                    left.as_secs() + 1
                ),
            ),
            Self::TooFast(class) => Refusal::new(
                ErrorCode::TooMany,
                format!("your address makes {} connections too fast", class.as_str()),
            ),
            Self::HostFull(class, cap) => Refusal::new(
                ErrorCode::TooMany,
                format!(
                    "one address has at most {cap} {} connections at a time",
                    class.as_str()
                ),
            ),
            Self::ClassFull(class, limit) | Self::OwnGroup(class, limit) => Refusal::new(
                ErrorCode::Busy,
                format!(
                    "all {limit} {} slots are in use, try again soon",
                    class.as_str()
                ),
            ),
            Self::ListedPerHost(cap) => Refusal::new(
                ErrorCode::TooMany,
                format!("one address has at most {cap} game servers on the list"),
            ),
            Self::ListedPerKey(cap) => Refusal::new(
                ErrorCode::TooMany,
                format!("one key has at most {cap} game servers on the list"),
            ),
        }
    }
}

#[derive(Debug)]
struct Member<H> {
    host: Network,
    trusted: bool,
    since: Instant,
    /// What counts against its key while it is listed.
    key: Option<Credential>,
    handle: H,
}

impl<H> Member<H> {
    /// `None` for a trusted one, which shares its group with nobody.
    fn group(&self) -> Option<Network> {
        (!self.trusted).then(|| self.host.group_around())
    }
}

/// The connections of one class.
#[derive(Debug)]
struct Crowd<H> {
    /// Connections are numbered as they come, so these are in order of age.
    members: BTreeMap<ConnectionId, Member<H>>,
    by_host: Tally<Network>,
    by_group: Tally<Network>,
    by_key: Tally<Credential>,
}

/// How many there are of each.
#[derive(Debug)]
struct Tally<K>(HashMap<K, usize>);

impl<K: Eq + Hash> Tally<K> {
    fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or_default()
    }

    fn add(&mut self, key: Option<K>) {
        if let Some(key) = key {
            *self.0.entry(key).or_default() += 1;
        }
    }

    fn subtract(&mut self, key: Option<K>) {
        if let Some(Entry::Occupied(mut count)) = key.map(|key| self.0.entry(key)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl<H> Crowd<H> {
    fn new() -> Self {
        Self {
            members: BTreeMap::new(),
            by_host: Tally(HashMap::new()),
            by_group: Tally(HashMap::new()),
            by_key: Tally(HashMap::new()),
        }
    }

    fn insert(&mut self, id: ConnectionId, member: Member<H>) {
        self.by_host.add(Some(member.host));
        self.by_group.add(member.group());
        self.by_key.add(member.key);
        self.members.insert(id, member);
    }

    fn remove(&mut self, id: ConnectionId) -> Option<Member<H>> {
        let member = self.members.remove(&id)?;
        self.by_host.subtract(Some(member.host));
        self.by_group.subtract(member.group());
        self.by_key.subtract(member.key);
        Some(member)
    }

    /// Who must go for a newcomer of `group` when all slots are taken; `None` if it is the
    /// newcomer.
    fn victim(&self, group: Option<Network>, now: Instant) -> Option<ConnectionId> {
        let newcomers = 1 + group.map_or(0, |group| self.by_group.of(&group));
        let largest = self
            .by_group
            .0
            .iter()
            .max_by_key(|(group, count)| (**count, **group));
        match largest {
            Some((_, count)) if newcomers > 1 && newcomers >= *count => None,
            Some((largest, count)) if *count > 1 => {
                let theirs = self
                    .members
                    .iter()
                    .filter(|(_, m)| m.group() == Some(*largest));
                theirs.map(|(id, _)| *id).next_back()
            }
            _ => {
                // The trusted are never dropped.
                let mut oldest_first = self.members.iter();
                let (id, oldest) = oldest_first.find(|(_, member)| !member.trusted)?;
                (now.saturating_duration_since(oldest.since) > FAIR_TURN).then_some(*id)
            }
        }
    }
}

/// What the operator allows.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Slots of each class.
    pub slots: Limits,
    /// Listed game servers of one host.
    pub listed_per_host: usize,
    /// Listed game servers of one key.
    pub listed_per_key: usize,
}

/// The slots in use and who holds them. `H` is whatever the caller needs to reach a holder.
#[derive(Debug)]
pub struct Admission<H> {
    caps: Caps,
    crowds: [Crowd<H>; 4],
    game_server_rate: Rate,
    client_rate: Rate,
    penalties: Penalties,
}

impl<H> Admission<H> {
    /// All slots free, and nobody known.
    pub fn new(caps: Caps) -> Self {
        Self {
            caps,
            crowds: Class::ALL.map(|_| Crowd::new()),
            game_server_rate: Rate::new(GAME_SERVER_RATE),
            client_rate: Rate::new(CLIENT_RATE),
            penalties: Penalties::new(),
        }
    }

    /// A newcomer asks for a slot of `class`. If somebody else had to be dropped for it, that one
    /// has lost its slot already, and its handle is returned so that its connection can be closed.
    ///
    /// # Errors
    /// Why not.
    pub fn arrive(
        &mut self,
        newcomer: Newcomer,
        class: Class,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        if !newcomer.trusted {
            self.check_host(Network::host(newcomer.ip), class, newcomer.now)?;
        }
        self.take_slot(newcomer, class, handle)
    }

    /// A client is about to become a watcher: it takes a slot for that, by the same rules, and
    /// keeps its slot as a client until [`settle`](Self::settle).
    ///
    /// # Errors
    /// Why not; it keeps the slot it has.
    pub fn watch(&mut self, client: Newcomer, handle: H) -> Result<Option<H>, Denied> {
        if !client.trusted {
            self.check_cap(Network::host(client.ip), Class::Watcher)?;
        }
        self.take_slot(client, Class::Watcher, handle)
    }

    /// A client has become a watcher and gives back the slot it had before.
    pub fn settle(&mut self, id: ConnectionId) {
        self.crowds[Class::Client as usize].remove(id);
    }

    fn take_slot(
        &mut self,
        newcomer: Newcomer,
        class: Class,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        let Newcomer {
            id,
            ip,
            trusted,
            now,
        } = newcomer;
        let host = Network::host(ip);
        let group = (!trusted).then(|| Network::group(ip));
        let limit = self.caps.slots.of(class);
        let crowd = &mut self.crowds[class as usize];
        let mut dropped = None;
        if crowd.members.len() >= limit {
            let victim = crowd.victim(group, now).ok_or_else(|| {
                match group.map_or(0, |group| crowd.by_group.of(&group)) {
                    0 => Denied::ClassFull(class, limit),
                    _ => Denied::OwnGroup(class, limit),
                }
            })?;
            dropped = crowd.remove(victim).map(|member| member.handle);
        }
        crowd.insert(
            id,
            Member {
                host,
                trusted,
                since: now,
                key: None,
                handle,
            },
        );
        Ok(dropped)
    }

    fn check_host(&mut self, host: Network, class: Class, now: Instant) -> Result<(), Denied> {
        // Failed logins keep a host from logging in, not the players behind the same address from
        // asking for the list.
        if class == Class::Pending
            && let Some(left) = self.penalties.left(host, now)
        {
            return Err(Denied::Penalty(left));
        }
        self.check_cap(host, class)?;
        let rate = match class {
            Class::Pending | Class::Listed => &mut self.game_server_rate,
            Class::Client | Class::Watcher => &mut self.client_rate,
        };
        if rate.allows(host, now) {
            Ok(())
        } else {
            Err(Denied::TooFast(class))
        }
    }

    fn check_cap(&self, host: Network, class: Class) -> Result<(), Denied> {
        let cap = host_cap(class);
        match self.crowds[class as usize].by_host.of(&host) >= cap {
            true => Err(Denied::HostFull(class, cap)),
            false => Ok(()),
        }
    }

    /// A connection has proven itself and goes on the list, giving back the pending slot it had if
    /// it had one. One that is there already stays there.
    ///
    /// # Errors
    /// Why not; it keeps the slot it has.
    pub fn enlist(
        &mut self,
        newcomer: Newcomer,
        key: Option<Credential>,
        handle: H,
    ) -> Result<(), Denied> {
        let Newcomer {
            id,
            ip,
            trusted,
            now,
        } = newcomer;
        let [pending, listed, ..] = &mut self.crowds;
        if listed.members.contains_key(&id) {
            return Ok(());
        }
        let limit = self.caps.slots.of(Class::Listed);
        if listed.members.len() >= limit {
            return Err(Denied::ClassFull(Class::Listed, limit));
        }
        let host = Network::host(ip);
        if !trusted {
            if listed.by_host.of(&host) >= self.caps.listed_per_host {
                return Err(Denied::ListedPerHost(self.caps.listed_per_host));
            }
            if key.is_some_and(|key| listed.by_key.of(&key) >= self.caps.listed_per_key) {
                return Err(Denied::ListedPerKey(self.caps.listed_per_key));
            }
        }
        pending.remove(id);
        listed.insert(
            id,
            Member {
                host,
                trusted,
                since: now,
                key,
                handle,
            },
        );
        Ok(())
    }

    /// A holder goes: what it holds is free again. Nothing happens if it was dropped before.
    pub fn leave(&mut self, id: ConnectionId) {
        for crowd in &mut self.crowds {
            crowd.remove(id);
        }
    }

    /// A host has misbehaved while logging in. True if it is shut out now.
    pub fn penalize(&mut self, ip: IpAddr, penalty: Duration, now: Instant) -> bool {
        self.penalties.add(Network::host(ip), penalty, now)
    }

    /// Slots of `class` in use, and how many there are.
    pub fn usage(&self, class: Class) -> (usize, usize) {
        (
            self.crowds[class as usize].members.len(),
            self.caps.slots.of(class),
        )
    }

    /// True when there is no slot of `class` left, or none for the newcomer's host.
    pub fn is_full(&self, newcomer: &Newcomer, class: Class) -> bool {
        let (used, limit) = self.usage(class);
        let is_host_full = || self.check_cap(Network::host(newcomer.ip), class).is_err();
        used >= limit || (!newcomer.trusted && is_host_full())
    }

    /// True when more than half of the slots of `class` are in use: steps must be quick then.
    pub fn is_crowded(&self, class: Class) -> bool {
        let (used, limit) = self.usage(class);
        used * 2 > limit
    }

    /// How to reach the holder `id`.
    pub fn handle(&self, id: ConnectionId) -> Option<&H> {
        self.crowds
            .iter()
            .find_map(|crowd| Some(&crowd.members.get(&id)?.handle))
    }

    /// How to reach everybody.
    pub fn handles(&self) -> impl Iterator<Item = &H> {
        self.crowds
            .iter()
            .flat_map(|crowd| crowd.members.values().map(|member| &member.handle))
    }
}

#[cfg(test)]
mod tests;
