//! The thread that shares the list.
//!
//! It alone waits for the engine. In each round it takes what has changed on the own list, exchanges that for
//! what has changed on the others', and changes the list. Each file imports only from those above it.

mod apply;

mod own_list;

use super::engine::{Connected, Engine, EngineError, Kind};
use super::exchange::Exchange;
use super::marks::{Marks, Secret};
use super::merge::Merge;
use super::share::Share;
use super::wire::names::TrackerId;
use crate::base::backoff::spread;
use crate::base::files::outage::Outage;
use crate::base::log::lasting;
use crate::base::threads;
use crate::tracker::access::keys::Keys;
use crate::tracker::access::passwords::Passwords;
use crate::tracker::state::shared::Shared;
use crate::tracker::state::sharing_status::{OwnerStatus, State, Status};
use own_list::OwnList;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// From one round to the next. A change waits for two of them at the most before another tracker lists it,
/// and 13 small requests a second are no load for the engine.
const ROUND: Duration = Duration::from_millis(75);

/// From one attempt to connect to the next, at the most: half of that at the least, so that trackers that
/// lost the engine together do not come back together.
const RETRY: Duration = Duration::from_secs(1);

/// The same for an engine that refuses until somebody changes something. Each attempt may cost it the whole
/// list.
const RETRY_REFUSED: Duration = Duration::from_secs(5);

/// Starts the thread.
///
/// # Errors
/// What the system says when it has no thread left.
pub(crate) fn start(shared: &'static Shared, share: Share, status: Arc<Status>) -> io::Result<()> {
    let run = move || {
        // After a panic it is a tracker that the others have never heard of.
        apply::forget_all(shared);
        Sharer::new(shared, share.clone(), Arc::clone(&status)).run()
    };
    lasting::start("sharing", threads::STACK, &shared.log, run).map(drop)
}

/// The state of the thread.
struct Sharer {
    shared: &'static Shared,
    id: TrackerId,
    name: String,
    engine: Engine,
    /// The node that is connected to.
    node: Connected,
    exchange: Exchange,
    merge: Merge,
    marks: Marks,
    marked: Option<Marked>,
    own_list: OwnList,
    status: Arc<Status>,
    outage: Outage,
    /// The log's last word of the engine is that it refuses.
    is_refusal_said: bool,
    /// When to connect again.
    retry_at: Instant,
    /// A whole round was made on this connection.
    is_proven: bool,
    /// Who was alive when that was last looked at.
    alive: HashMap<TrackerId, bool>,
}

/// What the marks were made of.
struct Marked {
    secret: Secret,
    passwords: Arc<Passwords>,
    keys: Arc<Keys>,
}

impl Sharer {
    fn new(shared: &'static Shared, share: Share, status: Arc<Status>) -> Self {
        let now = Instant::now();
        let mut secret = Secret::default();
        for half in secret.chunks_exact_mut(size_of::<u64>()) {
            half.copy_from_slice(&shared.random.number().to_be_bytes());
        }
        let id = TrackerId(shared.random.number());
        Self {
            shared,
            id,
            exchange: Exchange::new(&share.prefix, id, &share.name, secret, now),
            engine: Engine::new(&share),
            name: share.name,
            node: Connected::default(),
            merge: Merge::new(id),
            marks: Marks::default(),
            marked: None,
            own_list: OwnList::default(),
            status,
            outage: Outage::default(),
            is_refusal_said: false,
            retry_at: now,
            is_proven: false,
            alive: HashMap::new(),
        }
    }

    fn run(mut self) -> ! {
        loop {
            let start = Instant::now();
            self.round();
            if !self.engine.is_connected() || !self.exchange.has_more() {
                std::thread::sleep(ROUND.saturating_sub(start.elapsed()));
            }
        }
    }

    fn round(&mut self) {
        self.renew_marks();
        self.take_own();
        let start = Instant::now();
        if let Err(error) = self.talk() {
            self.lose(error, start.elapsed());
        }
        // A slow engine leaves time for many changes. Without them nobody could be told apart who has just
        // logged in from one who says something new all the time.
        self.take_own();
        self.forget();
        // What is half read is not shown.
        if self.exchange.is_whole() || !self.engine.is_connected() {
            let taken = apply::apply(self.shared, &mut self.merge, &self.marks);
            self.status.taken_over.add(taken);
            self.tell();
            if self.is_proven {
                self.work(Instant::now());
            }
        }
    }

    /// What has changed on the own list is known, and will be said.
    fn take_own(&mut self) {
        let registry = &self.shared.registry;
        self.own_list
            .take(registry, &self.marks, &mut self.merge, &mut self.exchange);
    }

    /// One pipeline, on a new connection if there is none.
    fn talk(&mut self) -> Result<(), EngineError> {
        if !self.engine.is_connected() {
            if Instant::now() < self.retry_at {
                return Ok(());
            }
            self.connect()?;
        }
        let now = Instant::now();
        let pipeline = self.exchange.next(&self.merge, now);
        let replies = self.engine.exchange(pipeline)?;
        let now = Instant::now();
        let taken = self.exchange.take(replies, &mut self.merge, now);
        taken.map_err(EngineError::refused)?;
        self.status.round_done(now);
        self.is_proven |= self.exchange.is_whole();
        Ok(())
    }

    fn connect(&mut self) -> Result<(), EngineError> {
        self.is_proven = false;
        let now = Instant::now();
        let wait = spread(RETRY, 0.5..1.0, self.shared.random.chance());
        self.retry_at = now + wait;
        self.node = self.engine.connect()?;
        Ok(())
    }

    /// The engine answers, and the list has what it said. Logged if that is news.
    fn work(&mut self, now: Instant) {
        let before = self.status.set_state(State::Sharing, "", now);
        let is_first = before.is_some_and(|(state, _)| state == State::Connecting);
        if self.outage.works(now) || is_first {
            let others = self.owners().iter().filter(|owner| owner.is_alive).count() - 1;
            let fields = [
                ("engine", &self.node.node as _),
                ("version", &self.node.version as _),
                ("other-trackers", &others as _),
            ];
            self.shared.log.info("sharing", &fields);
        }
    }

    /// The engine does not answer. A connection that worked and broke is made again at once, since its node
    /// may have handed over to another; not one that was waited for in vain.
    fn lose(&mut self, error: EngineError, waited: Duration) {
        self.engine.disconnect();
        self.exchange.begin_again(Instant::now());
        let is_worth_it = std::mem::take(&mut self.is_proven) && waited < RETRY;
        match is_worth_it.then(|| self.connect()) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.say_lost(error),
            None => self.say_lost(error),
        }
    }

    fn say_lost(&mut self, error: EngineError) {
        let now = Instant::now();
        self.merge.engine(false, now);
        let state = match error.kind() {
            Kind::Refused => State::Refused,
            Kind::Away => State::Away,
        };
        if error.kind() == Kind::Refused {
            let wait = spread(RETRY_REFUSED, 0.5..1.0, self.shared.random.chance());
            self.retry_at = now + wait;
        }
        self.status.set_state(state, &error.to_string(), now);
        // A new reason is said at once; that it cannot be reached is no more than was said.
        let is_refusal = state == State::Refused;
        let is_news = is_refusal && !self.is_refusal_said;
        if self.outage.fails(now) || is_news {
            self.is_refusal_said = is_refusal;
            let so = "own game servers are listed as always, those of other trackers are stale";
            let fields = [("error", &error as _), ("so", &so as _)];
            self.shared.log.warn("not-sharing", &fields);
        }
    }

    /// What game servers logged in with is marked anew when files or the secret have changed.
    fn renew_marks(&mut self) {
        let Some(secret) = self.exchange.secret() else {
            return;
        };
        let (passwords, keys) = (self.shared.passwords.get(), self.shared.keys.get());
        let is_same = self.marked.as_ref().is_some_and(|marked| {
            marked.secret == *secret
                && Arc::ptr_eq(&marked.passwords, &passwords)
                && Arc::ptr_eq(&marked.keys, &keys)
        });
        if is_same {
            return;
        }
        self.marks = Marks::new(secret, &passwords, &keys);
        self.marked = Some(Marked {
            secret: *secret,
            passwords,
            keys,
        });
        self.own_list.forget();
        self.merge.touch_all();
    }

    fn forget(&mut self) {
        let gone = self.merge.forget(Instant::now());
        for id in &gone {
            // One that was started again is not away.
            if self.alive.remove(id) == Some(false) {
                let name = self.exchange.name(*id);
                let fields = [("name", &name as _), ("tracker", id as _)];
                self.shared.log.info("tracker-forgotten", &fields);
            }
        }
        self.exchange.forget(&gone);
    }

    /// Says who comes and goes, and how it stands.
    fn tell(&mut self) {
        let owners = self.owners();
        for owner in &owners {
            let id = TrackerId(owner.id);
            if id != self.id && self.alive.insert(id, owner.is_alive) != Some(owner.is_alive) {
                let event = match owner.is_alive {
                    true => "tracker-here",
                    false => "tracker-away",
                };
                let fields = [
                    ("name", &owner.name as _),
                    ("tracker", &id as _),
                    ("game-servers", &owner.entries as _),
                ];
                self.shared.log.info(event, &fields);
            }
        }
        let traffic = self.exchange.take_traffic();
        self.status.batches_sent.add(traffic.batches_sent);
        self.status.changes_sent.add(traffic.changes_sent);
        self.status.changes_received.add(traffic.changes_received);
        self.status.reread.add(traffic.reread);
        let own = self.merge.own().count();
        let (elsewhere, stale) = self.merge.shown();
        self.status.set_entries(own, elsewhere, stale);
        self.status.set_owners(owners);
    }

    /// All trackers, this one included. One that was started again counts once, whatever its run before has
    /// left.
    fn owners(&self) -> Vec<OwnerStatus> {
        let own = (self.id, self.merge.own().count(), true);
        let all = self.merge.owners().chain([own]);
        let status = |(id, entries, is_alive)| OwnerStatus {
            name: match id == self.id {
                true => self.name.clone(),
                false => self.exchange.name(id).to_owned(),
            },
            id: id.0,
            entries,
            is_alive,
        };
        let (alive, away): (Vec<_>, Vec<_>) = all.map(status).partition(|owner| owner.is_alive);
        let is_back = |owner: &OwnerStatus| alive.iter().any(|other| other.name == owner.name);
        let away: Vec<_> = away.into_iter().filter(|owner| !is_back(owner)).collect();
        alive.into_iter().chain(away).collect()
    }
}
