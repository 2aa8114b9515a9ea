//! How a connection ends, and when its game server is tried again.

use super::super::entry::State;
use super::super::verdict::{self, AWAY, REFUSES, Verdict, Whom};
use super::table::{Links, NOBODY};
use crate::base::backoff::spread;
use crate::base::random::RANDOM;
use crate::bridge::desk::Outcome;
use crate::game_server::session::Ending;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How soon a game server is tried again that was refused for a reason of its own, if nothing says when.
const RETRY: Duration = Duration::from_secs(5);

/// How often to look whether another login has left the address of a game server, and how long what the list
/// has there may be left over from the connection before.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(3);

impl Links {
    pub(super) fn ended(&mut self, address: SocketAddr, ending: Ending, now: Instant) {
        match ending {
            Ending::Refused(refusal) => {
                self.refusals.add_one();
                if refusal.is_for_want_of_room() {
                    self.look_elsewhere(address);
                }
                let verdict = verdict::of(&refusal, self.here);
                self.close(address, REFUSES, &verdict, &refusal.to_string(), now);
            }
            Ending::Lost(why) => {
                self.losses.add_one();
                let was_listed = self.was_listed(address);
                match was_listed {
                    true => self.voice.say_away(AWAY, &why, "", 1, Duration::ZERO, now),
                    false => self.look_elsewhere(address),
                }
                self.close(address, AWAY, &verdict::of_loss(was_listed), &why, now);
            }
            Ending::Left | Ending::LogInAgain => {
                self.close(address, "", &verdict::of_end(), "", now);
            }
        }
    }

    /// The address of the tracker that this game server came to is not where to come to.
    fn look_elsewhere(&self, address: SocketAddr) {
        if let Some(State::Linked(link, _)) = self.entries.get(&address).map(|entry| &entry.state)
            && let Some(tracker) = link.tracker()
        {
            self.dialer.failed(tracker);
        }
    }

    fn was_listed(&self, address: SocketAddr) -> bool {
        let entry = self.entries.get(&address);
        let state = entry.map(|entry| &entry.state);
        matches!(state, Some(State::Linked(link, _)) if link.is_listed())
    }

    /// Ends the connection of this game server, as `event`. It is tried again, if it is still wanted.
    pub(super) fn close(
        &mut self,
        address: SocketAddr,
        event: &str,
        verdict: &Verdict,
        why: &str,
        now: Instant,
    ) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        let is_wanted = entry.wanted.is_some();
        let old = std::mem::replace(&mut entry.state, State::Resting);
        let mut is_counted = false;
        if let State::Linked(link, counted) = old {
            is_counted = counted;
            entry.ended = Some(now);
            entry.avoided = link.into_session().into_avoided();
        }
        let (advice, wait) = (&verdict.advice, verdict.wait);
        match (verdict.whom, is_counted) {
            (Whom::All, true) => self.keep_out(event, why, advice, wait, now),
            (_, true) if is_wanted => self.gate.pass(),
            (_, true) => self.gate.drop_one(),
            (_, false) => {}
        }
        if !is_wanted {
            return self.remove(address);
        }
        let refused = || Some(Outcome::Refused(why.to_owned()));
        let desk = Arc::clone(&self.hall.desk);
        match verdict.whom {
            Whom::All => {
                desk.set_outcome(address, refused());
                self.enqueue(address);
            }
            Whom::Distrusted => {
                desk.set_outcome(address, refused());
                self.hall
                    .log
                    .debug("not-listed", &[("server", &address), ("why", &why)]);
                self.distrust(address, advice, now);
            }
            Whom::One | Whom::Rival if wait == Some(Duration::ZERO) => {
                desk.set_outcome(address, None);
                self.enqueue(address);
            }
            whom => {
                self.refused(address, why, advice);
                let wait = spread(wait.unwrap_or(RETRY), 1.0..1.25, RANDOM.chance());
                self.rest(address, whom, now + wait, now);
            }
        }
    }

    /// Another login has the address of this game server: a second one would take its place.
    pub(super) fn make_way(&mut self, address: SocketAddr, now: Instant) {
        let (why, advice) = verdict::ON_THE_LIST;
        self.refused(address, why, advice);
        self.rest(address, Whom::Rival, now + LOOK_AGAIN, now);
    }

    /// A game server is tried again then; before that, once its address is free.
    fn rest(&mut self, address: SocketAddr, whom: Whom, until: Instant, now: Instant) {
        let due = match (whom, self.entries.get_mut(&address)) {
            (Whom::Rival, Some(entry)) => {
                entry.state = State::Taken(until);
                until.min(now + LOOK_AGAIN)
            }
            _ => until,
        };
        self.set_due(address, Some(due));
    }

    /// The tracker lacks trust in the bridge, and does not list this game server.
    fn distrust(&mut self, address: SocketAddr, advice: &str, now: Instant) {
        self.set_due(address, None);
        self.distrusted.add(address, now);
        if let Some(entry) = self.entries.get_mut(&address) {
            entry.is_distrusted = true;
        }
        let next = self.distrusted.next().unwrap_or(now);
        let wait = next.saturating_duration_since(now);
        let why = "it does not take this bridge's word for where game servers are";
        let waiting = self.distrusted.len();
        self.voice
            .say_away(REFUSES, why, advice, waiting, wait, now);
    }

    /// Something keeps everybody out.
    pub(super) fn keep_out(
        &mut self,
        event: &str,
        why: &str,
        advice: &str,
        least: Option<Duration>,
        now: Instant,
    ) {
        if let Some(wait) = self.gate.fail(least, now, RANDOM.chance()) {
            // The one that has failed is not in the queue yet.
            let nobody = usize::from(self.entries.contains_key(&NOBODY));
            let waiting = (self.queue.len() + self.distrusted.len() + 1).saturating_sub(nobody);
            self.voice.say_away(event, why, advice, waiting, wait, now);
        }
    }

    /// A game server is not listed, for a reason of its own.
    pub(super) fn refused(&mut self, address: SocketAddr, why: &str, advice: &str) {
        let desk = &self.hall.desk;
        let outcome = Some(Outcome::Refused(why.to_owned()));
        if desk.outcome(address) != outcome {
            let mut fields: Vec<(&str, &dyn Display)> = vec![("server", &address), ("why", &why)];
            if !advice.is_empty() {
                fields.push(("advice", &advice));
            }
            self.hall.log.info("not-listed", &fields);
            desk.set_outcome(address, outcome);
            if let Some(entry) = self.entries.get_mut(&address) {
                entry.is_said = true;
            }
        }
    }
}
