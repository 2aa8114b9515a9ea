//! When an address must be proven, and what comes of it.

use super::port_check::{LONGEST_WAIT, LOWEST_PORT, Outcome, Proof};
use super::services::Services;
use super::session_state::{GameServerSession, State};
use crate::protocol::fields::Infos;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::parse_number;
use crate::tracker::access::identity::Credential;
use crate::tracker::session::limits::Patience;
use crate::tracker::session::outbox::Outbox;
use std::time::Instant;

impl<S: Services> GameServerSession<'_, S> {
    /// Lists a game server that has logged in, or has its address proven first.
    pub(super) fn list_or_check(
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
        self.check_port(target.port())?;
        // A datagram may have to wait for its turn, so the step is as long in a crowd, and for a guest:
        // it has shown what it logs in with.
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
            // A new address gives it neither a sooner datagram nor more time.
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
        self.mistakes.prove();
        self.state = State::Checking {
            patience,
            infos,
            credential,
            proof,
        };
        Ok(())
    }

    /// Refuses a port that is never asked, where the game server is listed only after a proof.
    fn check_port(&self, port: u16) -> Result<(), Refusal> {
        if port >= LOWEST_PORT {
            return Ok(());
        }
        let only = match self.setting.require_check {
            true => "this tracker lists only game servers whose UDP port it has checked",
            false => {
                "the tracker sees you at another address, and lists the ip only if it is checked"
            }
        };
        let text = format!("{only}; it does not check UDP ports below {LOWEST_PORT}");
        Err(Refusal::new(ErrorCode::Unreachable, text))
    }

    /// Checks a number that should be that of a datagram. It is used up only when the fields that came with
    /// it are accepted.
    pub(super) fn check_proof(&self, number: Option<&str>) -> Result<(), Refusal> {
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

    /// Sends a datagram if it is time, and acts if none was answered.
    pub(super) fn on_proof_deadline(&mut self, now: Instant, out: &mut Outbox) {
        let timings = &self.setting.timings;
        // A game server that is not listed before its proof has no time to lose.
        let (infos, longest_wait) = match &self.state {
            State::Checking { infos, .. } => (infos.clone(), timings.look_again),
            State::Listed { proof, .. } if proof.is_due(now) => match self.services.entry() {
                Some(entry) => (entry.infos.clone(), LONGEST_WAIT),
                None => return,
            },
            _ => return,
        };
        let target = self.whereabouts().target(&infos);
        let must_be_proven = self.must_be_proven(&infos);
        let (State::Checking { proof, .. } | State::Listed { proof, .. }) = &mut self.state else {
            return;
        };
        let services = &self.services;
        let outcome = proof.on_deadline(
            now,
            timings,
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
        self.uncheck();
    }

    /// The port was reachable and is not any more. The list says so; nothing else follows.
    fn uncheck(&self) {
        let Some(entry) = self.services.entry() else {
            return;
        };
        let mut infos = entry.infos.clone();
        if infos.get("checked").is_some() && infos.set("checked", "").is_ok() {
            // The same address with the same credential: nobody else can hold it.
            let _ = self
                .entry(infos, entry.credential)
                .and_then(|entry| self.services.put(entry));
        }
    }
}
