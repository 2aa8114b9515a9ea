//! How far a game server has got.
//!
//! ```text
//! Greeting --LOGIN--> Challenged --INFOS <number>--> Listed --INFOS, PONG--> Listed
//!                          |                           ^
//!                          '---> Checking --INFOS <number of the datagram>
//!                                (with --require-check, or for another ip)
//! ```

use super::port_check::Proof;
use super::services::Services;
use super::whereabouts::{Whereabouts, udp_port};
use crate::protocol::fields::Infos;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::session::limits::{Mistakes, Pace, Patience, Setting};
use std::time::{Duration, Instant};

/// How far it has got.
#[derive(Debug)]
pub(super) enum State {
    /// It has not logged in.
    Greeting { patience: Patience },
    /// It was sent a number that must come back.
    Challenged {
        patience: Patience,
        number: u64,
        login: Login,
    },
    /// Logged in. It is listed once its address is proven.
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
pub(super) enum Login {
    /// With a password, which was right.
    Password(Credential),
    /// With the name of a key. Whether it knows the secret, or whether there is such a key, shows
    /// when the number comes back.
    Key(Box<str>),
}

/// The session with one game server.
#[derive(Debug)]
pub struct GameServerSession<'a, S> {
    pub(super) services: S,
    pub(super) setting: &'a Setting,
    /// What a guest is told in the end. A guest whose host is in penalty is told the same of a wrong
    /// password.
    pub(super) guest: Option<Refusal>,
    pub(super) state: State,
    pub(super) pace: Pace,
    pub(super) mistakes: Mistakes,
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

    /// The services that it was given.
    pub(crate) fn services(&self) -> &S {
        &self.services
    }

    fn greeting(services: S, setting: &'a Setting, guest: Option<Refusal>, now: Instant) -> Self {
        let (crowded, roomy) = login_steps(setting, guest.is_some());
        let state = State::Greeting {
            patience: Patience::new(now, crowded, roomy),
        };
        let pace = Pace::new(services.is_trusted(), now);
        Self {
            services,
            setting,
            guest,
            state,
            pace,
            mistakes: Mistakes::default(),
        }
    }

    pub(super) fn whereabouts(&self) -> Whereabouts {
        Whereabouts {
            seen: self.services.peer_ip().to_canonical(),
            is_trusted: self.services.is_trusted(),
        }
    }

    /// True if a game server with these fields is listed only once datagrams have reached it there.
    pub(super) fn must_be_proven(&self, infos: &Infos) -> bool {
        self.setting.require_check || self.whereabouts().is_elsewhere(infos)
    }

    /// True if this game server was listed with this port proven before the tracker was restarted, or is at
    /// another tracker of the same list.
    pub(super) fn was_proven(&self, entry: &Entry) -> bool {
        self.services.absent(entry).is_some_and(|before| {
            let is_checked = before.infos.get("checked").is_some();
            is_checked && udp_port(&before.infos) == udp_port(&entry.infos)
        })
    }

    pub(super) fn entry(&self, infos: Infos, credential: Credential) -> Result<Entry, Refusal> {
        let entry = Entry::new(self.services.peer_ip(), infos, credential);
        let text = "port=<number> is required";
        entry.ok_or_else(|| Refusal::new(ErrorCode::BadValue, text))
    }
}

/// How long each step of logging in may take, in a crowd and otherwise.
pub(super) fn login_steps(setting: &Setting, is_guest: bool) -> (Duration, Duration) {
    let timings = &setting.timings;
    match is_guest {
        true => (timings.guest, timings.guest),
        false => (timings.login_step_crowded, timings.step),
    }
}
