//! An announcer with what belongs to it, and how it is changed.

use super::input::Input;
use crate::base::mutex::lock;
use crate::game_server::announce::error::AnnounceError;
use crate::game_server::announce::state::State;
use crate::game_server::announcer::Announcer;
use crate::game_server::event::{Event, Happening};
use crate::game_server::pong::{Pong, PongError, PongPort};
use crate::game_server::session::{Credential, Situation, fields};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::Changes;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

/// An announcer, and what answers datagrams for it.
pub(super) struct Announcement {
    pub(super) announcer: Announcer,
    pong: Option<Pong>,
    /// What advice on refusals depends on.
    situation: Arc<Mutex<Situation>>,
}

impl Announcement {
    pub(super) fn start(
        trackers: Vec<TrackerAddress>,
        credential: Credential,
        state: &State,
        is_hidden: bool,
        pong: Option<PongPort>,
        inputs: SyncSender<Input>,
    ) -> Result<Self, AnnounceError> {
        let situation = fields::situation(&state.infos, pong.is_some());
        let situation = Arc::new(Mutex::new(situation));
        let (report, now) = (state.report.clone(), Arc::clone(&situation));
        let on_event = move |event: Event| {
            let is_final = matches!(event.what, Happening::Refused { again_in: None, .. });
            report.event(event, *lock(&now));
            if is_final {
                // Nobody waits for it any more when the game server has ended.
                let _ = inputs.send(Input::Refused);
            }
        };
        let infos = state.infos.clone();
        let announcer = Announcer::start_with(trackers, credential, infos, is_hidden, on_event)
            .map_err(AnnounceError::Start)?;
        let report = state.report.clone();
        let on_problem = move |problem: PongError| report.text(problem);
        let pong = pong.map(|pong| pong.answer(announcer.relay(), on_problem));
        Ok(Self {
            announcer,
            pong: pong.transpose().map_err(AnnounceError::Thread)?,
            situation,
        })
    }

    pub(super) fn apply(&self, changes: &Changes<'_>) -> Result<(), String> {
        let before = self.announcer.fields();
        if before.with(changes).get("ip") != before.get("ip") {
            // It would be off the list until that is proven, if it ever is.
            return Err("ip= is said at the start; start again to be listed elsewhere".to_owned());
        }
        self.announcer.apply(changes).map_err(|no| no.text)?;
        let situation = fields::situation(&self.announcer.fields(), self.pong.is_some());
        *lock(&self.situation) = situation;
        if let Some(pong) = &self.pong {
            pong.look();
        }
        Ok(())
    }
}
