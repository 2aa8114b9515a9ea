//! What the other trackers list becomes part of this tracker's list.

use crate::base::mutex::lock;
use crate::tracker::access::admission::{Admission, Newcomer};
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::game_server::taken_over;
use crate::tracker::sharing::marks::Marks;
use crate::tracker::sharing::merge::{Merge, Op};
use crate::tracker::sharing::wire::record::Claim;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sockets::connection::Connection;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Changes for which the locks are held once: half a millisecond.
const AT_ONCE: usize = 256;

type Slots = Admission<Arc<Connection>>;

/// A connection that is to be closed, and the address that it has lost.
type Ghost = (SocketAddr, Arc<Connection>);

/// Brings the list to what `merge` says. Returns how many game servers lost their place to a later login at
/// another tracker.
pub(super) fn apply(shared: &Shared, merge: &mut Merge, marks: &Marks) -> u64 {
    let mut taken = 0;
    loop {
        let ops = merge.next_ops(AT_ONCE);
        if ops.is_empty() {
            return taken;
        }
        let ghosts = apply_some(shared, merge, marks, ops);
        shared.wake.list_changed();
        for (address, ghost) in &ghosts {
            ghost.dismiss(taken_over(*address));
        }
        taken += ghosts.len() as u64;
    }
}

/// Does what `ops` say. Returns who is to go.
fn apply_some(shared: &Shared, merge: &mut Merge, marks: &Marks, ops: Vec<Op>) -> Vec<Ghost> {
    let mut ghosts = Vec::new();
    let mut admission = lock(&shared.admission);
    let mut registry = lock(&shared.registry);
    for op in ops {
        match op {
            Op::Hide { address } => hide(&mut admission, &mut registry, address),
            Op::Show { address, claim } if is_newer(&registry, merge, &claim) => {
                merge.again(address);
            }
            Op::Show { claim, .. } => {
                let entry = entry(claim, marks).filter(|entry| !is_there(&registry, entry));
                ghosts.extend(
                    entry.and_then(|entry| show(shared, &mut admission, &mut registry, entry)),
                );
            }
        }
    }
    ghosts
}

/// Lists an entry of another tracker, under a connection that there will never be. Returns who has lost its
/// place.
fn show(
    shared: &Shared,
    admission: &mut Slots,
    registry: &mut Registry,
    entry: Entry,
) -> Option<Ghost> {
    let (address, key) = (entry.address, entry.credential.key());
    let game_server = Newcomer {
        id: shared.next_id(),
        ip: entry.peer,
        trusted: shared.is_trusted(entry.peer),
        now: Instant::now(),
    };
    let before = registry.put_elsewhere(game_server.id, entry);
    let ghost = before.and_then(|before| {
        let ghost = admission.handle(before).map(Arc::clone);
        admission.leave(before);
        ghost
    });
    admission.list_elsewhere(&game_server, key);
    ghost.map(|ghost| (address, ghost))
}

/// Takes the entry of another tracker at `address` off the list, if there is one.
fn hide(admission: &mut Slots, registry: &mut Registry, address: SocketAddr) {
    let there = registry.at(address);
    if let Some((id, _)) = there.filter(|(_, entry)| entry.is_elsewhere) {
        registry.remove(id);
        admission.leave(id);
    }
}

/// Takes all entries of other trackers off the list.
pub(super) fn forget_all(shared: &Shared) {
    let list = lock(&shared.registry).list();
    for entry in list.entries().filter(|entry| entry.is_elsewhere) {
        let mut admission = lock(&shared.admission);
        hide(&mut admission, &mut lock(&shared.registry), entry.address);
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
