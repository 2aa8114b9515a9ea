//! Which game servers of a state file are listed again, and until when.
//!
//! The file is trusted as little as the wire.

use super::format::Saved;
use crate::base::mutex::lock;
use crate::protocol::scope::Scope;
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::STALE_FOR;
use crate::tracker::state::shared::Shared;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Lists the game servers that still may be listed. Returns at which second of Unix time each is to be
/// forgotten.
pub(super) fn restore(shared: &Shared, saved: Vec<Saved>) -> HashMap<SocketAddr, u64> {
    let (now, clock) = (Instant::now(), SystemTime::now());
    let second = clock.duration_since(UNIX_EPOCH).unwrap_or_default();
    let latest = second + STALE_FOR;
    let mut listed = HashMap::new();
    for saved in saved {
        // After a clock was set back nobody has more time than those who were live.
        let until = saved.until.map_or(latest, Duration::from_secs).min(latest);
        let Some(left) = until.checked_sub(second).filter(|left| !left.is_zero()) else {
            continue;
        };
        let Some(entry) = entitled(shared, &saved) else {
            continue;
        };
        let address = entry.address;
        let holder = shared.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        if lock(&shared.registry).restore(holder, entry, now + left) {
            listed.insert(address, until.as_secs());
        }
    }
    listed
}

/// The entry of a game server, if it could log in as this tracker is set up now: its key is valid, it is
/// not banned, its port was proven if that is required. Another `ip` must be one that somebody can be at,
/// and proven or named from a trusted network.
fn entitled(shared: &Shared, saved: &Saved) -> Option<Entry> {
    let credential = match &saved.key {
        Some(name) => shared.keys.get().credential(name)?,
        None => Credential::Forgotten,
    };
    let entry = Entry::new(saved.peer, saved.infos.clone(), credential)?;
    let is_trusted = || shared.trusted.iter().any(|net| net.contains(entry.peer));
    let is_proven = || entry.infos.get("checked").is_some();
    let (ip, bans) = (entry.address.ip(), shared.bans.get());
    let is_entitled = [ip, entry.peer]
        .iter()
        .all(|ip| bans.refusal(*ip).is_none())
        && (!shared.setting.require_check || is_proven())
        && (ip == entry.peer || is_proven() || is_trusted())
        && Scope::of(ip).is_some();
    is_entitled.then_some(entry)
}

/// Takes game servers off the list that have not come back in time. Done when there are none left.
pub(super) fn forget(shared: &'static Shared) -> ControlFlow<()> {
    let mut forgotten = 0;
    loop {
        let next = lock(&shared.registry).next_to_forget();
        let now = Instant::now();
        if next.is_none_or(|next| now < next) && forgotten > 0 {
            shared.wake.list_changed();
            let why = "they have not logged in again since the tracker was started";
            shared
                .log
                .info("stale-forgotten", &[("count", &forgotten), ("why", &why)]);
            forgotten = 0;
        }
        match next {
            None => return ControlFlow::Break(()),
            Some(next) if now < next => std::thread::sleep(next - now),
            Some(_) => forgotten += usize::from(lock(&shared.registry).forget(now).is_some()),
        }
    }
}
