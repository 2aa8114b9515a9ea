//! Logging in: the password or the key, and the number that must come back.

use super::services::Services;
use super::session_state::{GameServerSession, Login, State, login_steps};
use crate::protocol::fields::Infos;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::{format_number, parse_number};
use crate::tracker::access::identity::Credential;
use crate::tracker::session::limits::Patience;
use crate::tracker::session::outbox::Outbox;
use std::time::Instant;

impl<S: Services> GameServerSession<'_, S> {
    /// `LOGIN <password>`.
    pub(super) fn login(
        &mut self,
        password: &str,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        self.check_greeting()?;
        let Some(credential) = self.services.verify(password) else {
            let text = "that is not a password of this tracker; ask its operator for one";
            return Err(self.bad_password(text));
        };
        self.challenge(Login::Password(credential), now, out);
        Ok(())
    }

    /// `LOGIN name=<key>`.
    pub(super) fn login_by_key(
        &mut self,
        name: &str,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        self.check_greeting()?;
        self.challenge(Login::Key(name.into()), now, out);
        Ok(())
    }

    /// Refuses a second LOGIN.
    fn check_greeting(&self) -> Result<(), Refusal> {
        if matches!(self.state, State::Greeting { .. }) {
            return Ok(());
        }
        let text = "already logged in; what follows LOGIN is INFOS";
        Err(Refusal::new(ErrorCode::BadSyntax, text))
    }

    /// Sends a number that must come back, whatever the login.
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

    /// The credential of a game server that was sent the number `expected`, and whose first INFOS has
    /// this number, these fields and this `mac`.
    pub(super) fn check_answer(
        &self,
        expected: u64,
        login: &Login,
        number: Option<&str>,
        infos: &Infos,
        mac: Option<&str>,
    ) -> Result<Credential, Refusal> {
        if number.and_then(parse_number) != Some(expected) {
            let text = "the first INFOS starts with the number from CHALLENGE, \
                        as in INFOS <number> port=23460";
            return Err(Refusal::new(ErrorCode::BadChallenge, text));
        }
        infos.check_complete()?;
        match login {
            Login::Password(credential) => no_mac_expected(mac).map(|()| *credential),
            Login::Key(name) => self.verify_key(name, expected, infos, mac),
        }
    }

    /// The credential of the key `name`, if `mac` shows that the game server knows its secret.
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

    /// Whoever has failed too often is told of the penalty alone.
    fn bad_password(&self, text: &str) -> Refusal {
        let penalty = self
            .guest
            .as_ref()
            .filter(|end| end.code == ErrorCode::TooMany);
        let refusal = || Refusal::new(ErrorCode::BadPassword, text);
        penalty.cloned().unwrap_or_else(refusal)
    }
}

/// Refuses a `mac` where it proves nothing.
pub(super) fn no_mac_expected(mac: Option<&str>) -> Result<(), Refusal> {
    if mac.is_none() {
        return Ok(());
    }
    let text = "mac belongs to the first INFOS after LOGIN name=, and nowhere else";
    Err(Refusal::new(ErrorCode::BadValue, text))
}

/// The refusal of what only those may say who have logged in.
pub(super) fn not_logged_in() -> Refusal {
    Refusal::new(ErrorCode::NotLoggedIn, "log in first: LOGIN <password>")
}
