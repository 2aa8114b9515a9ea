//! What the other trackers list becomes part of this tracker's list.

use crate::base::mutex::lock;
use crate::tracker::access::admission::Newcomer;
use crate::tracker::access::identity::ConnectionId;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::game_server::taken_over;
use crate::tracker::sharing::marks::Marks;
use crate::tracker::sharing::merge::{Merge, Op};
use crate::tracker::sharing::wire::record::Claim;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sockets::connection::Connection;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Changes for which the locks are held once: half a millisecond.
const AT_ONCE: usize = 256;

/// The entries that are on the list for other trackers, each with the connection that there will never be.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(HashMap<SocketAddr, ConnectionId>);

impl Elsewhere {
    /// Brings the list to what `merge` says. Returns how many game servers lost their place to a later login at
    /// another tracker.
    pub(super) fn apply(&mut self, shared: &Shared, merge: &mut Merge, marks: &Marks) -> u64 {
        let mut taken = 0;
        loop {
            let ops = merge.next_ops(AT_ONCE);
            let is_last = ops.len() < AT_ONCE;
            if !ops.is_empty() {
                taken += self.apply_some(shared, merge, marks, ops);
                shared.wake.list_changed();
            }
            if is_last {
                return taken;
            }
        }
    }

    fn apply_some(
        &mut self,
        shared: &Shared,
        merge: &mut Merge,
        marks: &Marks,
        ops: Vec<Op>,
    ) -> u64 {
        let mut ghosts: Vec<(SocketAddr, Arc<Connection>)> = Vec::new();
        let mut admission = lock(&shared.admission);
        let mut registry = lock(&shared.registry);
        for op in ops {
            match op {
                Op::Hide { address } => {
                    if let Some(id) = self.0.remove(&address) {
                        registry.remove(id);
                        admission.leave(id);
                    }
                }
                Op::Show { address, claim, .. } if is_newer(&registry, merge, &claim) => {
                    merge.again(address);
                }
                Op::Show { address, claim, .. } => {
                    let id = shared.next_id();
                    let entry = entry(claim, marks);
                    let Some(entry) = entry.filter(|entry| !is_there(&registry, entry)) else {
                        continue;
                    };
                    let game_server = Newcomer {
                        id,
                        ip: entry.peer,
                        trusted: shared.is_trusted(entry.peer),
                        now: Instant::now(),
                    };
                    let key = entry.credential.key();
                    if let Some(before) = registry.put_elsewhere(id, entry) {
                        if let Some(ghost) = admission.handle(before) {
                            ghosts.push((address, Arc::clone(ghost)));
                        }
                        admission.leave(before);
                    }
                    admission.list_elsewhere(&game_server, key);
                    self.0.insert(address, id);
                }
            }
        }
        drop(registry);
        drop(admission);
        for (address, ghost) in &ghosts {
            ghost.dismiss(taken_over(*address));
        }
        ghosts.len() as u64
    }
}

/// Takes all entries of other trackers off the list.
pub(super) fn forget_all(shared: &Shared) {
    let list = lock(&shared.registry).list();
    for entry in list.entries().filter(|entry| entry.is_elsewhere) {
        let mut admission = lock(&shared.admission);
        let mut registry = lock(&shared.registry);
        if let Some((id, _)) = registry
            .at(entry.address)
            .filter(|(_, entry)| entry.is_elsewhere)
        {
            registry.remove(id);
            admission.leave(id);
        }
    }
    shared.wake.list_changed();
}

/// True if a login at this tracker that `merge` does not know of yet has the address of `claim`.
fn is_newer(registry: &Registry, merge: &Merge, claim: &Claim) -> bool {
    let Some((_, there)) = registry
        .at(claim.address)
        .filter(|(_, entry)| !entry.is_elsewhere)
    else {
        return false;
    };
    let known = merge.own().get(claim.address);
    known.is_none_or(|known| known.infos != there.infos || known.peer != there.peer)
}

/// True if the list has it just like that.
fn is_there(registry: &Registry, entry: &Entry) -> bool {
    let there = registry.at(entry.address);
    there.is_some_and(|(_, there)| *there == *entry)
}

fn entry(claim: Claim, marks: &Marks) -> Option<Entry> {
    let credential = marks.credential(claim.mark);
    let mut entry = Entry::new(claim.peer, claim.infos, credential)?;
    entry.is_elsewhere = true;
    Some(entry)
}
