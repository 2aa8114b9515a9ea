//! The thread's turns: what the doors want, who has connected, whose time has come, who may log in.

use super::super::entry::{Entry, State, complete};
use super::super::link::{Link, Report};
use super::super::verdict::{self, REFUSES};
use super::endings::LOOK_AGAIN;
use super::table::{Links, NOBODY};
use crate::base::io_error::unreached;
use crate::bridge::desk::{Outcome, Wanted};
use crate::game_server::session::{News, Session};
use crate::protocol::fields::Infos;
use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shortest sleep while logins are under way.
const BUSY_NAP: Duration = Duration::from_millis(1);

/// The shortest sleep while none is: what is due meanwhile waits. Each time the thread wakes up costs some
/// microseconds.
const NAP: Duration = Duration::from_millis(10);

/// The longest sleep: there is nothing to do before something is wanted.
const FOR_EVER: Duration = Duration::from_secs(3600);

impl Links {
    /// Looks after them for ever.
    pub(in crate::bridge::upstream) fn run(mut self) -> ! {
        let desk = Arc::clone(&self.hall.desk);
        desk.set_clerk(std::thread::current());
        // After a panic nothing is left of those that were there before.
        desk.take_changes();
        self.entries.insert(NOBODY, Entry::new(Infos::default()));
        self.enqueue(NOBODY);
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
            if std::mem::replace(&mut self.turns, desk.turns()) != self.turns {
                self.gate.hurry();
                self.distrusted.hurry(Instant::now());
            }
            self.do_what_is_due(Instant::now());
            self.admit(Instant::now());
            let is_any_waiting = self.queue.len() + self.distrusted.len() > 0;
            if !is_any_waiting && !self.gate.is_busy() {
                self.voice.say_back(Instant::now());
            }
            std::thread::park_timeout(self.pause(Instant::now()));
        }
    }

    fn pause(&self, now: Instant) -> Duration {
        let gate = self.gate.next().filter(|_| !self.queue.is_empty());
        let next = self.agenda.first().map(|(due, _)| *due);
        let list = Some(self.list_by).filter(|by| now < *by && !self.queue.is_empty());
        let next = next
            .into_iter()
            .chain(gate)
            .chain(list)
            .chain(self.distrusted.next())
            .min();
        let left = next.map_or(FOR_EVER, |next| next.saturating_duration_since(now));
        left.max(match self.gate.is_busy() {
            true => BUSY_NAP,
            false => NAP,
        })
    }

    /// A door wants this game server listed, as something else, or not any more.
    fn want(&mut self, address: SocketAddr, wanted: Option<Wanted>, now: Instant) {
        let wanted = match wanted.map(|wanted| complete(address, wanted.infos)) {
            Some(Ok(infos)) => Some(infos),
            Some(Err(why)) => {
                self.refused(address, &why, "");
                None
            }
            None => None,
        };
        let Some(entry) = self.entries.get_mut(&address) else {
            if let Some(infos) = wanted {
                self.entries.insert(address, Entry::new(infos));
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
            (State::Queued(_) | State::Resting | State::Taken(_), None) => self.remove(address),
            // It has changed: perhaps it is wanted now.
            (State::Resting, Some(_)) if !self.distrusted.contains(address) => {
                self.enqueue(address);
            }
            _ => {}
        }
    }

    /// Lets in whom the gate lets in.
    fn admit(&mut self, now: Instant) {
        while let Some((&ticket, &address)) = self.queue.first_key_value() {
            if address != NOBODY && now < self.list_by && !self.hall.desk.is_live() {
                return;
            }
            if self.is_anothers(address, now) {
                self.queue.remove(&ticket);
                self.make_way(address, now);
                continue;
            }
            if !self.may_be_more() || !self.gate.admit(now) {
                return;
            }
            self.queue.remove(&ticket);
            match self.entries.get_mut(&address) {
                None => self.gate.drop_one(),
                Some(entry) => {
                    entry.state = State::Dialing;
                    self.dialer.start(address);
                }
            }
        }
    }

    /// True if the tracker lists somebody else at this address. That may be its own admin, who says more than
    /// the game does; and whom a stranger's heartbeat must not put out.
    fn is_anothers(&self, address: SocketAddr, now: Instant) -> bool {
        let ended = self.entries.get(&address).and_then(|entry| entry.ended);
        let is_left_over = ended.is_some_and(|ended| now < ended + LOOK_AGAIN);
        !is_left_over && self.is_on_list(address) == Some(true)
    }

    /// A tracker takes only few logins at the same time from whom it does not trust.
    fn may_be_more(&self) -> bool {
        self.distrusted.len() == 0 || !self.gate.is_busy()
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
                let (event, advice) = verdict::on_no_connection(&error);
                self.keep_out(event, &unreached(&error), advice, None, now);
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
        if let Some(address) = self.distrusted.take_one(now) {
            self.enqueue(address);
        }
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
                Some(State::Taken(until)) => {
                    let is_over = now >= *until;
                    match is_over || self.is_on_list(address) == Some(false) {
                        true => self.enqueue(address),
                        false => self.set_due(address, Some(now + LOOK_AGAIN)),
                    }
                }
                Some(State::Resting) => self.enqueue(address),
                _ => drop(self.agenda.pop_first()),
            }
        }
    }

    /// Whether the tracker lists somebody at this address, if that is known.
    fn is_on_list(&self, address: SocketAddr) -> Option<bool> {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        self.hall.desk.is_on_list(address)
    }

    /// Takes in what became known on the connection of this game server.
    fn after(&mut self, address: SocketAddr, report: Report, now: Instant) {
        for news in report.news {
            match news {
                News::Welcome => self.welcome(address),
                News::Listed(_) => self.listed(address),
                News::Checking(_) => {
                    let verdict = verdict::of_check(self.here);
                    let why = "it wants the UDP port to answer, which no game does";
                    return self.close(address, REFUSES, &verdict, why, now);
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
                    let due = link.next_look().max(now + BUSY_NAP);
                    self.set_due(address, Some(due));
                }
            }
        }
    }

    /// The tracker takes the login of nobody, who leaves.
    fn welcome(&mut self, address: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&address)
            && let State::Linked(_, is_counted) = &mut entry.state
        {
            *is_counted = false;
            entry.wanted = None;
            // Whether it lists anybody is still to be seen.
            self.gate.drop_one();
            self.voice.say_ok(match self.credential.is_key() {
                false => "it takes the password",
                true => "whether it takes the key is known when the first game server logs in",
            });
        }
    }

    fn listed(&mut self, address: SocketAddr) {
        let Some(entry) = self.entries.get_mut(&address) else {
            return;
        };
        if let State::Linked(link, is_counted) = &mut entry.state
            && std::mem::take(is_counted)
        {
            if let Some(tracker) = link.tracker() {
                self.dialer.answered(tracker);
            }
            let was_distrusted = std::mem::take(&mut entry.is_distrusted);
            let fields: [(_, &dyn Display); 1] = [("server", &address)];
            match std::mem::take(&mut entry.is_said) {
                true => self.hall.log.info("listed", &fields),
                false => self.hall.log.debug("listed", &fields),
            }
            self.gate.pass();
            self.logins.add_one();
            self.hall.desk.set_outcome(address, Some(Outcome::Listed));
            if was_distrusted {
                let all = self.distrusted.take_all();
                all.into_iter().for_each(|address| self.enqueue(address));
            }
        }
    }
}
