//! What has changed on the own list becomes what this tracker claims.

use crate::base::mutex::lock;
use crate::protocol::revision::Revision;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Registry;
use crate::tracker::sharing::exchange::Exchange;
use crate::tracker::sharing::marks::Marks;
use crate::tracker::sharing::merge::Merge;
use crate::tracker::sharing::wire::record::Claim;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// The list as it was seen last.
#[derive(Debug, Default)]
pub(super) struct OwnList {
    seen: Option<Revision>,
}

impl OwnList {
    /// The whole list is looked at next time: what it is marked with has changed.
    pub(super) fn forget(&mut self) {
        self.seen = None;
    }

    /// Claims what has come onto the list since the last time, and no more what has left.
    pub(super) fn take(
        &mut self,
        registry: &Mutex<Registry>,
        marks: &Marks,
        merge: &mut Merge,
        exchange: &mut Exchange,
    ) {
        let (list, recent) = {
            let registry = lock(registry);
            let recent = self.seen.and_then(|seen| registry.since(seen));
            (registry.list(), recent)
        };
        let mut gone: HashSet<SocketAddr> = HashSet::new();
        if recent.is_none() {
            merge.touch_all();
            gone.extend(merge.own().iter().map(|claim| claim.address));
        }
        let mut change = |address, entry: Option<&Entry>| {
            if let Some(line) = claim(address, entry, marks, merge) {
                exchange.say(address, &line);
            }
        };
        self.seen = Some(list.revision());
        if let Some(recent) = recent {
            for (address, _, after) in recent.differences() {
                change(address, after);
            }
            return;
        }
        for entry in list.entries() {
            gone.remove(&entry.address);
            change(entry.address, Some(entry));
        }
        for address in gone {
            change(address, None);
        }
    }
}

/// Claims `address` for the game server that is logged in there now, if there is one. Returns what others are
/// told of it.
fn claim(
    address: SocketAddr,
    entry: Option<&Entry>,
    marks: &Marks,
    merge: &mut Merge,
) -> Option<String> {
    let entry = match entry {
        Some(entry) if !entry.is_elsewhere => entry,
        // It is there because of what `merge` has said.
        Some(_) if merge.own().get(address).is_none() => return None,
        _ => return merge.remove_own(address),
    };
    let known = merge.own_stamp(address);
    let stamp = known.unwrap_or_else(|| merge.stamp(address, now_ms()));
    merge.put_own(Claim {
        address,
        peer: entry.peer,
        stamp,
        mark: marks.of(entry.credential),
        infos: entry.infos.clone(),
    })
}

/// Milliseconds of Unix time.
fn now_ms() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(0, |time| time.as_millis() as u64)
}
