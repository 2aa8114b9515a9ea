//! Who may hold a slot.
//!
//! This file hides whom to refuse and whom to drop when slots run out. With `c` slots of a class,
//! `K` groups of an attacker and `H` groups of honest peers with one connection each, a full class
//! and the newcomer are `c + 1` connections: as long as `K + H <= c`, two of them share a group,
//! and those are the attacker's. So who has one connection always gets in and is never dropped,
//! however fast the others come. Inside the group that holds the most the same is true of its hosts.
//! Pure decisions: no socket, no thread, no clock.

use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::{ConnectionId, Credential};
use crate::tracker::access::network::Network;
use crate::tracker::access::rate_limits::{CLIENT_RATE, GAME_SERVER_RATE, Penalties, Rate};
use crate::tracker::access::slots::{Class, Limits};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// When everybody has one connection, the oldest is dropped for a newcomer if it is older.
pub const FAIR_TURN: Duration = Duration::from_millis(250);

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
    /// The host has failed to log in too often; it is refused what is wrong for so long.
    Penalty(Duration),
    /// The host connects too fast.
    TooFast(Class),
    /// The host holds as many connections of this class as one host may.
    HostFull(Class, usize),
    /// The class is full, and nobody is to be dropped for the newcomer.
    ClassFull(Class, usize),
    /// The host has as many game servers on the list as one host may.
    ListedPerHost(usize),
    /// The key has as many game servers on the list as one key may.
    ListedPerKey(usize),
}

impl Denied {
    /// The reason in one word: that of the counter, here and in the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Penalty(_) => "in-penalty",
            Self::TooFast(_) => "too-fast",
            Self::HostFull(..) => "host-full",
            Self::ClassFull(..) => "class-full",
            Self::ListedPerHost(_) | Self::ListedPerKey(_) => "over-share",
        }
    }

    /// What the peer is told.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Penalty(left) => Refusal::new(
                ErrorCode::TooMany,
                format!(
                    "too many failed logins from your address; wait {} s, \
                     or send the right password at once",
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
            Self::ClassFull(class, limit) => Refusal::new(
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
    /// From its group to its host.
    networks: [Network; 3],
    trusted: bool,
    since: Instant,
    /// What counts against its key while it is listed.
    key: Option<Credential>,
    handle: H,
}

impl<H> Member<H> {
    fn new(newcomer: &Newcomer, key: Option<Credential>, handle: H) -> Self {
        Self {
            networks: Network::nested(newcomer.ip),
            trusted: newcomer.trusted,
            since: newcomer.now,
            key,
            handle,
        }
    }

    fn host(&self) -> Network {
        self.networks[2]
    }

    fn has_had_its_turn(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) > FAIR_TURN
    }

    /// `None` for a trusted one, which shares its group with nobody.
    fn group(&self) -> Option<Network> {
        (!self.trusted).then_some(self.networks[0])
    }
}

/// The connections of one class.
#[derive(Debug)]
struct Crowd<H> {
    /// Connections are numbered as they come, so these are in order of age.
    members: BTreeMap<ConnectionId, Member<H>>,
    by_host: Tally<Network>,
    /// Of those who are not trusted.
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

impl Tally<Network> {
    /// The network that holds the most once a newcomer from `own` is there, if any holds more than
    /// one; `own` if there is a choice.
    fn largest(&self, own: Option<Network>) -> Option<Network> {
        let sizes = self.0.iter().map(|(network, size)| {
            let is_own = own == Some(*network);
            (size + usize::from(is_own), is_own, *network)
        });
        let (size, _, network) = sizes.max()?;
        (size > 1).then_some(network)
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
        self.by_host.add(Some(member.host()));
        self.by_group.add(member.group());
        self.by_key.add(member.key);
        self.members.insert(id, member);
    }

    fn remove(&mut self, id: ConnectionId) -> Option<Member<H>> {
        let member = self.members.remove(&id)?;
        self.by_host.subtract(Some(member.host()));
        self.by_group.subtract(member.group());
        self.by_key.subtract(member.key);
        Some(member)
    }

    /// Takes in a newcomer. If all `limit` places are taken, somebody else goes, whose handle is
    /// returned.
    ///
    /// # Errors
    /// If it is the newcomer who must go.
    fn admit(&mut self, newcomer: &Newcomer, limit: usize, handle: H) -> Result<Option<H>, Full> {
        let mut dropped = None;
        if self.members.len() >= limit {
            let victim = self.victim(newcomer).ok_or(Full)?;
            dropped = self.remove(victim).map(|member| member.handle);
        }
        self.insert(newcomer.id, Member::new(newcomer, None, handle));
        Ok(dropped)
    }

    /// Who must go for a newcomer when all places are taken; `None` if it is the newcomer. The
    /// trusted are never dropped, and are in nobody's network.
    ///
    /// Of the networks that hold more than one the largest has to give, and in it the largest that
    /// it consists of, down to the host, whose youngest goes. Where all hold one, whoever has had
    /// its turn goes.
    fn victim(&self, newcomer: &Newcomer) -> Option<ConnectionId> {
        let own = (!newcomer.trusted).then(|| Network::nested(newcomer.ip));
        let mut members = self.members.iter().map(|(id, member)| (*id, member));
        let Some(group) = self.by_group.largest(own.map(|own| own[0])) else {
            let (id, oldest) = members.find(|(_, member)| !member.trusted)?;
            return oldest.has_had_its_turn(newcomer.now).then_some(id);
        };
        let mut theirs: Vec<_> = members.filter(|(_, m)| m.group() == Some(group)).collect();
        let mut own = own.filter(|own| own[0] == group);
        for level in 1..3 {
            let mut sizes = Tally(HashMap::new());
            for (_, member) in &theirs {
                sizes.add(Some(member.networks[level]));
            }
            let Some(network) = sizes.largest(own.map(|own| own[level])) else {
                let ((oldest, member), (youngest, _)) = (theirs.first()?, theirs.last()?);
                if member.has_had_its_turn(newcomer.now) {
                    return Some(*oldest);
                }
                // A network that holds the most has to give even if nobody in it has had a turn.
                return own.is_none().then_some(*youngest);
            };
            theirs.retain(|(_, member)| member.networks[level] == network);
            own = own.filter(|own| own[level] == network);
        }
        let youngest = theirs.last().map(|(id, _)| *id);
        youngest.filter(|_| own.is_none())
    }
}

/// There is no place for the newcomer.
#[derive(Debug)]
struct Full;

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
    /// Those without a slot, at the door for game servers and at that for clients.
    guests: [Crowd<H>; 2],
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
            guests: [Crowd::new(), Crowd::new()],
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

    /// A newcomer who did not get a slot of `class` asks to say what it wants all the same. If
    /// another guest had to be dropped for it, its handle is returned.
    ///
    /// # Errors
    /// `denied` again.
    pub fn wait(
        &mut self,
        newcomer: Newcomer,
        denied: Denied,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        let class = match denied {
            Denied::ClassFull(class, _) => class,
            Denied::Penalty(_) => Class::Pending,
            _ => return Err(denied),
        };
        let door = match class {
            Class::Pending | Class::Listed => 0,
            Class::Client | Class::Watcher => 1,
        };
        let (guests, places) = (&mut self.guests[door], self.caps.slots.guests() / 2);
        let host = Network::host(newcomer.ip);
        if !newcomer.trusted && guests.by_host.of(&host) >= host_cap(class) {
            return Err(denied);
        }
        let admitted = guests.admit(&newcomer, places, handle);
        admitted.map_err(|Full| denied)
    }

    /// A client has become a watcher and gives back what it held before.
    pub fn settle(&mut self, id: ConnectionId) {
        self.crowds[Class::Client as usize].remove(id);
        self.guests[1].remove(id);
    }

    fn take_slot(
        &mut self,
        newcomer: Newcomer,
        class: Class,
        handle: H,
    ) -> Result<Option<H>, Denied> {
        let limit = self.caps.slots.of(class);
        let admitted = self.crowds[class as usize].admit(&newcomer, limit, handle);
        admitted.map_err(|Full| Denied::ClassFull(class, limit))
    }

    fn check_host(&mut self, host: Network, class: Class, now: Instant) -> Result<(), Denied> {
        self.check_cap(host, class)?;
        let rate = match class {
            Class::Pending | Class::Listed => &mut self.game_server_rate,
            Class::Client | Class::Watcher => &mut self.client_rate,
        };
        if !rate.allows(host, now) {
            return Err(Denied::TooFast(class));
        }
        // Failed logins keep a host from logging in, not the players behind the same address from
        // asking for the list.
        if class == Class::Pending
            && let Some(left) = self.penalties.left(host, now)
        {
            return Err(Denied::Penalty(left));
        }
        Ok(())
    }

    fn check_cap(&self, host: Network, class: Class) -> Result<(), Denied> {
        let cap = host_cap(class);
        match self.crowds[class as usize].by_host.of(&host) >= cap {
            true => Err(Denied::HostFull(class, cap)),
            false => Ok(()),
        }
    }

    /// A connection has proven itself and goes on the list, giving back the pending slot it had if
    /// it had one. One that is there already stays there. The `ghost` that it replaces makes room for
    /// it, and is returned: nobody is kept out by a ghost of its own.
    ///
    /// # Errors
    /// Why not; it keeps the slot it has, and so does the ghost.
    pub fn enlist(
        &mut self,
        newcomer: Newcomer,
        key: Option<Credential>,
        handle: H,
        ghost: Option<ConnectionId>,
    ) -> Result<Option<H>, Denied> {
        let listed = &mut self.crowds[Class::Listed as usize];
        let ghost = ghost.and_then(|id| Some((id, listed.remove(id)?)));
        let denied = self.check_listing(&newcomer, key);
        let [pending, listed, ..] = &mut self.crowds;
        if let Err(denied) = denied {
            if let Some((id, member)) = ghost {
                listed.insert(id, member);
            }
            return Err(denied);
        }
        if !listed.members.contains_key(&newcomer.id) {
            pending.remove(newcomer.id);
            self.guests[0].remove(newcomer.id);
            listed.insert(newcomer.id, Member::new(&newcomer, key, handle));
        }
        Ok(ghost.map(|(_, member)| member.handle))
    }

    /// Fails if there is no place on the list for one more.
    fn check_listing(&self, newcomer: &Newcomer, key: Option<Credential>) -> Result<(), Denied> {
        let listed = &self.crowds[Class::Listed as usize];
        if listed.members.contains_key(&newcomer.id) {
            return Ok(());
        }
        let limit = self.caps.slots.of(Class::Listed);
        if listed.members.len() >= limit {
            return Err(Denied::ClassFull(Class::Listed, limit));
        }
        let host = Network::host(newcomer.ip);
        if !newcomer.trusted {
            if listed.by_host.of(&host) >= self.caps.listed_per_host {
                return Err(Denied::ListedPerHost(self.caps.listed_per_host));
            }
            if key.is_some_and(|key| listed.by_key.of(&key) >= self.caps.listed_per_key) {
                return Err(Denied::ListedPerKey(self.caps.listed_per_key));
            }
        }
        Ok(())
    }

    /// A holder goes: what it holds is free again. Nothing happens if it was dropped before.
    pub fn leave(&mut self, id: ConnectionId) {
        for crowd in self.crowds.iter_mut().chain(&mut self.guests) {
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
        self.all_crowds()
            .find_map(|crowd| Some(&crowd.members.get(&id)?.handle))
    }

    /// How to reach everybody.
    pub fn handles(&self) -> impl Iterator<Item = &H> {
        self.all_crowds()
            .flat_map(|crowd| crowd.members.values().map(|member| &member.handle))
    }

    fn all_crowds(&self) -> impl Iterator<Item = &Crowd<H>> {
        self.crowds.iter().chain(&self.guests)
    }
}

#[cfg(test)]
mod tests;
