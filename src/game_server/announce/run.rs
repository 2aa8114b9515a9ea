//! What `gltracker announce` waits for, and what it does then.

use super::ask::{self, Answer, Asked, Verdict};
use super::error::AnnounceError;
use super::liveness::{self, Health, Liveness};
use super::options::Options;
use super::program;
use super::report::Report;
use super::state::State;
use super::updates::{self, Follower, Numbered, POLL_INTERVAL};
use crate::base::io_error::in_words;
use crate::base::mutex::lock;
use crate::base::threads;
use crate::game_server::announcer::Announcer;
use crate::game_server::event::{Event, Happening};
use crate::game_server::pong::{Pong, PongError, PongPort};
use crate::game_server::session::{Credential, Situation, fields};
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::{Changes, Infos};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Said if standard input is a terminal.
const TYPE_HERE: &str = "lines typed here change what players see, as in nbplayers=3 (map= removes \
                         a field); Ctrl-C ends it";

/// Said at the end of standard input if the game server must send updates.
const UPDATES_ARE_OVER: &str = "standard input has ended: with --alive no update can put it back";

/// How many inputs may wait to be handled. Whoever sends more waits.
const MAX_QUEUED: usize = 64;

/// How often the program checks whether the game server still runs.
const GAME_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long it waits for inputs where there is nothing to check.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What the main thread waits for.
enum Input {
    /// A line with updates; `None` if the file was written without a new one in it.
    Line(Option<Numbered>),
    /// The file with updates cannot be read (any more).
    Problem(String),
    /// What was answered to a question, or why nothing was.
    Answer(Result<Answer, String>),
    /// A tracker has refused for good.
    Refused,
    /// The game server has ended.
    Ended(io::Result<ExitStatus>),
}

/// Announces a game server until its program ends or all trackers have refused for good; returns the
/// exit code. Without a program it does not return while there is hope for one of the trackers.
///
/// # Errors
/// [`AnnounceError`] when it does not start.
pub fn announce(mut options: Options) -> Result<u8, AnnounceError> {
    let credential = options.credential()?;
    let report = Report::start().map_err(AnnounceError::Thread)?;
    let (inputs, input) = sync_channel(MAX_QUEUED);
    let mut state = State::new(&options, report);
    for (key, value) in state.infos.iter() {
        if let Some(oddity) = fields::odd_quotes(key, &value) {
            state.report.text(oddity);
        }
    }
    let has_program = !options.program.is_empty();
    match options.updates.take() {
        Some(path) => follow(state.read_file(path), inputs.clone()),
        None if has_program => Ok(()),
        None => {
            if io::stdin().is_terminal() {
                state.report.text(TYPE_HERE);
            }
            let is_asked = options.asked.is_some();
            let at_end = options
                .alive
                .filter(|_| !is_asked)
                .map(|_| UPDATES_ARE_OVER);
            read_standard_input(inputs.clone(), at_end)
        }
    }
    .map_err(AnnounceError::Thread)?;
    // Before the game server starts: if both want that port, the game server reports the error.
    let udp_port = fields::udp_port(&state.infos);
    let pong = options.pong.map(|place| PongPort::bind_at(place, udp_port));
    let pong = pong.transpose().map_err(AnnounceError::Pong)?;
    let child = start_program(&options, &state.infos, inputs.clone())?;
    let trackers = std::mem::take(&mut options.trackers);
    let is_hidden = options.asked.is_some();
    let started = Announcement::start(
        trackers,
        credential,
        &state,
        is_hidden,
        pong,
        inputs.clone(),
    );
    let announcement = match started {
        Ok(announcement) => announcement,
        Err(error) if !has_program => return Err(error),
        Err(error) => {
            // The game server runs already: its players should not lose their game.
            state
                .report
                .text(format_args!("nothing is announced: {error}"));
            return Ok(wait_for_end(&input, &state.report));
        }
    };
    let program = options.program.first().zip(child);
    let port = state.infos.number("port").unwrap_or_default();
    let supervisor = Supervisor::start(options.asked, port, options.alive, child, inputs)
        .map_err(AnnounceError::Thread)?;
    let code = attend(&input, &mut state, &announcement, supervisor, program);
    // From here on nobody waits for room in the queue.
    drop(input);
    drop(announcement);
    state.report.flush();
    Ok(code)
}

/// Starts the game server, if there is one to start; its process.
fn start_program(
    options: &Options,
    infos: &Infos,
    inputs: SyncSender<Input>,
) -> Result<Option<u32>, AnnounceError> {
    let Some((name, arguments)) = options.program.split_first() else {
        return Ok(None);
    };
    let port = infos.number("port").unwrap_or_default();
    let child = program::start(name, arguments, port, &options.trackers)
        .map_err(|error| AnnounceError::Program(name.clone(), error))?;
    let process = child.id();
    program::when_it_ends(child, move |status| {
        let _ = inputs.send(Input::Ended(status));
    })
    .map_err(AnnounceError::Thread)?;
    Ok(Some(process))
}

/// Does what comes in, until the end; returns the exit code. `program` is the game server, if it
/// was started here, with its process.
fn attend(
    input: &Receiver<Input>,
    state: &mut State,
    announcement: &Announcement,
    mut supervisor: Supervisor,
    program: Option<(&OsString, u32)>,
) -> u8 {
    let start = Instant::now();
    loop {
        supervisor.check(announcement, &state.report);
        match input.recv_timeout(supervisor.pause()) {
            Ok(Input::Line(line)) => {
                supervisor.liveness.update_came(Instant::now());
                if let Some(line) = line {
                    state.line(line, |changes| announcement.apply(changes));
                }
            }
            Ok(Input::Answer(answer)) => supervisor.hear(answer, state, announcement),
            Ok(Input::Problem(problem)) => state.report.text(problem),
            Ok(Input::Refused) => {
                if announcement.announcer.is_hopeless() && program.is_none() {
                    return 1;
                }
            }
            Ok(Input::Ended(status)) => {
                if let (Some((name, _)), Ok(status)) = (program, &status)
                    && let Some(remark) = program::remark(name, *status, start.elapsed())
                {
                    state.report.text(remark);
                }
                return code_of(status, &state.report);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The announcement holds a sender, so this does not happen.
            Err(RecvTimeoutError::Disconnected) => return 1,
        }
    }
}

/// Takes the game server off the lists while it does not run.
struct Supervisor {
    liveness: Liveness,
    /// What comes of its answers, if it is asked.
    verdict: Option<Verdict>,
    /// Its process, if this program has started it.
    child: Option<u32>,
}

impl Supervisor {
    /// Starts to ask, if anybody is to be asked.
    fn start(
        asked: Option<Asked>,
        port: u16,
        alive: Option<Duration>,
        child: Option<u32>,
        inputs: SyncSender<Input>,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let (health, verdict) = match asked {
            None => (Health::Well, None),
            Some(asked) => {
                let verdict = Verdict::new(asked.whom.to_string(), child.is_some(), now);
                let tell = move |answer| inputs.send(Input::Answer(answer)).is_ok();
                ask::start(asked, port, verdict.patient_until(), tell)?;
                (Health::Mute, Some(verdict))
            }
        };
        Ok(Self {
            liveness: Liveness::new(alive, health, now),
            verdict,
            child,
        })
    }

    /// Takes an answer, or that there was none.
    fn hear(
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
            Ok(Answer::Status(status, _)) => verdict.answered(Some(status)),
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
            Ok(Answer::Status(_, fields)) => state.fields_of_game(&fields, apply),
            Ok(Answer::Lines(lines)) => {
                for line in lines {
                    state.line_of_game(line, apply);
                }
            }
            Err(_) => {}
        }
    }

    /// The time until the next check.
    fn pause(&self) -> Duration {
        match self.child.is_some() || self.liveness.needs_checks() {
            true => GAME_POLL_INTERVAL,
            false => FOR_EVER,
        }
    }

    fn check(&mut self, announcement: &Announcement, report: &Report) {
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

/// An announcer, and what answers datagrams for it.
struct Announcement {
    announcer: Announcer,
    pong: Option<Pong>,
    /// What advice on refusals depends on.
    situation: Arc<Mutex<Situation>>,
}

impl Announcement {
    fn start(
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

    fn apply(&self, changes: &Changes<'_>) -> Result<(), String> {
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

/// Reads a file, as it changes, from another thread.
fn follow(mut follower: Follower, inputs: SyncSender<Input>) -> io::Result<()> {
    let look = move || {
        loop {
            thread::sleep(POLL_INTERVAL);
            let mut is_wanted = true;
            let look = follower.look_or_listen(|line| {
                is_wanted = inputs.send(Input::Line(line)).is_ok();
                is_wanted
            });
            if let Some(problem) = look {
                is_wanted = inputs.send(Input::Problem(problem)).is_ok();
            }
            if !is_wanted {
                return;
            }
        }
    };
    threads::start("updates", threads::STACK, look).map(drop)
}

/// Reads standard input from another thread. Its end is not the end of the announcement; `at_end` is
/// said about it.
fn read_standard_input(inputs: SyncSender<Input>, at_end: Option<&'static str>) -> io::Result<()> {
    let read = move || {
        updates::read_lines(io::stdin().lock(), |line| {
            inputs.send(Input::Line(Some(line))).is_ok()
        });
        if let Some(problem) = at_end {
            let _ = inputs.send(Input::Problem(problem.to_owned()));
        }
    };
    threads::start("updates", threads::STACK, read).map(drop)
}

/// Waits for the end of the game server and for nothing else.
fn wait_for_end(input: &Receiver<Input>, report: &Report) -> u8 {
    let status = input.iter().find_map(|input| match input {
        Input::Ended(status) => Some(status),
        _ => None,
    });
    let code = status.map_or(1, |status| code_of(status, report));
    report.flush();
    code
}

fn code_of(status: io::Result<ExitStatus>, report: &Report) -> u8 {
    match status {
        Ok(status) => program::exit_code(status),
        Err(error) => {
            report.text(format_args!(
                "the end of the program cannot be seen: {}",
                in_words(&error)
            ));
            3
        }
    }
}
