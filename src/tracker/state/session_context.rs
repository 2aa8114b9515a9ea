//! One connection's slot, and what its session may ask of the tracker with it.
//!
//! This file hides what a session's wishes do to what everybody shares: who is put on the list and
//! who must leave it for that, what a failed login costs, what is counted and logged.

use crate::protocol::command::Request;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::revision::Revision;
use crate::tracker::access::admission::{Denied, Newcomer};
use crate::tracker::access::identity::Credential;
use crate::tracker::access::network::Network;
use crate::tracker::access::rate_limits::Penalties;
use crate::tracker::access::slots::Class;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::history::Recent;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::Ending;
use crate::tracker::session::Timings;
use crate::tracker::session::answer::{self, Answer, Batch, Question};
use crate::tracker::session::client;
use crate::tracker::session::game_server::{self, taken, taken_over};
use crate::tracker::session::watcher;
use crate::tracker::state::answers::Answers;
use crate::tracker::state::connection::Connection;
use crate::tracker::state::log::Level;
use crate::tracker::state::shared::{Shared, lock};
use crate::tracker::threads::peer::Roster;
use std::cell::Cell;
use std::fmt::{Display, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// CPU time that an answer takes beside its system calls before it is counted; those of a connection
/// take some 30 us.
const COUNTED: Duration = Duration::from_micros(10);

/// What there is to answer a request with.
struct Found {
    list: Arc<List>,
    /// What has changed since the revision that it names, if that can be told.
    recent: Option<Recent>,
    /// The CPU time that the answer will take.
    work: Duration,
}

/// One connection's slot. Dropping it takes the connection off the list and frees the slot, so
/// that a session which ends in whatever way leaves nothing behind.
pub(crate) struct Seat {
    shared: &'static Shared,
    connection: Arc<Connection>,
    class: Cell<Class>,
    trusted: bool,
    /// Why it has no slot, if it has none.
    guest: Cell<Option<Denied>>,
    /// It was a guest and got what it came for.
    is_served: Cell<bool>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.unlist("lost");
        lock(&self.shared.admission).leave(self.connection.id());
    }
}

impl Seat {
    /// The seat of a connection that holds a slot of `class`, or is a guest at that door.
    pub(crate) fn new(
        shared: &'static Shared,
        connection: Arc<Connection>,
        class: Class,
        trusted: bool,
    ) -> Self {
        Self {
            shared,
            connection,
            class: Cell::new(class),
            trusted,
            guest: Cell::new(None),
            is_served: Cell::new(false),
        }
    }

    /// The same for a guest, who was `denied` a slot.
    pub(crate) fn for_guest(self, denied: Denied) -> Self {
        self.guest.set(Some(denied));
        self
    }

    /// The connection that this is the slot of.
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// What everybody shares.
    pub(crate) fn shared(&self) -> &'static Shared {
        self.shared
    }

    /// How long anything may take.
    pub(crate) fn timings(&self) -> &'static Timings {
        &self.shared.setting.timings
    }

    /// A client has become a watcher, which holds a slot of its own.
    pub(crate) fn settle(&self) {
        self.class.set(Class::Watcher);
        lock(&self.shared.admission).settle(self.connection.id());
    }

    /// The threads of its port.
    pub(crate) fn roster(&self) -> &'static Roster {
        match self.class.get() {
            Class::Pending | Class::Listed => &self.shared.game_server_roster,
            Class::Client | Class::Watcher => &self.shared.client_roster,
        }
    }

    /// Takes the connection off the list and says what came of its conversation. The peer is given
    /// a moment to read the last line if this thread `may_wait`.
    pub(crate) fn conclude(&self, ending: Ending, may_wait: bool) {
        let timings = self.timings();
        self.unlist(match &ending {
            Ending::Done | Ending::Watching(..) => "left",
            Ending::Refused(refusal) => refusal.code.as_str(),
            Ending::SlowReader => ErrorCode::SlowReader.as_str(),
            Ending::Lost(_) => "lost",
        });
        let (peer, class) = (self.connection.peer(), self.class.get().as_str());
        let fields: [(&str, &dyn Display); 2] = [("peer", &peer), ("class", &class)];
        match ending {
            Ending::Done | Ending::Watching(..) => {
                self.shared.log.event(Level::Debug, "closed", &fields);
            }
            Ending::Refused(refusal) if self.is_turned_away(&refusal) => {
                if let Some(denied) = self.guest.get() {
                    self.shared.say_denied(denied, peer, self.class.get());
                }
                self.connection.farewell(Duration::ZERO);
            }
            Ending::Refused(refusal) => {
                self.shared.stats.refused.of(refusal.code).add_one();
                self.penalize(refusal.code);
                self.shared.log.noisy("refused", &refusal, &fields);
                let patience = match may_wait && !self.is_crowded() {
                    true => timings.farewell,
                    false => Duration::ZERO,
                };
                self.connection.farewell(patience);
            }
            Ending::SlowReader => {
                self.shared.stats.slow_readers.add_one();
                let text = "an answer was not read in time";
                let refusal = Refusal::new(ErrorCode::SlowReader, text);
                self.shared.log.noisy("refused", &refusal, &fields);
            }
            Ending::Lost(error) => {
                let fields: [(&str, &dyn Display); 3] = [fields[0], fields[1], ("error", &error)];
                self.shared.log.event(Level::Debug, "lost", &fields);
            }
        }
    }

    /// True for a guest that goes as if it had been turned away at the door.
    fn is_turned_away(&self, refusal: &Refusal) -> bool {
        let denied = self.guest.get().filter(|_| !self.is_served.get());
        denied.is_some_and(|denied| denied.refusal().code == refusal.code)
    }

    /// What a failed login costs the host it came from.
    pub(crate) fn penalize(&self, code: ErrorCode) {
        let shared = self.shared;
        if self.class.get() != Class::Pending || self.trusted {
            return;
        }
        let penalty = match code {
            ErrorCode::BadPassword | ErrorCode::BadChallenge => Penalties::FAILED_LOGIN,
            ErrorCode::Timeout => Penalties::LATE_LOGIN,
            _ => return,
        };
        let peer = self.connection.peer();
        if lock(&shared.admission).penalize(peer.ip(), penalty, Instant::now()) {
            shared.stats.penalties.add_one();
            let text = "this host may not log in for a while";
            let fields: [(&str, &dyn Display); 1] = [("peer", &peer)];
            shared
                .log
                .noisy("penalty", &Refusal::new(code, text), &fields);
        }
    }

    /// Puts a game server on the list that was not there before.
    fn enlist(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared, self.connection.id());
        let (address, credential) = (entry.address, entry.credential);
        let peer = self.connection.peer();
        let enlisted = {
            let mut admission = lock(&shared.admission);
            let mut registry = lock(&shared.registry);
            let replaced = registry.replaced(id, &entry);
            let replaced = replaced.map_err(|why| taken(address, why))?;
            let newcomer = Newcomer {
                id,
                ip: peer.ip(),
                trusted: self.trusted,
                now: Instant::now(),
            };
            let handle = Arc::clone(&self.connection);
            let enlisted = admission.enlist(newcomer, credential.key(), handle, replaced);
            if enlisted.is_ok() {
                registry.put(id, entry).map_err(|why| taken(address, why))?;
            }
            enlisted
        };
        let ghost = enlisted.map_err(|denied| {
            // It goes for this, whatever it was denied before.
            self.guest.set(None);
            shared.say_denied(denied, peer, Class::Listed);
            denied.refusal()
        })?;
        if let Some(ghost) = ghost {
            ghost.dismiss(taken_over(address));
        }
        // Keys that were read since it was verified would not have found the entry yet.
        if !shared.keys.get().allows(credential) {
            self.connection.dismiss(key_withdrawn());
        }
        // A guest was not among those whom new bans are held against.
        let bans = shared.bans.get();
        let ban = bans.refusal(peer.ip()).or(bans.refusal(address.ip()));
        if let Some(refusal) = ban {
            self.connection.dismiss(refusal);
        }
        self.serve_guest();
        self.guest.set(None);
        self.class.set(Class::Listed);
        shared.stats.logins.add_one();
        let fields: [(&str, &dyn Display); 2] = [("address", &address), ("peer", &peer)];
        shared.log.event(Level::Info, "listed", &fields);
        shared.outsiders.list(address, peer.ip(), &shared.log);
        Ok(())
    }

    /// If this is a guest, it gets what it came for.
    fn serve_guest(&self) {
        if self.guest.get().is_some() && !self.is_served.replace(true) {
            self.shared.stats.guests.add_one();
        }
    }

    /// Changes the entry of a game server that is on the list.
    fn update(&self, entry: Entry) -> Result<(), Refusal> {
        let (shared, id) = (self.shared, self.connection.id());
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
            let peer = self.connection.peer();
            let fields: [(&str, &dyn Display); 3] =
                [("from", &before), ("to", &address), ("peer", &peer)];
            shared.log.event(Level::Info, "moved", &fields);
        }
        Ok(())
    }

    fn unlist(&self, why: &str) {
        if self.class.get() == Class::Client {
            return;
        }
        let removed = lock(&self.shared.registry).remove(self.connection.id());
        if let Some(entry) = removed {
            let peer = self.connection.peer();
            let fields: [(&str, &dyn Display); 3] =
                [("address", &entry.address), ("peer", &peer), ("why", &why)];
            self.shared.log.event(Level::Info, "unlisted", &fields);
            self.shared.watchers.list_changed();
        }
    }

    /// True if many want to come in by the same door.
    fn is_crowded(&self) -> bool {
        let class = match self.class.get() {
            Class::Pending | Class::Listed => Class::Pending,
            Class::Client | Class::Watcher => Class::Client,
        };
        lock(&self.shared.admission).is_crowded(class)
    }

    /// What there is to answer `request` with.
    fn find(&self, request: &Request) -> Found {
        let registry = lock(&self.shared.registry);
        let recent = request.since.and_then(|since| registry.since(since));
        let list = registry.list();
        drop(registry);
        let question = Question::of(request, &recent);
        let answers = &self.shared.answers;
        let is_made = question.is_some_and(|it| lock(answers).is_made(&it, list.revision()));
        let work = match is_made {
            true => Duration::ZERO,
            false => answer::work(&request.filter, &list, &recent),
        };
        Found { list, recent, work }
    }

    /// Counts so much work for the host. What takes no longer than to accept a connection is not
    /// counted: those are counted themselves.
    fn spend(&self, work: Duration, now: Instant) -> Result<(), Refusal> {
        if self.trusted || work < COUNTED {
            return Ok(());
        }
        let host = Network::host(self.connection.peer().ip());
        let microseconds = work.as_micros().try_into().unwrap_or(u32::MAX);
        let spent = lock(&self.shared.work).spend(host, microseconds, now);
        spent.map_err(|wait| {
            let text = format!(
                "your address asks for more than its share of the list; wait {} s",
                wait.as_secs() + 1
            );
            Refusal::new(ErrorCode::TooMany, text)
        })
    }

    /// Counters are for the operator, who is on the same machine.
    fn stats(&self) -> Option<String> {
        let shared = self.shared;
        if !self.connection.peer().ip().is_loopback() {
            return None;
        }
        let mut line = format!("uptime={}", shared.started.elapsed().as_secs());
        let revision = lock(&shared.registry).list().revision();
        // Writing into a String does not fail.
        let _ = write!(line, " rev={revision}");
        let admission = lock(&shared.admission);
        for class in Class::ALL {
            let (used, limit) = admission.usage(class);
            let _ = write!(line, " {}={used}/{limit}", class.as_str());
        }
        drop(admission);
        shared.stats.write_into(&mut line);
        let _ = write!(line, " log-dropped={}", shared.log.dropped());
        Some(line)
    }
}

impl game_server::Services for Seat {
    fn peer_ip(&self) -> IpAddr {
        self.connection.peer().ip()
    }

    fn is_trusted(&self) -> bool {
        self.trusted
    }

    fn verify(&self, password: &str) -> Option<Credential> {
        let credential = self.shared.passwords.get().verify(password);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let credential = self.shared.keys.get().verify(name, number, port, mac);
        if credential.is_none() {
            self.shared.stats.bad_passwords.add_one();
        }
        credential
    }

    fn send_proof(&self, number: u64, target: SocketAddr, now: Instant) -> bool {
        let asking = (!self.trusted).then(|| self.connection.peer().ip());
        let reachability = &self.shared.reachability;
        let is_sent = reachability.send(target, number, asking, now);
        if is_sent {
            self.shared.stats.proofs_sent.add_one();
        }
        is_sent
    }

    fn proven(&self, target: SocketAddr, is_reachable: bool) {
        let stats = &self.shared.stats;
        let counter = if is_reachable {
            let asking = self.connection.peer().ip();
            self.shared.reachability.answered(target.ip(), asking);
            &stats.proofs_answered
        } else {
            &stats.proofs_failed
        };
        counter.add_one();
    }

    fn leave(&self) {
        self.unlist("left");
    }

    fn challenge_number(&self) -> u64 {
        self.shared.random.number()
    }

    fn is_crowded(&self) -> bool {
        Seat::is_crowded(self)
    }

    fn entry(&self) -> Option<Arc<Entry>> {
        lock(&self.shared.registry).entry_of(self.connection.id())
    }

    fn stale(&self, entry: &Entry) -> Option<Arc<Entry>> {
        lock(&self.shared.registry).stale_before(entry)
    }

    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let ip = entry.address.ip();
        if let Some(ban) = self.shared.bans.get().refusal(ip) {
            return Err(ban);
        }
        let registry = lock(&self.shared.registry);
        let replaced = registry.replaced(self.connection.id(), entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }

    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        match self.class.get() {
            Class::Listed => self.update(entry)?,
            _ => self.enlist(entry)?,
        }
        self.shared.watchers.list_changed();
        Ok(())
    }

    fn stats(&self) -> Option<String> {
        Seat::stats(self)
    }
}

impl client::Services for Seat {
    fn is_trusted(&self) -> bool {
        self.trusted
    }

    fn answer(&self, request: &Request, now: Instant) -> Result<Answer, Refusal> {
        let shared = self.shared;
        let Found { list, recent, work } = self.find(request);
        self.spend(work, now)?;
        self.serve_guest();
        shared.stats.lists.add_one();
        let ip = self.connection.peer().ip();
        shared.outsiders.ask(ip, &list, &shared.log);
        if recent.is_some() {
            shared.stats.deltas.add_one();
        }
        Ok(match Question::of(request, &recent) {
            None => Answer::Whole(list),
            Some(question) => {
                let batch = Answers::find(&shared.answers, question, &list, || recent);
                Answer::Encoded(batch)
            }
        })
    }

    fn work(&self, request: &Request) -> Duration {
        self.find(request).work
    }

    fn watch(&self) -> Result<(), Refusal> {
        let shared = self.shared;
        let client = Newcomer {
            id: self.connection.id(),
            ip: self.connection.peer().ip(),
            trusted: self.trusted,
            now: Instant::now(),
        };
        let watching = lock(&shared.admission).watch(client, Arc::clone(&self.connection));
        match watching {
            Ok(dropped) => {
                if let Some(dropped) = dropped {
                    shared.make_way(&dropped, Class::Watcher);
                    shared.watchers.somebody_dismissed();
                }
                shared.stats.watches.add_one();
                let list = lock(&shared.registry).list();
                shared.outsiders.ask(client.ip, &list, &shared.log);
                Ok(())
            }
            Err(denied) => {
                shared.say_denied(denied, self.connection.peer(), Class::Watcher);
                Err(denied.refusal())
            }
        }
    }

    fn is_crowded(&self) -> bool {
        Seat::is_crowded(self)
    }

    fn stats(&self) -> Option<String> {
        Seat::stats(self)
    }
}

impl watcher::Services for Seat {
    fn revision(&self) -> Revision {
        self.shared.watchers.revision(&self.shared.registry)
    }

    fn batch(&self, question: Question) -> Arc<Batch> {
        let shared = self.shared;
        shared.watchers.batch(&shared.registry, question)
    }
}

/// Told to a game server whose key was deleted.
pub(crate) fn key_withdrawn() -> Refusal {
    let text = "the key you logged in with is not valid any more";
    Refusal::new(ErrorCode::BadPassword, text)
}
