//! A game server that is listed for a moment, with what answers datagrams for it.

use super::login::{of_loss, of_refusal};
use super::reached::{Datagram, of_datagram};
use crate::base::io_error::in_words;
use crate::game_server::announcer::Announcer;
use crate::game_server::event::Happening;
use crate::game_server::pong::{Pong, PongError, PongPlace, PongPort};
use crate::game_server::session::{Credential, Situation};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use crate::reach::check::{ANSWER_TIME, Step};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long the tracker's datagrams are waited for while the game server is listed. It sends three, a
/// second apart.
const DATAGRAM_TIME: Duration = Duration::from_millis(2500);

/// How long they are waited for while it is not listed: until the tracker has given up, after 7 s.
const DEMANDED_TIME: Duration = Duration::from_secs(8);

/// The UDP port of the game server: at the one address where it is to be `listed`, if this host has that.
/// So nothing is bound anew while the tracker's datagram comes.
pub(super) fn bind(
    to: PongPlace,
    listed: Option<SocketAddr>,
    udp_port: u16,
) -> Result<PongPort, PongError> {
    let here = PongPlace {
        ip: to.ip.or(listed.map(|listed| listed.ip())),
        ..to
    };
    match PongPort::bind_at(here, udp_port) {
        Err(error) if to.ip.is_none() && error.is_elsewhere() => PongPort::bind_at(to, udp_port),
        bound => bound,
    }
}

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

    /// Waits until it is listed, and for what becomes of the tracker's datagram.
    ///
    /// # Errors
    /// The step that went wrong.
    pub(super) fn wait_for_entry(
        &self,
        situation: Situation,
    ) -> Result<(SocketAddr, Datagram), Step> {
        let entry_of = |address: String| {
            let wrong = |_| of_loss(&format!("it says that the game server is at '{address}'"));
            address.parse().map_err(wrong)
        };
        let mut what = self.wait(ANSWER_TIME, |_| true);
        let mut is_demanded = false;
        if let Some(Happening::Checking(address)) = what {
            is_demanded = true;
            let to = entry_of(address)?;
            if !situation.answers {
                return Err(of_datagram(Datagram::Demanded, to, situation));
            }
            what = self.wait(DEMANDED_TIME, |_| true);
            if what.is_none() {
                return Err(of_datagram(Datagram::Lost, to, situation));
            }
        }
        match what {
            Some(Happening::Listed(address)) => {
                let datagram = match is_demanded {
                    true => Datagram::Answered,
                    false => self.wait_for_datagram(situation),
                };
                Ok((entry_of(address)?, datagram))
            }
            Some(Happening::Refused { refusal, .. }) => Err(of_refusal(&refusal, situation)),
            Some(Happening::Lost { why, .. }) => Err(of_loss(&why)),
            Some(_) | None => {
                let silence = format!("nothing within {} s", ANSWER_TIME.as_secs());
                Err(of_loss(&silence))
            }
        }
    }

    fn wait_for_datagram(&self, situation: Situation) -> Datagram {
        if !situation.answers || situation.is_never_checked() {
            return Datagram::NotTried;
        }
        match self.wait(DATAGRAM_TIME, |what| *what == Happening::Checked) {
            Some(_) => Datagram::Answered,
            None => Datagram::Lost,
        }
    }

    /// The next that happens of what is `wanted`, within this time.
    fn wait(&self, time: Duration, wanted: impl Fn(&Happening) -> bool) -> Option<Happening> {
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
