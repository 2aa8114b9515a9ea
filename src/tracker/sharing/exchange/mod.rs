//! The conversation with the engine: pipelines out, replies in. Pure.
//!
//! A tracker first agrees with the others on the secret of the list, reads their lists, and writes its own.
//! From then on there is one pipeline in each round: its own changes, and those of the others. Each file
//! imports only from those above it.

mod plan;

mod own_side;

mod other_side;

use crate::tracker::sharing::marks::Secret;
use crate::tracker::sharing::merge::Merge;
use crate::tracker::sharing::wire::names::{Alive, Format, Names, TrackerId};
use crate::tracker::sharing::wire::resp::{Pipeline, Reply};
use other_side::OtherSide;
use own_side::OwnSide;
use plan::{About, Plan};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How often a sign of life is given and looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far the conversation has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Whose keys are these?
    Greet,
    /// They are nobody's yet.
    Propose,
    /// The lists of the others are read before the own one is written.
    Read,
    /// The own list is written, and who is alive is asked once more.
    Write,
    /// All is said, and goes on.
    Share,
}

/// What was said and read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) batches_sent: u64,
    pub(crate) changes_sent: u64,
    pub(crate) changes_received: u64,
    /// Lists that were read as a whole.
    pub(crate) reread: u64,
}

/// The conversation of one tracker.
#[derive(Debug)]
pub(crate) struct Exchange {
    names: Names,
    own: OwnSide,
    others: OtherSide,
    step: Step,
    /// The secret of the list; one that is proposed until there is one.
    secret: Secret,
    is_agreed: bool,
    look_at: Instant,
    /// What is on its way.
    plan: Plan,
    /// What was said and read since that was last asked.
    traffic: Traffic,
}

impl Exchange {
    /// The conversation of a tracker that was never heard of, which proposes `secret` where there is none.
    pub(crate) fn new(
        prefix: &str,
        id: TrackerId,
        name: &str,
        secret: Secret,
        now: Instant,
    ) -> Self {
        Self {
            names: Names::new(prefix),
            own: OwnSide::new(id, name.to_owned()),
            others: OtherSide::default(),
            step: Step::Greet,
            secret,
            is_agreed: false,
            look_at: now,
            plan: Plan::default(),
            traffic: Traffic::default(),
        }
    }

    /// Something has changed on the own list, which `line` says.
    pub(crate) fn say(&mut self, address: SocketAddr, line: &str) {
        self.own.say(address, line);
    }

    /// The connection is lost: the next pipeline is the first of a new one. Until then nothing is kept of what
    /// is said, since all of it will be written.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.step = Step::Greet;
        self.own.write_anew();
        self.look_at = now;
    }

    /// What is to be sent now.
    pub(crate) fn next(&mut self, merge: &Merge, now: Instant) -> &Pipeline {
        self.plan = Plan::default();
        let plan = &mut self.plan;
        match self.step {
            Step::Greet => plan.push(About::Format, &["GET", &self.names.format()]),
            Step::Propose => {
                let (key, line) = (
                    self.names.format(),
                    Format {
                        secret: self.secret,
                    }
                    .to_string(),
                );
                // It may be somebody else's by now; what is there is read again.
                plan.push(About::Done, &["SET", &key, &line, "NX"]);
                plan.push(About::Format, &["GET", &key]);
            }
            Step::Read | Step::Write | Step::Share => self.plan_round(merge, now),
        }
        &self.plan.pipeline
    }

    fn plan_round(&mut self, merge: &Merge, now: Instant) {
        let (names, plan) = (&self.names, &mut self.plan);
        let is_sharing = matches!(self.step, Step::Write | Step::Share);
        let is_written = self.own.is_written();
        if is_sharing {
            let said = self.own.write(names, merge, plan);
            self.traffic.batches_sent += u64::from(said > 0);
            self.traffic.changes_sent += said as u64;
        }
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            plan.push(About::Format, &["GET", &names.format()]);
            if is_sharing && is_written {
                self.own.live(names, merge, plan);
            }
            self.others.look(names, plan);
        }
        self.others.read(names, plan);
    }

    /// Takes the replies to what was sent, none of which is an error. Whatever they change is in `merge` then.
    ///
    /// # Errors
    /// If the keys are none of ours: a text that says what would be right.
    pub(crate) fn take(
        &mut self,
        replies: Vec<Reply>,
        merge: &mut Merge,
        now: Instant,
    ) -> Result<(), String> {
        let mut lives = Vec::new();
        let plan = std::mem::take(&mut self.plan);
        if self.step == Step::Write {
            merge.engine(true, now);
        }
        for (about, reply) in plan.read(replies) {
            match about {
                About::Done => {}
                About::Format => self.take_format(reply, now)?,
                About::Trackers => {
                    let is_own_there = self.others.meet(self.own.id, &fields(reply));
                    if self.step == Step::Share && self.own.is_written() && !is_own_there {
                        self.own.write_anew();
                    }
                }
                About::OwnLife => {
                    if !self.own.is_life(bytes(&reply)) {
                        self.own.write_anew();
                    }
                }
                About::Mend if bytes(&reply).is_some() => self.own.write_anew(),
                About::Mend => {}
                About::Life(id) => lives.push((id, alive(&reply))),
                About::List(id) => self.others.take_list(id, &fields(reply)),
                About::Changes => self.others.take_changes(&self.names, reply, merge),
            }
        }
        self.others.settle(merge);
        self.others.judge(lives, merge, now);
        match self.step {
            Step::Read if self.others.is_read() => {
                self.step = Step::Write;
                self.look_at = now;
            }
            Step::Write if self.own.is_written() => self.step = Step::Share,
            _ => {}
        }
        Ok(())
    }

    fn take_format(&mut self, reply: Reply, now: Instant) -> Result<(), String> {
        let is_first = matches!(self.step, Step::Greet | Step::Propose);
        let Some(line) = bytes(&reply) else {
            // It was emptied, or is new.
            self.own.write_anew();
            self.step = Step::Propose;
            return Ok(());
        };
        let format = String::from_utf8_lossy(line).parse::<Format>();
        let complaint = |why| format!("the key {} {why}", self.names.format());
        let Format { secret } = format.map_err(complaint)?;
        let is_known = self.is_agreed && secret == self.secret;
        (self.secret, self.is_agreed) = (secret, true);
        if is_first || !is_known {
            self.own.write_anew();
            self.step = Step::Read;
            self.look_at = now;
        }
        Ok(())
    }

    /// The secret of the list, once there is one.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.is_agreed.then_some(&self.secret)
    }

    /// True once the own list is in the engine and those of the others are here.
    pub(crate) fn is_whole(&self) -> bool {
        self.step == Step::Share && self.own.is_written() && self.others.is_read()
    }

    /// True if the next pipeline need not wait.
    pub(crate) fn has_more(&self) -> bool {
        !self.is_whole()
    }

    /// Forgets trackers whose time is over.
    pub(crate) fn forget(&mut self, ids: &[TrackerId]) {
        self.others.forget(ids);
    }

    /// What another tracker is called.
    pub(crate) fn name(&self, id: TrackerId) -> &str {
        self.others.name(id)
    }

    /// What was said and read since this was last asked.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        let (changes_received, reread) = self.others.take_received();
        Traffic {
            changes_received,
            reread,
            ..std::mem::take(&mut self.traffic)
        }
    }
}

fn bytes(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn alive(reply: &Reply) -> Option<Alive> {
    std::str::from_utf8(bytes(reply)?).ok()?.parse().ok()
}

/// The fields of a hash.
fn fields(reply: Reply) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Reply::Array(replies) = reply else {
        return Vec::new();
    };
    let mut texts = replies.into_iter().map(|reply| match reply {
        Reply::Bytes(bytes) => bytes,
        _ => Vec::new(),
    });
    std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect()
}

#[cfg(test)]
mod tests;
