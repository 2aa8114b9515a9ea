//! What this tracker reads: the lists of the others, and who of them is alive.
//!
//! The whole list of a tracker is read once, and its stream from there on. It is read again if the numbers
//! of the stream have a gap, or if it does not give the digest in the sign of life.

use super::own_side::SEQUENCE;
use super::plan::{About, Plan};
use crate::protocol::text::spelled_out;
use crate::tracker::sharing::claims::Claims;
use crate::tracker::sharing::merge::Merge;
use crate::tracker::sharing::share::MAX_NAME;
use crate::tracker::sharing::wire::names::{Alive, Names, TrackerId};
use crate::tracker::sharing::wire::resp::Reply;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// Batches of one tracker that are read at once: what comes in 10 s. What the hash may lack is read in 24
/// steps.
const MOST_AT_ONCE: usize = 128;

/// The most looks to wait before a list is read again that its owner could not mend: a minute.
const MOST_REST: u32 = 64;

/// The engine forgets after so many seconds that a list was found to be wrong.
const MEND_SECONDS: &str = "60";

/// Another tracker.
#[derive(Debug, Default)]
struct Other {
    name: String,
    /// The batch up to which its list is known; `None` if all of it must be read.
    known: Option<u64>,
    /// Its whole list, as long as there are changes that are not in it. It may be some minutes older than
    /// what was known before, so nobody is shown it until then.
    reading: Option<Claims>,
    /// The digests of its list after the batches that were read last.
    digests: VecDeque<(u64, u64)>,
    /// More batches may wait for it.
    has_more: bool,
    /// Its sign of life was asked for.
    is_asked: bool,
    /// There was no list of it. That is as it should be if it has ended long ago.
    is_empty: bool,
    /// Since it was found wrong it has not been found right.
    is_doubted: bool,
    /// Nothing is believed up to this batch: it is to write all of it again.
    mended_after: Option<u64>,
    /// Looks to wait for until it is read again, and how many that will be the next time.
    rest: u32,
    next_rest: u32,
    life: Option<Alive>,
}

/// The other side.
#[derive(Debug, Default)]
pub(super) struct OtherSide {
    others: BTreeMap<TrackerId, Other>,
    /// Lists that are wrong in the engine itself.
    wrong: Vec<TrackerId>,
    /// Trackers whose time is over.
    forgotten: Vec<TrackerId>,
    /// Changes that were read, and whole lists.
    received: u64,
    reread: u64,
}

impl OtherSide {
    /// Plans to ask who is alive, and to take those off the list of trackers first whose time is over: or
    /// they would be met again.
    pub(super) fn look(&mut self, names: &Names, plan: &mut Plan) {
        for id in self.forgotten.drain(..) {
            let id_there = id.to_string();
            plan.push(About::Done, &["HDEL", &names.trackers(), &id_there]);
            // What was written in its last second may have no end.
            plan.push(About::Done, &["DEL", &names.list(id), &names.changes(id)]);
        }
        plan.push(About::Trackers, &["HGETALL", &names.trackers()]);
        for (id, other) in &mut self.others {
            other.ask(*id, names, plan);
        }
    }

    /// Plans to read what is new: one whole list at the most, and all changes.
    pub(super) fn read(&mut self, names: &Names, plan: &mut Plan) {
        for id in self.wrong.drain(..) {
            let mend = names.mend(id);
            plan.push(About::Done, &["SET", &mend, "1", "EX", MEND_SECONDS]);
        }
        for (id, other) in &mut self.others {
            if !other.is_asked {
                other.ask(*id, names, plan);
            }
        }
        if let Some((id, _)) = self.others.iter().find(|(_, other)| other.is_wanted()) {
            plan.push(About::List(*id), &["HGETALL", &names.list(*id)]);
        }
        let mut known = Vec::new();
        for (id, other) in &mut self.others {
            if let Some(sequence) = other.known {
                known.push((*id, sequence));
                other.has_more = false;
            }
        }
        if known.is_empty() {
            return;
        }
        let most = MOST_AT_ONCE.to_string();
        let mut words = ["XREAD", "COUNT", &most, "STREAMS"]
            .map(str::to_owned)
            .to_vec();
        words.extend(known.iter().map(|(id, _)| names.changes(*id)));
        words.extend(known.iter().map(|(_, sequence)| format!("{sequence}-0")));
        plan.push(About::Changes, &words);
    }

    /// The trackers that share the list. True if this one is among them.
    pub(super) fn meet(&mut self, own: TrackerId, fields: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let mut is_own_there = false;
        for (id, name) in fields {
            let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
            match id {
                Some(id) if id == own => is_own_there = true,
                Some(id) => {
                    let name = String::from_utf8_lossy(name);
                    self.others.entry(id).or_default().name = spelled_out(&name, MAX_NAME);
                }
                None => {}
            }
        }
        is_own_there
    }

    /// The whole list of one.
    pub(super) fn take_list(&mut self, id: TrackerId, fields: &[(Vec<u8>, Vec<u8>)]) {
        let Some(other) = self.others.get_mut(&id) else {
            return;
        };
        let mut sequence = None;
        let mut records = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            let value = std::str::from_utf8(value).unwrap_or_default();
            match field == SEQUENCE.as_bytes() {
                true => sequence = value.parse().ok(),
                false => records.push(value),
            }
        }
        let claims = Claims::read(records.into_iter());
        match sequence.zip(claims) {
            Some((sequence, claims)) => {
                self.reread += 1;
                other.known = Some(sequence);
                other.remember(claims.digest());
                other.reading = Some(claims);
                other.has_more = true;
            }
            // Nothing is left of a tracker that has ended long ago, nor of one whose list somebody deleted.
            None if fields.is_empty() && other.life.is_none() => other.is_empty = true,
            None => other.doubt(&mut self.wrong, id),
        }
    }

    /// What has changed.
    pub(super) fn take_changes(&mut self, names: &Names, reply: Reply, merge: &mut Merge) {
        let Reply::Array(streams) = reply else { return };
        for stream in streams {
            let Reply::Array(mut parts) = stream else {
                continue;
            };
            let (Some(Reply::Array(entries)), Some(Reply::Bytes(name))) =
                (parts.pop(), parts.pop())
            else {
                continue;
            };
            let mut others = self.others.iter_mut();
            let found = others.find(|(id, _)| names.changes(**id).as_bytes() == name);
            let Some((id, other)) = found else { continue };
            other.has_more = entries.len() >= MOST_AT_ONCE;
            for entry in entries {
                let next = other.known.and_then(|known| known.checked_add(1));
                let (number, batch) = parts_of(&entry).unwrap_or_default();
                let mut apply = || match &mut other.reading {
                    Some(claims) => claims.apply(batch).is_some(),
                    None => merge.apply(*id, batch),
                };
                if next != Some(number) || !apply() {
                    other.doubt(&mut self.wrong, *id);
                    break;
                }
                self.received += batch.lines().count() as u64;
                let claims = other.reading.as_ref().or_else(|| merge.claims(*id));
                let digest = claims.map_or(0, Claims::digest);
                other.known = next;
                other.remember(digest);
            }
        }
    }

    /// Hands over the lists that were read with all their changes.
    pub(super) fn settle(&mut self, merge: &mut Merge) {
        for (id, other) in &mut self.others {
            let claims = match other.has_more {
                true => None,
                false => other.reading.take(),
            };
            claims.into_iter().for_each(|it| merge.read(*id, it));
        }
    }

    /// Holds the signs of life against what is known now.
    pub(super) fn judge(
        &mut self,
        lives: Vec<(TrackerId, Option<Alive>)>,
        merge: &mut Merge,
        now: Instant,
    ) {
        for (id, life) in lives {
            let Some(other) = self.others.get_mut(&id) else {
                continue;
            };
            other.rest = other.rest.saturating_sub(1);
            merge.hear(id, life.is_some(), now);
            other.life = life;
            if other.is_empty && other.life.is_some() {
                // Its list comes before its sign of life: somebody has taken it away.
                other.is_empty = false;
                other.doubt(&mut self.wrong, id);
            }
            let (Some(life), Some(known)) = (&other.life, other.known) else {
                continue;
            };
            if known < life.seq {
                if !other.has_more {
                    other.doubt(&mut self.wrong, id);
                }
                continue;
            }
            let digests = other.digests.iter();
            match digests.rev().find(|(sequence, _)| *sequence == life.seq) {
                Some((_, digest)) if *digest == life.digest => other.believe(),
                Some(_) => other.doubt(&mut self.wrong, id),
                None => {}
            }
        }
    }

    /// Forgets those whose time is over.
    pub(super) fn forget(&mut self, ids: &[TrackerId]) {
        for id in ids {
            if let Some(other) = self.others.remove(id)
                && other.life.is_none()
            {
                self.forgotten.push(*id);
            }
        }
    }

    /// Changes that were read since this was last asked, and whole lists.
    pub(super) fn take_received(&mut self) -> (u64, u64) {
        (
            std::mem::take(&mut self.received),
            std::mem::take(&mut self.reread),
        )
    }

    /// True once every list was read, with what has changed since it was written.
    pub(super) fn is_read(&self) -> bool {
        let mut others = self.others.values();
        !others.any(|other| other.has_more || other.is_wanted() || other.reading.is_some())
    }

    /// What a tracker is called.
    pub(super) fn name(&self, id: TrackerId) -> &str {
        self.others.get(&id).map_or("", |other| &other.name)
    }
}

impl Other {
    /// True if its whole list is to be read, and may be there.
    fn is_wanted(&self) -> bool {
        let is_mended = self.mended_after.is_none_or(|sequence| {
            let life = self.life.as_ref();
            life.is_some_and(|life| life.seq > sequence)
        });
        self.known.is_none() && is_mended && !self.is_empty && self.rest == 0
    }

    /// Plans to ask for its sign of life.
    fn ask(&mut self, id: TrackerId, names: &Names, plan: &mut Plan) {
        self.is_asked = true;
        plan.push(About::Life(id), &["GET", &names.alive(id)]);
    }

    /// Its list has this digest now.
    fn remember(&mut self, digest: u64) {
        if self.digests.len() >= MOST_AT_ONCE {
            self.digests.pop_front();
        }
        self.digests.extend(self.known.map(|known| (known, digest)));
    }

    /// What was read of it is right.
    fn believe(&mut self) {
        self.is_doubted = false;
        self.mended_after = None;
        self.next_rest = 0;
    }

    /// What was read of it is wrong. It is read again, and if that does not help, its owner is asked to
    /// write it again.
    fn doubt(&mut self, wrong: &mut Vec<TrackerId>, id: TrackerId) {
        self.known = None;
        self.reading = None;
        self.has_more = false;
        self.digests.clear();
        if std::mem::replace(&mut self.is_doubted, true) {
            self.is_doubted = false;
            self.mended_after = Some(self.life.as_ref().map_or(0, |life| life.seq));
            self.rest = self.next_rest;
            self.next_rest = (2 * self.next_rest).clamp(1, MOST_REST);
            wrong.push(id);
        }
    }
}

/// The number of a batch, and what it says.
fn parts_of(entry: &Reply) -> Option<(u64, &str)> {
    let Reply::Array(parts) = entry else {
        return None;
    };
    let [Reply::Bytes(id), Reply::Array(fields)] = &parts[..] else {
        return None;
    };
    let number = std::str::from_utf8(id)
        .ok()?
        .strip_suffix("-0")?
        .parse()
        .ok()?;
    let [_, Reply::Bytes(batch)] = &fields[..] else {
        return None;
    };
    Some((number, std::str::from_utf8(batch).ok()?))
}
