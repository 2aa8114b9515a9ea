//! What a session with a game server does when a line comes or a deadline passes.
//!
//! Before the challenge is answered any mistake ends the session; after that a mistake changes nothing.

use super::login::{no_mac_expected, not_logged_in};
use super::services::Services;
use super::session_state::{GameServerSession, State};
use crate::protocol::command::{Common, GameServerCommand};
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::line::LineError;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::session::common::{Session, answer_common};
use crate::tracker::session::help;
use crate::tracker::session::limits::Timings;
use crate::tracker::session::outbox::Outbox;
use std::time::{Duration, Instant};

impl<S: Services> Session for GameServerSession<'_, S> {
    fn on_line(&mut self, line: Result<&str, LineError>, now: Instant, out: &mut Outbox) {
        if self.pace.is_exceeded(now, out) || line == Ok("") {
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
            // Anybody can send the game server a datagram with a number, so a wrong one is not its mistake.
            Err(refusal)
                if refusal.code == ErrorCode::BadChallenge && self.mistakes.is_proven() =>
            {
                out.line(refusal);
            }
            Err(refusal) => self.mistakes.answer(refusal, out),
        }
    }

    fn on_noise(&mut self, now: Instant, out: &mut Outbox) {
        self.pace.is_exceeded(now, out);
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
                // Nobody is dropped without a PING: a tracker that stood still for a minute would drop
                // everybody.
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
                return patience.next_look();
            }
            State::Checking {
                patience, proof, ..
            } => (patience.next_look(), proof),
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

impl<S: Services> GameServerSession<'_, S> {
    fn obey(&mut self, line: &str, now: Instant, out: &mut Outbox) -> Result<(), Refusal> {
        match GameServerCommand::parse(line)? {
            GameServerCommand::Login(password) => self.login(password, now, out),
            GameServerCommand::LoginByKey(name) => self.login_by_key(name, now, out),
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
                    || help::for_game_server(self.setting),
                    || self.services.stats(),
                    out,
                )
            }
        }
    }

    fn infos(
        &mut self,
        number: Option<&str>,
        changes: Changes<'_>,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let mac = changes.get("mac").map(str::to_owned);
        let mac = mac.as_deref();
        let changes = changes.without(|key| key == "mac");
        self.check_trackers_words(&changes)?;
        if let State::Challenged {
            number: expected,
            login,
            ..
        } = &self.state
        {
            let infos = Infos::default().with(&changes);
            let credential = self.check_answer(*expected, login, number, &infos, mac)?;
            return self.list_or_check(infos, credential, now, out);
        }
        no_mac_expected(mac)?;
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
            return self.list_or_check(infos, credential, now, out);
        }
        // An entry that is gone was taken over; the refusal is on its way.
        let Some(entry) = self.services.entry() else {
            return Ok(());
        };
        self.update(&entry, &changes, is_proven, now, out)
    }
}

/// How long a game server may take to answer a PING.
fn to_answer(timings: &Timings) -> Duration {
    timings.drop_after.saturating_sub(timings.ping_after)
}
