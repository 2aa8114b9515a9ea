//! Whether the game server belongs on the lists now.
//!
//! This file hides which signs of life are looked at, and when.

use super::announcement::Announcement;
use super::input::Input;
use crate::game_server::announce::ask::{self, Answer, Asked, RunGuard, Verdict};
use crate::game_server::announce::liveness::{self, Health, Liveness};
use crate::game_server::announce::report::Report;
use crate::game_server::announce::state::State;
use crate::protocol::fields::Changes;
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How often the program checks whether the game server still runs.
const GAME_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long it waits for inputs where there is nothing to check.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes the game server off the lists while it does not run.
pub(super) struct Supervisor {
    pub(super) liveness: Liveness,
    /// What comes of its answers, if it is asked.
    verdict: Option<Verdict>,
    /// Its process, if this program has started it.
    child: Option<u32>,
    /// Ends the command that is asked, with this.
    _run: Option<RunGuard>,
}

impl Supervisor {
    /// Starts to ask, if anybody is to be asked.
    pub(super) fn start(
        asked: Option<Asked>,
        port: u16,
        alive: Option<Duration>,
        child: Option<u32>,
        inputs: SyncSender<Input>,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let (health, verdict, run) = match asked {
            None => (Health::Well, None, None),
            Some(asked) => {
                let verdict = Verdict::new(asked.whom.to_string(), child.is_some(), now);
                let tell = move |answer| inputs.send(Input::Answer(answer)).is_ok();
                let run = ask::start(asked, port, verdict.patient_until(), tell)?;
                (Health::Mute, Some(verdict), run)
            }
        };
        Ok(Self {
            liveness: Liveness::new(alive, health, now),
            verdict,
            child,
            _run: run,
        })
    }

    /// Takes an answer, or that there was none.
    pub(super) fn hear(
        &mut self,
        answer: Result<Answer, String>,
        state: &mut State,
        announcement: &Announcement,
    ) {
        let Some(verdict) = &mut self.verdict else {
            return;
        };
        let now = Instant::now();
        let told = match &answer {
            Ok(Answer::Status(status, _, from)) => {
                state.report.asked(*from);
                verdict.answered(Some(status))
            }
            Ok(Answer::Lines(_)) => verdict.answered(None),
            Err(why) => verdict.missed(why, now),
        };
        if let Some(told) = told {
            state.report.text(told);
        }
        if answer.is_ok() {
            self.liveness.update_came(now);
        }
        let apply = |changes: &Changes<'_>| announcement.apply(changes);
        match answer {
            Ok(Answer::Status(_, fields, _)) => state.fields_of_game(&fields, apply),
            Ok(Answer::Lines(lines)) => {
                for line in lines {
                    state.line_of_game(line, apply);
                }
            }
            Err(_) => {}
        }
    }

    /// The time until the next check.
    pub(super) fn pause(&self) -> Duration {
        match self.child.is_some() || self.liveness.needs_checks() {
            true => GAME_POLL_INTERVAL,
            false => FOR_EVER,
        }
    }

    pub(super) fn check(&mut self, announcement: &Announcement, report: &Report) {
        let is_stopped = self.child.is_some_and(liveness::is_stopped);
        let is_mute = self
            .verdict
            .as_ref()
            .is_some_and(|verdict| !verdict.is_well());
        let before = self.liveness.health;
        if let Some(health) = self.liveness.check(is_stopped, is_mute, Instant::now()) {
            announcement.announcer.set_hidden(health != Health::Well);
            // The verdict has said that in more words.
            if before != Health::Mute && health != Health::Mute {
                report.text(health);
            }
        }
    }
}
