//! The conversation with a game server.
//!
//! ```text
//! Greeting --LOGIN--> Challenged --INFOS <number>--> Listed --INFOS, PONG--> Listed
//!                          |                           ^
//!                          '---> Checking --INFOS <number of the datagram>
//!                                (with --require-check)
//! ```
//!
//! Until it has answered the challenge any mistake ends the conversation; after that a mistake
//! changes nothing.

use super::{Mistakes, Outbox, Pace, Patience, Session, Setting, Timings, answer_common};
use crate::protocol::command::{Common, GameServerCommand};
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::{format_number, parse_number};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Taken;
use crate::tracker::session::port_check::{LONGEST_WAIT, LOWEST_PORT, Outcome, Proof};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use whereabouts::{Whereabouts, udp_port};

mod whereabouts;

/// What the conversation needs from the tracker around it.
pub trait Services {
    /// The address that the game server connects from.
    fn peer_ip(&self) -> IpAddr;
    /// True for a peer that may name another `ip` and send as many lines as it likes.
    fn is_trusted(&self) -> bool;
    /// What `password` stands for, if it is valid.
    fn verify(&self, password: &str) -> Option<Credential>;
    /// What the key `name` stands for, if `mac` shows that the peer knows its secret.
    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential>;
    /// A number that nobody can guess.
    fn challenge_number(&self) -> u64;
    /// Sends a number to `target` in a datagram. False if too many are being sent to that host, for the
    /// peer, or in all.
    fn send_proof(&self, number: u64, target: SocketAddr, now: Instant) -> bool;
    /// What came of the proof that was sent to `target`.
    fn proven(&self, target: SocketAddr, is_reachable: bool);
    /// True while steps must be quick, because many others are logging in.
    fn is_crowded(&self) -> bool;
    /// The entry that this connection has on the list; `None` once it was taken over by another.
    fn entry(&self) -> Option<Arc<Entry>>;
    /// What was on the list before the tracker was started again and `entry` would take over.
    fn stale(&self, entry: &Entry) -> Option<Arc<Entry>>;
    /// Fails if nobody may be listed where `entry` is, or somebody else is.
    ///
    /// # Errors
    /// `taken` or `banned`.
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal>;
    /// Puts this connection's entry on the list, or a new one in place of the old.
    ///
    /// # Errors
    /// `taken`, `busy` or `too-many`; nothing has changed then.
    fn put(&self, entry: Entry) -> Result<(), Refusal>;
    /// Takes this connection's entry off the list; nothing happens if it has none.
    fn leave(&self);
    /// One line of counters, if this peer may see them.
    fn stats(&self) -> Option<String>;
}

#[derive(Debug)]
enum State {
    /// Nothing is known yet.
    Greeting { patience: Patience },
    /// The number must come back.
    Challenged {
        patience: Patience,
        number: u64,
        login: Login,
    },
    /// All is well, but the tracker lists only those whose port was proven.
    Checking {
        patience: Patience,
        infos: Infos,
        credential: Credential,
        proof: Proof,
    },
    /// On the list. Only here does the connection own an entry of the registry.
    Listed {
        heard: Instant,
        /// When it was sent a PING, if it has said nothing since.
        pinged: Option<Instant>,
        pings: u64,
        proof: Proof,
    },
}

/// How a game server says who it is.
#[derive(Debug, Clone)]
enum Login {
    /// With a password, which was right.
    Password(Credential),
    /// With the name of a key. Whether it knows the secret, or whether there is such a key, shows
    /// when the number comes back.
    Key(Box<str>),
}

/// One game server's conversation.
#[derive(Debug)]
pub struct GameServerSession<'a, S> {
    services: S,
    setting: &'a Setting,
    /// What it is told in the end if it has no slot. A host in penalty is told that of a wrong password
    /// too, and nothing more of it.
    guest: Option<Refusal>,
    state: State,
    pace: Pace,
    mistakes: Mistakes,
}

impl<'a, S: Services> GameServerSession<'a, S> {
    /// A game server has just connected.
    pub fn new(services: S, setting: &'a Setting, now: Instant) -> Self {
        Self::greeting(services, setting, None, now)
    }

    /// A game server for which there is no slot: it may log in if it is quick, and is told `end`
    /// otherwise.
    pub fn for_guest(services: S, setting: &'a Setting, now: Instant, end: Refusal) -> Self {
        Self::greeting(services, setting, Some(end), now)
    }

    /// True while the game server is on the list.
    pub fn is_listed(&self) -> bool {
        matches!(self.state, State::Listed { .. })
    }

    /// True while a PING is not answered.
    pub fn is_pinged(&self) -> bool {
        matches!(
            self.state,
            State::Listed {
                pinged: Some(_),
                ..
            }
        )
    }

    /// What it was given to ask the tracker with.
    pub fn services(&self) -> &S {
        &self.services
    }

    fn greeting(services: S, setting: &'a Setting, guest: Option<Refusal>, now: Instant) -> Self {
        let (crowded, roomy) = login_steps(setting, guest.is_some());
        let state = State::Greeting {
            patience: Patience::new(now, crowded, roomy),
        };
        let pace = Pace::new(now);
        Self {
            services,
            setting,
            guest,
            state,
            pace,
            mistakes: Mistakes::default(),
        }
    }

    fn obey(&mut self, line: &str, now: Instant, out: &mut Outbox) -> Result<(), Refusal> {
        match GameServerCommand::parse(line)? {
            GameServerCommand::Login(password) => {
                self.check_greeting()?;
                let Some(credential) = self.services.verify(password) else {
                    let text = "that is not a password of this tracker; ask its operator for one";
                    return Err(self.bad_password(text));
                };
                self.challenge(Login::Password(credential), now, out);
                Ok(())
            }
            GameServerCommand::LoginByKey(name) => {
                self.check_greeting()?;
                self.challenge(Login::Key(name.into()), now, out);
                Ok(())
            }
            GameServerCommand::Infos(number, changes) => self.infos(number, changes, now, out),
            GameServerCommand::Pong(_) => match self.state {
                State::Listed { .. } | State::Checking { .. } => Ok(()),
                _ => Err(not_logged_in()),
            },
            GameServerCommand::Common(command) => {
                if command == Common::Quit {
                    // Whoever reads OK bye may rely on being off the list.
                    self.services.leave();
                }
                answer_common(
                    command,
                    || help(self.setting),
                    || self.services.stats(),
                    out,
                )
            }
        }
    }

    fn bad_password(&self, text: &str) -> Refusal {
        let penalty = self
            .guest
            .as_ref()
            .filter(|end| end.code == ErrorCode::TooMany);
        let refusal = || Refusal::new(ErrorCode::BadPassword, text);
        penalty.cloned().unwrap_or_else(refusal)
    }

    fn check_greeting(&self) -> Result<(), Refusal> {
        if matches!(self.state, State::Greeting { .. }) {
            return Ok(());
        }
        let text = "already logged in; what follows LOGIN is INFOS";
        Err(Refusal::new(ErrorCode::BadSyntax, text))
    }

    fn challenge(&mut self, login: Login, now: Instant, out: &mut Outbox) {
        let number = self.services.challenge_number();
        let (crowded, roomy) = login_steps(self.setting, self.guest.is_some());
        let patience = Patience::new(now, crowded, roomy);
        self.state = State::Challenged {
            patience,
            number,
            login,
        };
        out.line(format_args!("CHALLENGE {}", format_number(number)));
    }

    fn infos(
        &mut self,
        number: Option<&str>,
        changes: Changes<'_>,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let mac = changes.get("mac").map(str::to_owned);
        let changes = changes.without("mac");
        self.check_trackers_words(&changes)?;
        if let State::Challenged {
            number: expected,
            login,
            ..
        } = &self.state
        {
            if number.and_then(parse_number) != Some(*expected) {
                let text = "the first INFOS starts with the number from CHALLENGE, \
                            as in INFOS <number> port=23460";
                return Err(Refusal::new(ErrorCode::BadChallenge, text));
            }
            let infos = Infos::default().with(&changes);
            infos.check_complete()?;
            let credential = match login.clone() {
                Login::Password(credential) => {
                    no_mac_expected(mac.as_deref())?;
                    credential
                }
                Login::Key(name) => self.verify_key(&name, *expected, &infos, mac.as_deref())?,
            };
            return self.first_infos(infos, credential, now, out);
        }
        no_mac_expected(mac.as_deref())?;
        match self.state {
            State::Greeting { .. } => return Err(not_logged_in()),
            _ if number.is_some() => self.check_proof(number)?,
            _ => {}
        }
        let is_proven = number.is_some();
        if let State::Checking {
            infos: before,
            credential,
            ..
        } = &self.state
        {
            let (infos, credential) = (before.with(&changes), *credential);
            infos.check_complete()?;
            // What is proven is what was asked, not what comes along with the number.
            let place = self.whereabouts();
            if is_proven && place.target(&infos) == place.target(before) {
                return self.list(infos, credential, true, now, out);
            }
            return self.first_infos(infos, credential, now, out);
        }
        // An entry that is gone was taken over; the word of it is on its way.
        let Some(entry) = self.services.entry() else {
            return Ok(());
        };
        self.update(&entry, &changes, is_proven, now, out)
    }

    /// Checks a number that is said to come from a datagram. It is spent only when what came
    /// along with it is accepted.
    fn check_proof(&self, number: Option<&str>) -> Result<(), Refusal> {
        if let State::Checking { proof, .. } | State::Listed { proof, .. } = &self.state
            && number
                .and_then(parse_number)
                .is_some_and(|number| proof.waits_for(number))
        {
            return Ok(());
        }
        let text = "this number is not open on this connection (any more); \
                    leave it out: INFOS key=value";
        Err(Refusal::new(ErrorCode::BadChallenge, text))
    }

    /// The first INFOS is right: lists the game server, or has its address proven first.
    fn first_infos(
        &mut self,
        infos: Infos,
        credential: Credential,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let entry = self.entry(infos.clone(), credential)?;
        if !self.must_be_proven(&infos) || self.was_proven(&entry) {
            return self.list(infos, credential, false, now, out);
        }
        self.services.check_place(&entry)?;
        let target = self.whereabouts().target(&infos);
        if target.port() < LOWEST_PORT {
            let only = match self.setting.require_check {
                true => "this tracker lists only game servers whose UDP port it has checked",
                false => {
                    "the tracker sees you at another address, and lists the ip only if it is checked"
                }
            };
            let text = format!("{only}; it does not check UDP ports below {LOWEST_PORT}");
            return Err(Refusal::new(ErrorCode::Unreachable, text));
        }
        // Asking may have to wait its turn, so a crowd makes no haste here; nor has a guest to hurry any
        // more, who has shown what it logs in with.
        let step = self.setting.timings.step;
        let mut patience = Patience::new(now, step, step);
        let mut proof = Proof::of_port(target.port(), now);
        let mut is_new = true;
        if let State::Checking {
            patience: before,
            infos,
            proof: open,
            ..
        } = &self.state
        {
            // Something else to be proven is asked no sooner, and there is no new time for it.
            patience = *before;
            is_new = self.whereabouts().target(infos) != target;
            proof = match (is_new, open.next_deadline()) {
                (true, Some(next)) => Proof::of_port(target.port(), next.max(now)),
                _ => *open,
            };
        }
        if is_new {
            out.line(format_args!("OK checking udp {target}"));
        } else {
            out.line("OK");
        }
        self.mistakes.proven = true;
        self.state = State::Checking {
            patience,
            infos,
            credential,
            proof,
        };
        Ok(())
    }

    fn whereabouts(&self) -> Whereabouts {
        Whereabouts {
            seen: self.services.peer_ip().to_canonical(),
            is_trusted: self.services.is_trusted(),
        }
    }

    /// True if nobody is listed with `infos` who has not proven that datagrams reach it there.
    fn must_be_proven(&self, infos: &Infos) -> bool {
        self.setting.require_check || self.whereabouts().is_elsewhere(infos)
    }

    /// Puts the game server on the list for the first time.
    fn list(
        &mut self,
        infos: Infos,
        credential: Credential,
        is_proven: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        // What was proven before a restart counts until it is proven again, as soon as may be: or
        // else nobody would be listed as checked for minutes.
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
        self.mistakes.proven = true;
        out.line(format_args!("OK listed {address}"));
        Ok(())
    }

    /// Changes the entry of a game server that is on the list.
    fn update(
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
            // What was proven was the port from before.
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

    /// True if this game server was on the list with this port proven when the tracker ended that
    /// was there before.
    fn was_proven(&self, entry: &Entry) -> bool {
        self.services.stale(entry).is_some_and(|stale| {
            stale.infos.get("checked").is_some() && udp_port(&stale.infos) == udp_port(&entry.infos)
        })
    }

    fn entry(&self, infos: Infos, credential: Credential) -> Result<Entry, Refusal> {
        let entry = Entry::new(self.services.peer_ip(), infos, credential);
        let text = "port=<number> is required";
        entry.ok_or_else(|| Refusal::new(ErrorCode::BadValue, text))
    }

    fn verify_key(
        &self,
        name: &str,
        number: u64,
        infos: &Infos,
        mac: Option<&str>,
    ) -> Result<Credential, Refusal> {
        let Some(mac) = mac else {
            let text = "after LOGIN name= the first INFOS carries mac=<hex>, the HMAC-SHA256 of \
                        \"<number> <name> <port>\" under the secret of the key";
            return Err(Refusal::new(ErrorCode::BadPassword, text));
        };
        let port = infos.number("port").unwrap_or_default();
        self.services
            .verify_key(name, number, port, mac)
            .ok_or_else(|| {
                let text = "there is no such key, or the mac was made with another secret, number, \
                        name or port";
                self.bad_password(text)
            })
    }

    /// Refuses the words that are the tracker's to say, and an `ip` that cannot be true.
    fn check_trackers_words(&self, changes: &Changes<'_>) -> Result<(), Refusal> {
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

    fn is_too_fast(&mut self, now: Instant, out: &mut Outbox) -> bool {
        !self.services.is_trusted() && self.pace.count(now, out)
    }

    /// Asks for a proof if it is time, and draws the consequence if none came.
    fn on_proof_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let (target, must_be_proven, longest_wait) = match &self.state {
            // Who is not on the list before that has no minute to lose.
            State::Checking { infos, .. } => (
                self.whereabouts().target(infos),
                true,
                self.setting.timings.look_again,
            ),
            State::Listed { proof, .. } if proof.is_due(now) => {
                let Some(entry) = self.services.entry() else {
                    return;
                };
                let must_be_proven = self.must_be_proven(&entry.infos);
                (
                    self.whereabouts().target(&entry.infos),
                    must_be_proven,
                    LONGEST_WAIT,
                )
            }
            _ => return,
        };
        let (State::Checking { proof, .. } | State::Listed { proof, .. }) = &mut self.state else {
            return;
        };
        let services = &self.services;
        let outcome = proof.on_deadline(
            now,
            &self.setting.timings,
            longest_wait,
            || services.challenge_number(),
            |number| services.send_proof(number, target, now),
        );
        if outcome == Outcome::Waiting {
            return;
        }
        services.proven(target, false);
        if must_be_proven {
            let text = format!(
                "udp {target} did not send back the CHALLENGE; open the port in your firewall and \
                 answer it"
            );
            return out.refuse(Refusal::new(ErrorCode::Unreachable, text));
        }
        // It was reachable once and is not any more: that is worth knowing, and no more.
        if let Some(entry) = services.entry()
            && entry.infos.get("checked").is_some()
        {
            let mut infos = entry.infos.clone();
            if infos.set("checked", "").is_ok() {
                // The same address with the same credential: nobody else can hold it.
                let _ = self
                    .entry(infos, entry.credential)
                    .and_then(|entry| self.services.put(entry));
            }
        }
    }
}

impl<S: Services> Session for GameServerSession<'_, S> {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        if self.is_too_fast(now, out) || line == Ok("") {
            return;
        }
        if let State::Listed { heard, pinged, .. } = &mut self.state {
            *heard = now;
            *pinged = None;
        }
        let done = match line {
            Ok(line) => self.obey(line, now, out),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => {}
            // Anybody can send the game server a datagram with a number: that is not its mistake.
            Err(refusal) if refusal.code == ErrorCode::BadChallenge && self.mistakes.proven => {
                out.line(refusal);
            }
            Err(refusal) => self.mistakes.answer(refusal, out),
        }
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.is_too_fast(now, out);
    }

    fn on_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let timings = self.setting.timings;
        match &mut self.state {
            State::Greeting { patience } | State::Challenged { patience, .. } => {
                if patience.is_over(now, self.services.is_crowded(), timings.look_again) {
                    let text = "logging in took too long";
                    let timeout = || Refusal::new(ErrorCode::Timeout, text);
                    out.refuse(self.guest.clone().unwrap_or_else(timeout));
                }
            }
            State::Checking { patience, .. } => {
                if patience.is_over(now, false, timings.look_again) {
                    let text = "the tracker is checking too many addresses, try again later";
                    return out.refuse(Refusal::new(ErrorCode::Unreachable, text));
                }
            }
            State::Listed {
                heard,
                pinged,
                pings,
                ..
            } => {
                // Never without having been asked: a tracker that stood still for a minute would
                // drop everybody.
                if pinged.is_some_and(|at| now >= at + to_answer(&timings)) {
                    let text = format!(
                        "nothing was heard for {} s; answer PING with PONG",
                        timings.drop_after.as_secs()
                    );
                    return out.refuse(Refusal::new(ErrorCode::Timeout, text));
                }
                if pinged.is_none() && now >= *heard + timings.ping_after {
                    *pinged = Some(now);
                    *pings += 1;
                    out.line(format_args!("PING {pings}"));
                }
            }
        }
        self.on_proof_deadline(now, out);
    }

    fn next_deadline(&self) -> Instant {
        let timings = &self.setting.timings;
        let (own, proof) = match &self.state {
            State::Greeting { patience } | State::Challenged { patience, .. } => {
                return patience.next_look;
            }
            State::Checking {
                patience, proof, ..
            } => (patience.next_look, proof),
            State::Listed {
                heard,
                pinged: None,
                proof,
                ..
            } => (*heard + timings.ping_after, proof),
            State::Listed {
                pinged: Some(at),
                proof,
                ..
            } => (*at + to_answer(timings), proof),
        };
        proof.next_deadline().map_or(own, |at| at.min(own))
    }
}

/// Told to a game server that names an ip:port which somebody else holds.
pub fn taken(address: SocketAddr, why: Taken) -> Refusal {
    let text = match why {
        Taken::ByAnother => format!("{address} is listed with another credential"),
        // A ghost of its own is gone by then.
        Taken::FromElsewhere => format!(
            "{address} is listed by a login with the same credential from another address; wait {} s",
            Timings::default().drop_after.as_secs()
        ),
    };
    Refusal::new(ErrorCode::Taken, text)
}

/// Told to the connection whose entry a newer login has replaced.
pub fn taken_over(address: SocketAddr) -> Refusal {
    Refusal::new(
        ErrorCode::Taken,
        format!("another login took over {address}"),
    )
}

fn no_mac_expected(mac: Option<&str>) -> Result<(), Refusal> {
    if mac.is_none() {
        return Ok(());
    }
    let text = "mac belongs to the first INFOS after LOGIN name=, and nowhere else";
    Err(Refusal::new(ErrorCode::BadValue, text))
}

fn not_logged_in() -> Refusal {
    Refusal::new(ErrorCode::NotLoggedIn, "log in first: LOGIN <password>")
}

/// How long a game server may take to answer a PING.
fn to_answer(timings: &Timings) -> Duration {
    timings.drop_after.saturating_sub(timings.ping_after)
}

/// How long each step of logging in may take, in a crowd and otherwise.
fn login_steps(setting: &Setting, is_guest: bool) -> (Duration, Duration) {
    let timings = &setting.timings;
    match is_guest {
        true => (timings.guest, timings.guest),
        false => (timings.login_step_crowded, timings.step),
    }
}

fn help(setting: &Setting) -> String {
    format!(
        "This port is for game servers; clients ask for the list on port {}.\n\
         1. LOGIN <password>                      is answered CHALLENGE <number>\n\
         2. INFOS <number> port=23460 key=value   puts you on the list\n\
         3. INFOS nbplayers=3                     changes a field; key= removes one\n\
         With a key: LOGIN name=<name>, then INFOS <number> port=<port> mac=<hex>, see PROTOCOL.md.\n\
         PING <word> is to be answered PONG <word>, within {} s.\n\
         QUIT, or hanging up, takes you off the list. Values with spaces: key=\"two words\".",
        setting.client_port,
        setting
            .timings
            .drop_after
            .saturating_sub(setting.timings.ping_after)
            .as_secs(),
    )
}

#[cfg(test)]
mod tests;
