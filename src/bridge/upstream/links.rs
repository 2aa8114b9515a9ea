//! The connections of all game servers that are wanted, which one thread looks after.
//!
//! This file hides whose turn it is: an agenda says when each is to be looked at, and the gate who may
//! log in.

use super::dialer::{Dialed, Dialer};
use super::entry::{Entry, State, complete};
use super::gate::Gate;
use super::link::{Link, Report};
use super::verdict::{self, Verdict};
use super::voice::Voice;
use crate::base::backoff::spread;
use crate::base::io_error::unreached;
use crate::base::random::RANDOM;
use crate::bridge::desk::{Outcome, Wanted};
use crate::bridge::hall::{Counter, Hall};
use crate::game_server::TrackerAddress;
use crate::game_server::session::{Credential, Ending, News, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The shortest sleep while logins are under way, and while none is: what is due meanwhile waits. Each
/// time the thread wakes up costs some microseconds.
const NAPS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// The longest sleep: there is nothing to do before something is wanted.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// How soon a game server is tried again that was refused for a reason of its own, if nothing says when.
const RETRY: Duration = Duration::from_secs(5);

/// All of them.
pub(super) struct Links {
    hall: Hall,
    credential: Arc<Credential>,
    dialer: Dialer,
    dialed: Receiver<Dialed>,
    entries: BTreeMap<SocketAddr, Entry>,
    agenda: BTreeSet<(Instant, SocketAddr)>,
    /// Who waits before the gate, by their tickets.
    queue: BTreeMap<u64, SocketAddr>,
    last_ticket: u64,
    gate: Gate,
    /// Where the tracker sees this bridge.
    here: Option<IpAddr>,
    voice: Voice,
    logins: Counter,
    losses: Counter,
    refusals: Counter,
}

impl Links {
    /// Nobody's yet; made by the thread that is to run it.
    pub(super) fn new(hall: Hall, tracker: TrackerAddress, credential: Arc<Credential>) -> Self {
        let (done, dialed) = channel();
        let counter = |name| hall.counters.of(name);
        Self {
            logins: counter("tracker-logins"),
            losses: counter("tracker-losses"),
            refusals: counter("tracker-refusals"),
            credential,
            voice: Voice::new(hall.log.clone(), tracker.to_string()),
            dialer: Dialer::new(tracker, done, std::thread::current()),
            dialed,
            entries: BTreeMap::new(),
            agenda: BTreeSet::new(),
            queue: BTreeMap::new(),
            last_ticket: 0,
            gate: Gate::default(),
            here: None,
            hall,
        }
    }

    /// Looks after them for ever.
    pub(super) fn run(mut self) -> ! {
        let desk = Arc::clone(&self.hall.desk);
        desk.set_clerk(std::thread::current());
        // After a panic nothing is left of those that were there before.
        desk.take_changes();
        for (address, wanted) in desk.wanted() {
            desk.set_outcome(address, None);
            self.want(address, Some(wanted), Instant::now());
        }
        loop {
            for (address, wanted) in desk.take_changes() {
                self.want(address, wanted, Instant::now());
            }
            while let Ok((address, dialed)) = self.dialed.try_recv() {
                self.on_dialed(address, dialed, Instant::now());
            }
            self.do_what_is_due(Instant::now());
            self.admit(Instant::now());
            if self.queue.is_empty() && !self.gate.is_busy() {
                self.voice.say_back(Instant::now());
            }
            std::thread::park_timeout(self.pause(Instant::now()));
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        let gate = self.gate.next().filter(|_| !self.queue.is_empty());
        let next = self.agenda.first().map(|(due, _)| *due);
        let next = next.into_iter().chain(gate).min();
        let left = next.map_or(FOR_EVER, |next| next.saturating_duration_since(now));
        left.max(match self.gate.is_busy() {
            true => NAPS.0,
            false => NAPS.1,
        })
    }

    /// A door wants this game server listed, as something else, or not any more.
    fn want(&mut self, address: SocketAddr, wanted: Option<Wanted>, now: Instant) {
        let wanted = match wanted.map(|wanted| complete(address, wanted.infos)) {
            Some(Ok(infos)) => Some(infos),
            Some(Err(why)) => {
                self.refused(address, &why);
                None
            }
            None => None,
        };
        let Some(entry) = self.entries.get_mut(&address) else {
            if wanted.is_some() {
                let entry = Entry {
                    wanted,
                    avoided: Vec::new(),
                    state: State::Resting,
                    due: None,
                };
                self.entries.insert(address, entry);
                self.enqueue(address);
            }
            return;
        };
        let was_wanted = entry.wanted.is_some();
        entry.wanted = wanted;
        match (&mut entry.state, &entry.wanted) {
            // Its session takes it in when it is over, if it is leaving.
            (State::Linked(link, _), Some(infos)) if was_wanted => {
                let infos = infos.clone();
                let report = link.act(now, |session, out| session.on_change(infos, now, out));
                self.after(address, report, now);
            }
            (State::Linked(link, _), None) if was_wanted => {
                let report = link.act(now, |session, out| session.on_stop(now, out));
                self.after(address, report, now);
            }
            // Whoever dials for it finds that it is not wanted.
            (State::Queued(_) | State::Resting, None) => self.remove(address),
            // It has changed: perhaps it is taken now.
            (State::Resting, Some(_)) => self.enqueue(address),
            _ => {}
        }
    }

    /// Puts an entry into the queue before the gate.
    fn enqueue(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        if let Some(entry) = self.entries.get_mut(&address) {
            self.last_ticket += 1;
            entry.state = State::Queued(self.last_ticket);
            self.queue.insert(self.last_ticket, address);
        }
    }

    fn remove(&mut self, address: SocketAddr) {
        self.set_due(address, None);
        let entry = self.entries.remove(&address);
        if let Some(State::Queued(ticket)) = entry.map(|entry| entry.state) {
            self.queue.remove(&ticket);
        }
    }

    fn set_due(&mut self, address: SocketAddr, due: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        if let Some(old) = std::mem::replace(&mut entry.due, due) {
            self.agenda.remove(&(old, address));
        }
        if let Some(due) = due {
            self.agenda.insert((due, address));
        }
    }

    /// Lets in whom the gate lets in.
    fn admit(&mut self, now: Instant) {
        while !self.queue.is_empty() && self.gate.admit(now) {
            let first = self.queue.pop_first().map(|(_, address)| address);
            let entry = first.and_then(|address| Some((address, self.entries.get_mut(&address)?)));
            match entry {
                None => self.gate.drop_one(),
                Some((address, entry)) => {
                    entry.state = State::Dialing;
                    self.dialer.start(address);
                }
            }
        }
    }

    fn on_dialed(&mut self, address: SocketAddr, dialed: io::Result<TcpStream>, now: Instant) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return self.gate.drop_one();
        };
        let stream = match (dialed, &entry.wanted) {
            (_, None) => {
                self.gate.drop_one();
                return self.remove(address);
            }
            (Err(error), _) => {
                let advice = verdict::advice_on(&error);
                self.keep_out(&unreached(&error), advice, None, now);
                return self.enqueue(address);
            }
            (Ok(stream), Some(_)) => stream,
        };
        self.here = stream.local_addr().ok().map(|at| at.ip());
        let wanted = entry.wanted.clone().unwrap_or_default();
        let avoided = std::mem::take(&mut entry.avoided);
        let credential = Arc::clone(&self.credential);
        let (link, report) = Link::new(stream, now, |out| {
            Session::new(credential, wanted, avoided, now, out)
        });
        entry.state = State::Linked(Box::new(link), true);
        self.after(address, report, now);
    }

    fn do_what_is_due(&mut self, now: Instant) {
        while let Some(&(due, address)) = self.agenda.first() {
            if due > now {
                return;
            }
            let entry = self.entries.get_mut(&address);
            match entry.map(|entry| &mut entry.state) {
                Some(State::Linked(link, _)) => {
                    let report = link.look(now);
                    self.after(address, report, now);
                }
                Some(State::Resting) => self.enqueue(address),
                _ => drop(self.agenda.pop_first()),
            }
        }
    }

    /// Takes in what became known on the connection of this game server.
    fn after(&mut self, address: SocketAddr, report: Report, now: Instant) {
        for news in report.news {
            match news {
                News::Listed(_) => self.listed(address),
                News::Checking(_) => {
                    let verdict = verdict::of_check(self.here);
                    let why = "it wants the UDP port to answer, which no game does";
                    return self.close(address, &verdict, why, now);
                }
                News::NotTaken(fields, refusal) => {
                    let (at, why) = (address, refusal);
                    let fields: [(_, &dyn Display); 3] =
                        [("server", &at), ("fields", &fields), ("why", &why)];
                    self.hall.log.debug("not-taken", &fields);
                }
                News::Checked | News::Unchecked => {}
            }
        }
        match report.ending {
            Some(ending) => self.ended(address, ending, now),
            None => {
                let entry = self.entries.get(&address);
                if let Some(State::Linked(link, _)) = entry.map(|entry| &entry.state) {
                    let due = link.next_look().max(now + NAPS.0);
                    self.set_due(address, Some(due));
                }
            }
        }
    }

    fn listed(&mut self, address: SocketAddr) {
        let entry = self.entries.get_mut(&address);
        if let Some(State::Linked(_, is_counted)) = entry.map(|entry| &mut entry.state)
            && std::mem::take(is_counted)
        {
            self.gate.pass();
            self.logins.add_one();
            self.hall.desk.set_outcome(address, Some(Outcome::Listed));
            self.hall.log.debug("listed", &[("server", &address)]);
        }
    }

    fn ended(&mut self, address: SocketAddr, ending: Ending, now: Instant) {
        match ending {
            Ending::Refused(refusal) => {
                self.refusals.add_one();
                let verdict = verdict::of(&refusal, self.here);
                self.close(address, &verdict, &refusal.to_string(), now);
            }
            Ending::Lost(why) => {
                self.losses.add_one();
                let was_listed = self.was_listed(address);
                if was_listed {
                    self.voice.say_away(&why, "", 1, Duration::ZERO, now);
                }
                let verdict = Verdict {
                    concerns_all: !was_listed,
                    wait: was_listed.then_some(Duration::ZERO),
                    advice: String::new(),
                };
                self.close(address, &verdict, &why, now);
            }
            Ending::Left | Ending::LogInAgain => {
                let verdict = Verdict {
                    concerns_all: false,
                    wait: Some(Duration::ZERO),
                    advice: String::new(),
                };
                self.close(address, &verdict, "", now);
            }
        }
    }

    fn was_listed(&self, address: SocketAddr) -> bool {
        let entry = self.entries.get(&address);
        let state = entry.map(|entry| &entry.state);
        matches!(state, Some(State::Linked(link, _)) if link.is_listed())
    }

    /// Ends the connection of this game server. It is tried again, if it is still wanted.
    fn close(&mut self, address: SocketAddr, verdict: &Verdict, why: &str, now: Instant) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        let is_wanted = entry.wanted.is_some();
        let old = std::mem::replace(&mut entry.state, State::Resting);
        let mut is_counted = false;
        if let State::Linked(link, counted) = old {
            is_counted = counted;
            entry.avoided = link.into_session().into_avoided();
        }
        match (verdict.concerns_all, is_counted) {
            (true, true) => self.keep_out(why, &verdict.advice, verdict.wait, now),
            (false, true) if is_wanted => self.gate.pass(),
            (false, true) => self.gate.drop_one(),
            (_, false) => {}
        }
        if !is_wanted {
            return self.remove(address);
        }
        match verdict.wait {
            _ if verdict.concerns_all => {
                self.hall
                    .desk
                    .set_outcome(address, Some(Outcome::Refused(why.to_owned())));
                self.enqueue(address);
            }
            Some(Duration::ZERO) => {
                self.hall.desk.set_outcome(address, None);
                self.enqueue(address);
            }
            wait => {
                self.refused(address, why);
                let wait = spread(wait.unwrap_or(RETRY), 1.0..1.25, RANDOM.chance());
                self.set_due(address, Some(now + wait));
            }
        }
    }

    /// Something keeps everybody out.
    fn keep_out(&mut self, why: &str, advice: &str, least: Option<Duration>, now: Instant) {
        if let Some(wait) = self.gate.fail(least, now, RANDOM.chance()) {
            let waiting = self.queue.len() + 1;
            self.voice.say_away(why, advice, waiting, wait, now);
        }
    }

    /// A game server is not listed, for a reason of its own.
    fn refused(&self, address: SocketAddr, why: &str) {
        let desk = &self.hall.desk;
        let outcome = Some(Outcome::Refused(why.to_owned()));
        if desk.outcome(address) != outcome {
            let fields: [(_, &dyn Display); 2] = [("server", &address), ("why", &why)];
            self.hall.log.info("not-listed", &fields);
            desk.set_outcome(address, outcome);
        }
    }
}
