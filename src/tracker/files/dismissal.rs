//! Who goes when keys or bans have changed.

use crate::base::mutex::lock;
use crate::protocol::refusal::Refusal;
use crate::tracker::access::bans::Bans;
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::snapshot::List;
use crate::tracker::state::shared::Shared;
use std::sync::Arc;

impl Shared {
    /// Closes the connections of listed game servers whose credential is not allowed any more, and
    /// forgets the stale ones.
    pub(crate) fn dismiss_listed(&self, is_gone: impl Fn(Credential) -> bool, why: &Refusal) {
        self.dismiss_entries(|entry| is_gone(entry.credential).then(|| why.clone()));
    }

    /// Takes entries off the list for which there is a reason to.
    fn dismiss_entries(&self, refusal: impl Fn(&Entry) -> Option<Refusal>) {
        let list = lock(&self.registry).list();
        // Another tracker decides who is logged in to it.
        let refusal = |entry: &Entry| match entry.is_elsewhere {
            true => None,
            false => refusal(entry),
        };
        self.forget_stale(&list, |entry| refusal(entry).is_some());
        for entry in list.entries() {
            let Some(why) = refusal(entry) else { continue };
            let holder = lock(&self.registry).holder_of(entry.address);
            let connection = holder.and_then(|id| lock(&self.admission).handle(id).map(Arc::clone));
            if let Some(connection) = connection {
                connection.dismiss(why);
            }
        }
    }

    /// Closes all connections of banned peers, and those of game servers that are listed at a banned
    /// address.
    pub(crate) fn dismiss_banned(&self, bans: &Bans) {
        let connections: Vec<_> = lock(&self.admission).handles().map(Arc::clone).collect();
        for connection in connections {
            if let Some(refusal) = bans.refusal(connection.peer().ip()) {
                connection.dismiss(refusal);
            }
        }
        self.wake.dismissed();
        self.dismiss_entries(|entry| {
            let at_peer = bans.refusal(entry.peer);
            at_peer.or_else(|| bans.refusal(entry.address.ip()))
        });
    }

    /// Takes stale entries off the list that have lost their right to be there: they have no
    /// connection to close.
    fn forget_stale(&self, list: &List, is_gone: impl Fn(&Entry) -> bool) {
        for entry in list
            .entries()
            .filter(|entry| entry.is_stale() && is_gone(entry))
        {
            let mut registry = lock(&self.registry);
            let there = registry.stale_at(entry.address);
            // It may be another one by now.
            if let Some((holder, _)) = there.filter(|(_, there)| is_gone(there)) {
                registry.remove(holder);
            }
        }
        self.wake.list_changed();
    }
}
