//! How a game server gets onto the list, and changes what stands there.

use super::port_check::Proof;
use super::services::Services;
use super::session_state::{GameServerSession, State};
use super::whereabouts::udp_port;
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::session::outbox::Outbox;
use std::time::Instant;

impl<S: Services> GameServerSession<'_, S> {
    /// Puts the game server on the list for the first time.
    pub(super) fn list(
        &mut self,
        infos: Infos,
        credential: Credential,
        is_proven: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        // What was proven before a restart or a move counts until it is proven again, which begins at once. Otherwise
        // nobody would be listed as checked for minutes.
        let mut proof = Proof::of_port(udp_port(&infos), now);
        let target = self.whereabouts().target(&infos);
        let mut entry = self.entry(infos, credential)?;
        if is_proven || self.was_proven(&entry) {
            entry.infos.set("checked", "yes")?;
        }
        let address = entry.address;
        self.services.check_place(&entry)?;
        self.services.put(entry)?;
        if is_proven {
            proof = Proof::answered(now, &self.setting.timings);
            self.services.proven(target, true);
        }
        self.state = State::Listed {
            heard: now,
            pinged: None,
            pings: 0,
            proof,
        };
        self.mistakes.prove();
        out.line(format_args!("OK listed {address}"));
        Ok(())
    }

    /// Changes the entry of a game server that is on the list.
    pub(super) fn update(
        &mut self,
        entry: &Entry,
        changes: &Changes<'_>,
        is_proven: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let mut infos = entry.infos.with(changes);
        infos.check_complete()?;
        let place = self.whereabouts();
        let (target, before) = (place.target(&infos), place.target(&entry.infos));
        let has_moved = target != before;
        if has_moved {
            if self.must_be_proven(&infos) || self.must_be_proven(&entry.infos) {
                let what = match target.ip() == before.ip() {
                    true => "the port that was checked",
                    false => "the ip that you are listed at",
                };
                let text = format!("{what} cannot change on this connection; log in again");
                return Err(Refusal::new(ErrorCode::BadValue, text));
            }
            // The old port was proven, not this one.
            infos.set("checked", "")?;
        } else if is_proven {
            infos.set("checked", "yes")?;
        }
        let mut address = entry.address;
        if infos != entry.infos {
            let changed = self.entry(infos, entry.credential)?;
            address = changed.address;
            if address != entry.address {
                self.services.check_place(&changed)?;
            }
            self.services.put(changed)?;
        }
        if let State::Listed { proof, .. } = &mut self.state {
            if has_moved {
                *proof = Proof::of_port(target.port(), now);
            } else if is_proven {
                *proof = Proof::answered(now, &self.setting.timings);
                self.services.proven(target, true);
            }
        }
        match address == entry.address {
            true if is_proven && !has_moved => out.line("OK checked"),
            true => out.line("OK"),
            false => out.line(format_args!("OK listed {address}")),
        }
        Ok(())
    }

    /// Refuses the words that are the tracker's to say, and an `ip` that cannot be true.
    pub(super) fn check_trackers_words(&self, changes: &Changes<'_>) -> Result<(), Refusal> {
        for word in ["checked", "stale"] {
            if changes.get(word).is_some() {
                let text = format!("{word} is the tracker's own word; leave it out");
                return Err(Refusal::new(ErrorCode::BadValue, text));
            }
        }
        if let Some(claimed) = changes.get("ip") {
            self.whereabouts().check(claimed)?;
        }
        Ok(())
    }
}
