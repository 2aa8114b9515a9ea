//! A game server that is listed for a moment, with what answers datagrams for it.

use crate::base::io_error::in_words;
use crate::game_server::announcer::Announcer;
use crate::game_server::event::Happening;
use crate::game_server::pong::{Pong, PongPort};
use crate::game_server::session::Credential;
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A login of a game server, which ends with this value.
pub(super) struct Listing {
    announcer: Option<Announcer>,
    _pong: Option<Pong>,
    told: Receiver<Happening>,
}

impl Listing {
    /// Logs in at this address of a tracker.
    ///
    /// # Errors
    /// A text for a person if the system does not let it.
    pub(super) fn start(
        tracker: SocketAddr,
        credential: Credential,
        infos: Infos,
        pong: Option<PongPort>,
    ) -> Result<Self, String> {
        let (tell, told) = channel();
        let trackers = vec![TrackerAddress::new(tracker)];
        let on_event = move |event: crate::game_server::Event| {
            // Nobody may be waiting any more.
            let _ = tell.send(event.what);
        };
        let announcer = Announcer::start_with(trackers, credential, infos, false, on_event);
        let announcer = announcer.map_err(|error| error.to_string())?;
        let pong = pong.map(|pong| pong.answer(announcer.relay(), |_| {}));
        Ok(Self {
            _pong: pong.transpose().map_err(|error| in_words(&error))?,
            announcer: Some(announcer),
            told,
        })
    }

    /// The next that happens of what is `wanted`, within this time.
    pub(super) fn wait(
        &self,
        time: Duration,
        wanted: impl Fn(&Happening) -> bool,
    ) -> Option<Happening> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let what = self.told.recv_timeout(left).ok()?;
            if wanted(&what) {
                return Some(what);
            }
        }
    }

    /// Takes it off the list. Datagrams of players are still answered.
    pub(super) fn leave(&mut self) {
        self.announcer = None;
    }
}
