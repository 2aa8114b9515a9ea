//! Who is on the list now.
//!
//! This file hides how the list is kept: always encoded, in leaves of 32 game servers, each
//! shared by reference. Taking the list is cloning one `Arc`; a change writes one leaf anew, and
//! copies the table of leaves only while somebody still holds the older list. So neither a reader
//! nor a writer ever waits for the whole list to be formatted. Pure state: no I/O, no clock.

use super::credentials::Credential;
use crate::protocol::filter::Filter;
use crate::protocol::infos::Infos;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Names one connection for as long as the process lives; never used twice.
pub type ConnectionId = u64;

/// Game servers per leaf. 32 lines are about 4 KiB: small enough to write anew for every change,
/// large enough that 10,000 game servers are some 300 pieces to send.
const LEAF: usize = 32;

/// One game server on the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where players join: the address it logged in from, and the port it named.
    pub address: SocketAddr,
    /// Where it logged in from; the same address, unless it is trusted to name another.
    pub peer: IpAddr,
    /// Its fields as the list shows them: what it said, and the tracker's own words.
    pub infos: Infos,
    /// What it logged in with.
    pub credential: Credential,
    /// `infos` as it is sent, with the verb and the LF.
    line: Box<str>,
}

impl Entry {
    /// The entry of a game server that connects from `peer` and said `infos`. It is at the `ip`
    /// that they name, which nobody but a trusted peer may do, or else at `peer`. `None` if they
    /// name no port.
    pub fn new(peer: IpAddr, mut infos: Infos, credential: Credential) -> Option<Self> {
        let peer = peer.to_canonical();
        let ip = infos
            .get("ip")
            .and_then(|ip| ip.parse().ok())
            .unwrap_or(peer);
        let address = SocketAddr::new(ip, infos.number("port")?);
        infos.set("ip", &ip.to_string()).ok()?;
        let mut line = "INFOS".to_owned();
        infos.encode_into(&mut line);
        line.push('\n');
        Some(Self {
            address,
            peer,
            infos,
            credential,
            line: line.into_boxed_str(),
        })
    }
}

/// Counts the changes of the list. Written `<epoch>-<count>`: revisions of different epochs (a
/// tracker that was started again) do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    epoch: u32,
    count: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.count)
    }
}

#[derive(Debug, Clone, Default)]
struct Leaf {
    entries: Vec<Arc<Entry>>,
    /// The lines of `entries`, one after the other.
    encoded: Vec<u8>,
}

impl Leaf {
    fn encode(&mut self) {
        self.encoded.clear();
        self.encoded
            .reserve_exact(self.entries.iter().map(|entry| entry.line.len()).sum());
        for entry in &self.entries {
            self.encoded.extend_from_slice(entry.line.as_bytes());
        }
    }
}

/// The list at one revision. It does not change while somebody holds it.
#[derive(Debug, Clone)]
pub struct List {
    leaves: Vec<Arc<Leaf>>,
    count: usize,
    revision: Revision,
}

impl List {
    /// How many game servers are listed.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Which state of the list this is.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The INFOS lines of all game servers, in pieces to be sent one after the other.
    pub fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        self.leaves.iter().map(|leaf| &*leaf.encoded)
    }

    /// Every game server on the list, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.leaves
            .iter()
            .flat_map(|leaf| leaf.entries.iter().map(|entry| &**entry))
    }

    /// The INFOS lines of the game servers that satisfy `filter`, and how many they are.
    pub fn encode_matching(&self, filter: &Filter) -> (usize, Vec<u8>) {
        let mut encoded = Vec::new();
        let mut count = 0;
        for entry in self.entries().filter(|entry| filter.matches(&entry.infos)) {
            encoded.extend_from_slice(entry.line.as_bytes());
            count += 1;
        }
        (count, encoded)
    }
}

/// The ip:port belongs to another game server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

/// The listed game servers, one for each ip:port and one for each connection.
#[derive(Debug)]
pub struct Registry {
    list: Arc<List>,
    /// Owner of each entry, by its place in the list: leaf `place / LEAF`, `place % LEAF` in it.
    owners: Vec<ConnectionId>,
    place_of_owner: HashMap<ConnectionId, usize>,
    place_of_address: HashMap<SocketAddr, usize>,
}

impl Registry {
    /// An empty registry. `epoch` tells the revisions of this process from those of any other.
    pub fn new(epoch: u32) -> Self {
        let list = List {
            leaves: Vec::new(),
            count: 0,
            revision: Revision { epoch, count: 0 },
        };
        Self {
            list: Arc::new(list),
            owners: Vec::new(),
            place_of_owner: HashMap::new(),
            place_of_address: HashMap::new(),
        }
    }

    /// The list as it is now.
    pub fn list(&self) -> Arc<List> {
        Arc::clone(&self.list)
    }

    /// The entry that `owner` holds.
    pub fn entry_of(&self, owner: ConnectionId) -> Option<Arc<Entry>> {
        self.place_of_owner
            .get(&owner)
            .map(|&place| Arc::clone(self.at(place)))
    }

    /// Who holds the entry of `address`.
    pub fn owner_of(&self, address: SocketAddr) -> Option<ConnectionId> {
        self.place_of_address
            .get(&address)
            .map(|&place| self.owners[place])
    }

    /// Puts `entry` on the list, or puts it in place of the one that `owner` holds already.
    ///
    /// An older entry of the same ip:port, from the same address and with the same credential, is
    /// the ghost of a game server that was started again: the newcomer replaces it, and the ghost's connection is returned
    /// so that it can be closed.
    ///
    /// # Errors
    /// [`Taken`] if the ip:port is held from another address or with another credential. Nothing
    /// has changed then.
    pub fn put(
        &mut self,
        owner: ConnectionId,
        entry: Entry,
    ) -> Result<Option<ConnectionId>, Taken> {
        let mine = self.place_of_owner.get(&owner).copied();
        let there = self.place_of_address.get(&entry.address).copied();
        let mut replaced = None;
        if let Some(place) = there.filter(|&place| Some(place) != mine) {
            let there = self.at(place);
            if (there.peer, there.credential) != (entry.peer, entry.credential) {
                return Err(Taken);
            }
            replaced = Some(self.owners[place]);
            self.remove(self.owners[place]);
        }
        // Removing may have moved the owner's own entry.
        match self.place_of_owner.get(&owner).copied() {
            Some(place) => {
                let before = self.at(place).address;
                self.place_of_address.remove(&before);
                self.place_of_address.insert(entry.address, place);
                self.change_leaf(place, |leaf| leaf.entries[place % LEAF] = Arc::new(entry));
            }
            None => {
                let place = self.owners.len();
                self.owners.push(owner);
                self.place_of_owner.insert(owner, place);
                self.place_of_address.insert(entry.address, place);
                if place.is_multiple_of(LEAF) {
                    Arc::make_mut(&mut self.list).leaves.push(Arc::default());
                }
                self.change_leaf(place, |leaf| leaf.entries.push(Arc::new(entry)));
            }
        }
        Ok(replaced)
    }

    /// Takes the entry of `owner` off the list. `None` if it has none (any more).
    pub fn remove(&mut self, owner: ConnectionId) -> Option<Arc<Entry>> {
        let place = self.place_of_owner.remove(&owner)?;
        let removed = Arc::clone(self.at(place));
        self.place_of_address.remove(&removed.address);
        // The last entry moves into the gap, so that leaves stay full.
        let last = self.owners.len() - 1;
        let moved = Arc::clone(self.at(last));
        self.owners.swap_remove(place);
        if place != last {
            self.place_of_owner.insert(self.owners[place], place);
            self.place_of_address.insert(moved.address, place);
            self.change_leaf(place, |leaf| leaf.entries[place % LEAF] = moved);
        }
        if last.is_multiple_of(LEAF) {
            let list = Arc::make_mut(&mut self.list);
            list.leaves.pop();
            list.count = last;
            list.revision.count += 1;
        } else {
            self.change_leaf(last, |leaf| drop(leaf.entries.pop()));
        }
        Some(removed)
    }

    fn at(&self, place: usize) -> &Arc<Entry> {
        &self.list.leaves[place / LEAF].entries[place % LEAF]
    }

    fn change_leaf(&mut self, place: usize, change: impl FnOnce(&mut Leaf)) {
        let count = self.owners.len();
        let list = Arc::make_mut(&mut self.list);
        let leaf = Arc::make_mut(&mut list.leaves[place / LEAF]);
        change(leaf);
        leaf.encode();
        list.count = count;
        list.revision.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::infos::Changes;
    use quickcheck::{Arbitrary, Gen, quickcheck};
    use std::collections::BTreeMap;

    fn entry(port: u16, credential: u32, players: u16) -> Entry {
        let said = format!("port={port} nbplayers={players}");
        let infos = Infos::default().with(&Changes::parse(&said).unwrap());
        Entry::new(
            "192.0.2.1".parse().unwrap(),
            infos,
            Credential::Password(credential),
        )
        .unwrap()
    }

    fn text(list: &List) -> String {
        let bytes: Vec<u8> = list.encoded().flatten().copied().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_list_is_encoded_with_the_trackers_words() {
        let mut registry = Registry::new(0xc0ffee);
        assert_eq!(registry.list().revision().to_string(), "c0ffee-0");
        registry.put(1, entry(23460, 0, 3)).unwrap();
        let list = registry.list();
        assert_eq!(text(&list), "INFOS ip=192.0.2.1 port=23460 nbplayers=3\n");
        assert_eq!(list.revision().to_string(), "c0ffee-1");
    }

    #[test]
    fn a_list_that_is_held_does_not_change() {
        let mut registry = Registry::new(1);
        for n in 0..100 {
            registry.put(n, entry(1000 + n as u16, 0, 0)).unwrap();
        }
        let held = registry.list();
        let before = text(&held);
        for n in 0..100 {
            registry.remove(n).unwrap();
        }
        assert_eq!(text(&held), before);
        assert_eq!((held.count(), registry.list().count()), (100, 0));
        assert_eq!(text(&registry.list()), "");
    }

    #[test]
    fn a_ghost_gives_way_to_its_own_game_server_only() {
        let mut registry = Registry::new(1);
        assert_eq!(registry.put(1, entry(5, 7, 0)), Ok(None));
        assert_eq!(registry.put(2, entry(5, 8, 0)), Err(Taken));
        assert_eq!(registry.put(3, entry(5, 7, 9)), Ok(Some(1)));
        assert_eq!(
            registry.remove(1),
            None,
            "the ghost has nothing left to take away"
        );
        assert_eq!(
            registry.entry_of(3).unwrap().infos.number("nbplayers"),
            Some(9)
        );
        assert_eq!(registry.list().count(), 1);
    }

    #[test]
    fn a_change_touches_one_leaf() {
        let mut registry = Registry::new(1);
        for n in 0..(3 * LEAF as u64) {
            registry.put(n, entry(1000 + n as u16, 0, 0)).unwrap();
        }
        let before = registry.list();
        registry.put(40, entry(1040, 0, 1)).unwrap();
        let after = registry.list();
        let same: Vec<bool> = before
            .leaves
            .iter()
            .zip(&after.leaves)
            .map(|(a, b)| Arc::ptr_eq(a, b))
            .collect();
        assert_eq!(same, [true, false, true]);
    }

    #[derive(Debug, Clone)]
    enum Operation {
        Put {
            owner: u64,
            port: u16,
            credential: u32,
            players: u16,
        },
        Remove {
            owner: u64,
        },
    }

    impl Arbitrary for Operation {
        fn arbitrary(g: &mut Gen) -> Self {
            let owner = u64::arbitrary(g) % 80;
            if u8::arbitrary(g) % 4 == 0 {
                return Self::Remove { owner };
            }
            Self::Put {
                owner,
                port: 1 + u16::arbitrary(g) % 90,
                credential: u32::from(u8::arbitrary(g) % 8 == 0),
                players: u16::arbitrary(g) % 10,
            }
        }
    }

    quickcheck! {
        fn the_registry_behaves_as_a_plain_map_does(operations: Vec<Operation>) -> bool {
            let mut registry = Registry::new(1);
            // address -> (owner, credential, line)
            let mut model: BTreeMap<u16, (u64, u32, String)> = BTreeMap::new();
            for operation in operations {
                match operation {
                    Operation::Put { owner, port, credential, players } => {
                        let entry = entry(port, credential, players);
                        let line = entry.line.to_string();
                        let there = model.get(&port).cloned();
                        let expected = match &there {
                            Some((other, theirs, _)) if *other != owner => {
                                if *theirs == credential { Ok(Some(*other)) } else { Err(Taken) }
                            }
                            _ => Ok(None),
                        };
                        if expected.is_ok() {
                            model.retain(|_, (other, ..)| *other != owner);
                            model.insert(port, (owner, credential, line));
                        }
                        assert_eq!(registry.put(owner, entry), expected);
                    }
                    Operation::Remove { owner } => {
                        let before = model.len();
                        model.retain(|_, (other, ..)| *other != owner);
                        assert_eq!(registry.remove(owner).is_some(), model.len() < before);
                    }
                }
                let list = registry.list();
                let mut listed: Vec<String> =
                    text(&list).split_inclusive('\n').map(str::to_owned).collect();
                let mut expected: Vec<String> =
                    model.values().map(|(_, _, line)| line.clone()).collect();
                listed.sort();
                expected.sort();
                assert_eq!(listed, expected);
                assert_eq!(list.count(), expected.len());
                for (owner, credential, line) in model.values() {
                    let entry = registry.entry_of(*owner).unwrap();
                    assert_eq!(*entry.line, **line);
                    assert_eq!(entry.credential, Credential::Password(*credential));
                }
            }
            true
        }
    }
}
