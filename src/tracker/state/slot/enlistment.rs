//! How a game server is put on the list.

use super::guard::SlotGuard;
use crate::base::mutex::lock;
use crate::protocol::refusal::Refusal;
use crate::tracker::access::keys::withdrawn;
use crate::tracker::access::slots::Class;
use crate::tracker::list::entry::Entry;
use crate::tracker::session::game_server::{taken, taken_over};
use std::sync::Arc;

impl SlotGuard {
    /// Puts an entry on the list, or a new one in place of the old.
    pub(super) fn put(&self, entry: Entry) -> Result<(), Refusal> {
        match self.class() {
            Class::Listed => self.update(entry)?,
            _ => self.enlist(entry)?,
        }
        self.shared().wake.list_changed();
        Ok(())
    }

    /// Puts a game server on the list that was not there before.
    fn enlist(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, newcomer) = (self.shared(), self.newcomer());
        let (address, credential) = (entry.address, entry.credential);
        let peer = self.connection().peer();
        let enlisted = {
            let mut admission = lock(&shared.admission);
            let mut registry = lock(&shared.registry);
            let replaced = registry.replaced(newcomer.id, &entry);
            let replaced = replaced.map_err(|why| taken(address, why))?;
            let handle = Arc::clone(self.connection());
            let enlisted = admission.enlist(newcomer, credential.key(), handle, replaced);
            if enlisted.is_ok() {
                let put = registry.put(newcomer.id, entry);
                put.map_err(|why| taken(address, why))?;
            }
            enlisted
        };
        let ghost = enlisted.map_err(|denied| {
            self.forget_denied();
            shared.say_denied(denied, peer, Class::Listed);
            denied.refusal()
        })?;
        if let Some(ghost) = ghost {
            ghost.dismiss(taken_over(address));
        }
        // Keys that were read since it was verified would not have found the entry yet.
        if !shared.keys.get().allows(credential) {
            self.connection().dismiss(withdrawn());
        }
        // A guest was not among those whom new bans are held against.
        let bans = shared.bans.get();
        let ban = bans.refusal(peer.ip()).or(bans.refusal(address.ip()));
        if let Some(refusal) = ban {
            self.connection().dismiss(refusal);
        }
        self.become_listed();
        shared.stats.logins.add_one();
        let fields = [("address", &address as _), ("peer", &peer as _)];
        shared.log.info("listed", &fields);
        shared.hidden_servers.list(address, peer.ip(), &shared.log);
        Ok(())
    }

    /// Changes the entry of a game server that is on the list.
    fn update(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared(), self.connection().id());
        let address = entry.address;
        let (before, replaced) = {
            let mut registry = lock(&shared.registry);
            // A newer login may have been quicker than this update.
            let before = registry.entry_of(id).ok_or_else(|| taken_over(address))?;
            let replaced = registry.put(id, entry);
            (before.address, replaced.map_err(|why| taken(address, why))?)
        };
        if let Some(ghost) = replaced {
            let mut admission = lock(&shared.admission);
            let connection = admission.handle(ghost).map(Arc::clone);
            admission.leave(ghost);
            drop(admission);
            if let Some(ghost) = connection {
                ghost.dismiss(taken_over(address));
            }
        }
        shared.stats.updates.add_one();
        if before != address {
            let peer = self.connection().peer();
            let fields = [
                ("from", &before as _),
                ("to", &address as _),
                ("peer", &peer as _),
            ];
            shared.log.info("moved", &fields);
        }
        Ok(())
    }
}
