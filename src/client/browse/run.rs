//! The main loop of the browser.
//!
//! This file hides when the screen is drawn: as soon as nothing more waits, and if something always
//! does, after a moment.

use super::exec::{Call, Games, Template};
use super::favourites::{self, Favourites};
use super::inbox::{self, Happening, Inbox};
use super::model::{Action, Connection, Event, Model};
use super::terminal::Terminal;
use super::terminal::input::{self, Input};
use super::view;
use super::watches::Trackers;
use crate::base::interrupt;
use crate::base::io_error::in_words;
use crate::client::columns::Columns;
use crate::client::ping::{Limits, Pinger, Queue};
use crate::client::replica::Conditions;
use crate::client::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use crate::protocol::text::spelled_out;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// The longest time between two drawings: the screen shows how old the list is.
const REDRAW_INTERVAL: Duration = Duration::from_secs(1);

/// How long happenings that come without a pause are handled before the screen is drawn.
const MAX_BATCH_TIME: Duration = Duration::from_millis(100);

/// After a frame only the player is listened to, for this many times as long as the frame took:
/// whoever sends without end takes a quarter of a CPU.
const REST_FACTOR: u32 = 3;

/// What the player wants.
#[derive(Debug)]
pub struct Request {
    /// Whose lists.
    pub trackers: Vec<TrackerAddress>,
    /// The conditions of the lists.
    pub conditions: Conditions,
    /// The programs that join game servers, by their games.
    pub games: Games,
    /// The program that joins a game server that has no other.
    pub exec: Option<Template>,
    /// Which columns there are.
    pub columns: Columns,
    /// The version of the player's game.
    pub game_version: Option<String>,
}

impl Request {
    /// True if Enter starts programs, as far as is known.
    pub fn starts_programs(&self) -> bool {
        self.exec.is_some() || self.games.is_there()
    }

    /// The program that joins a game server with these fields; `None` if there is none for any.
    fn program(&self, infos: &Infos) -> Result<Option<Template>, String> {
        let game = infos.get("game");
        if let Some(game) = &game
            && let Some(program) = self.games.program_of(game)?
        {
            return Ok(Some(program));
        }
        match (&self.exec, game) {
            (Some(program), _) => Ok(Some(program.clone())),
            (None, _) if !self.games.is_there() => Ok(None),
            (None, Some(game)) => Err(self.games.advice(&game)),
            (None, None) => Err("it does not say which game it is; --exec is for such".to_owned()),
        }
    }
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The player has left.
    Left,
    /// The player has picked this game server, and there is no program to join it with: what to write where
    /// to have one, if that is known.
    Picked(SocketAddr, Option<String>),
    /// The file of games cannot be used: why.
    BadGames(String),
}

/// Shows the lists until the player leaves.
///
/// # Errors
/// When there is no terminal that this can be done on, or it is gone, or no program to join with.
pub fn browse(
    request: Request,
    environment: impl Fn(&str) -> Option<std::ffi::OsString>,
) -> io::Result<Outcome> {
    if !cfg!(unix) {
        let why = "browse takes a terminal of Unix; gltracker list prints the same once";
        return Err(io::Error::other(why));
    }
    if let Some(template) = &request.exec {
        let program = template.program();
        let shown = spelled_out(&program, 200);
        let wrong = |error| io::Error::other(format!("--exec: '{shown}': {error}"));
        interrupt::check(program.as_ref()).map_err(wrong)?;
    }
    if let Err(why) = request.games.check() {
        return Ok(Outcome::BadGames(why));
    }
    let text = |name: &str| environment(name).map(|value| value.to_string_lossy().into_owned());
    let mut favourites = Favourites::at(favourites::default_path(&environment));
    let loaded = favourites.load();
    let mut terminal = Terminal::open(text)?;
    let name = match &request.trackers[..] {
        [one] => one.to_string(),
        several => format!("{} trackers", several.len()),
    };
    let mut model = Model::new(name, request.game_version.clone(), favourites);
    model.is_partial = !request.conditions.is_empty();
    model.joins = request.starts_programs();
    model.columns = request.columns.clone();
    let now = Instant::now();
    if let Err(error) = loaded {
        let notice = format!("favourites cannot be read: {error}");
        model.on_event(Event::Notice(notice), now);
    }
    let (on_input, happen, inbox) = inbox::inbox();
    let keys = input::start(on_input)?;
    let pinged = happen.clone();
    // Whoever wanted it may be gone.
    let on_ping = move |ping| drop(pinged.send(Happening::Ping(ping)));
    let mut browser = Browser {
        trackers: Trackers::start(&request.trackers, &request.conditions, &happen)?,
        pinger: Pinger::start(Limits::default(), on_ping)?,
        queue: Queue::new(Limits::default()),
        is_short: false,
        happen,
        inbox,
        keys,
        request,
    };
    browser.run(&mut model, &mut terminal)
}

struct Browser {
    request: Request,
    trackers: Trackers,
    pinger: Pinger,
    queue: Queue,
    /// The player was told that there was no room for a socket.
    is_short: bool,
    keys: input::Keys,
    happen: SyncSender<Happening>,
    inbox: Inbox,
}

impl Browser {
    fn run(&mut self, model: &mut Model, terminal: &mut Terminal) -> io::Result<Outcome> {
        let mut start = Instant::now();
        loop {
            model.settle();
            model.scrolled = model.scrolled.min(view::most_scrolled(model));
            terminal.draw(view::draw(model, Instant::now()))?;
            let rest = (start.elapsed() * REST_FACTOR).min(REDRAW_INTERVAL);
            let mut next = self.inbox.next(rest, REDRAW_INTERVAL);
            start = Instant::now();
            while let Some(happening) = next {
                let is_key = matches!(happening, Happening::Input(Input::Key(..)));
                if matches!(happening, Happening::Input(Input::Changed)) {
                    terminal.retake()?;
                }
                for event in self.translate(happening)? {
                    if let Event::Ping(ping) = &event {
                        self.queue.on_ping(&ping.target);
                    }
                    let is_list = matches!(event, Event::List(_));
                    let action = model.on_event(event, Instant::now());
                    if is_list {
                        let is_there = |address| model.target_of(address).is_some();
                        self.queue.retain(is_there);
                    }
                    let Some(action) = action else {
                        continue;
                    };
                    if let Some(outcome) = self.act(action, model, terminal)? {
                        return Ok(outcome);
                    }
                }
                // The effect of a key is drawn before the next key. A tracker that never stops
                // sending does not keep the screen from being drawn.
                next = match is_key || start.elapsed() >= MAX_BATCH_TIME {
                    true => None,
                    false => self.inbox.next(Duration::ZERO, Duration::ZERO),
                };
            }
            self.ping(model);
        }
    }

    /// Gives the pinger as much as it may have, and tells the player once if it lacks sockets.
    fn ping(&mut self, model: &mut Model) {
        let targets = self
            .queue
            .next(Instant::now(), |address| model.target_of(address));
        targets.iter().for_each(|target| self.pinger.ping(*target));
        if let Some(why) = self.pinger.shortage().filter(|_| !self.is_short) {
            self.is_short = true;
            let notice = format!("{why}: some are pinged later or not at all; see ulimit -n");
            model.on_event(Event::Notice(notice), Instant::now());
        }
    }

    /// Turns a happening into events of the model.
    fn translate(&mut self, happening: Happening) -> io::Result<Vec<Event>> {
        Ok(match happening {
            // A key from before the game, such as a second Enter, is dropped.
            Happening::Input(Input::Key(_, pauses)) if pauses != self.keys.pauses() => vec![],
            Happening::Input(Input::Key(key, _)) => vec![Event::Key(key)],
            Happening::Input(Input::Changed) | Happening::Knock => vec![],
            Happening::Input(Input::Size(columns, lines)) => vec![Event::Size(columns, lines)],
            Happening::Input(Input::Closed(error)) => return Err(error),
            Happening::Tracker(number, event) => self.trackers.on_event(number, event),
            Happening::Ping(ping) => vec![Event::Ping(ping)],
        })
    }

    fn act(
        &mut self,
        action: Action,
        model: &mut Model,
        terminal: &mut Terminal,
    ) -> io::Result<Option<Outcome>> {
        let mut notice = None;
        match action {
            Action::Quit => return Ok(Some(Outcome::Left)),
            Action::Redraw => terminal.forget(),
            Action::Copy(text) => terminal.copy(&text)?,
            Action::SaveFavourites => {
                let saved = model.favourites.save();
                model.mark_favourites();
                notice = saved
                    .err()
                    .map(|error| format!("favourites are not kept: {error}"));
            }
            Action::Refresh(targets) => {
                self.trackers.retry();
                self.queue.refresh();
                self.queue.add(model.entries_at(&targets));
            }
            Action::Ping(targets) => self.queue.add(model.entries_at(&targets)),
            Action::Join(address, infos) => {
                let program = self.request.program(&infos);
                let call = program.map(|program| program.map(|it| it.fill(address, &infos)));
                notice = Some(match call {
                    Ok(None) => {
                        let game = infos.get("game");
                        let advice = game.map(|game| self.request.games.advice(&game));
                        return Ok(Some(Outcome::Picked(address, advice)));
                    }
                    Ok(Some(Ok(call))) => self.play(&call, model, terminal)?,
                    Ok(Some(Err(why))) => format!("cannot join: {why}"),
                    Err(why) => format!("not joined: {why}"),
                });
            }
        }
        notice.map(|notice| model.on_event(Event::Notice(notice), Instant::now()));
        Ok(None)
    }

    /// Disconnects, gives the terminal to the game until it ends, and comes back. Returns a notice.
    fn play(
        &mut self,
        call: &Call,
        model: &mut Model,
        terminal: &mut Terminal,
    ) -> io::Result<String> {
        self.trackers.leave();
        self.keys.pause();
        let ended = terminal.lend(|| {
            let mut game = interrupt::command(call.program.as_ref())?;
            game.args(&call.arguments)
                .env_remove("GLTRACKER_PASSWORD")
                .envs(call.environment.iter().map(|(key, value)| (key, value)))
                .status()
        });
        self.keys.resume();
        let ended = ended?;
        model.connection = Connection::Connecting;
        self.trackers.again(
            &self.request.trackers,
            &self.request.conditions,
            &self.happen,
        )?;
        let program = spelled_out(&call.program, 40);
        Ok(match ended {
            Ok(status) if status.success() => format!("{program} has ended"),
            Ok(status) => format!("{program} has ended: {status}"),
            Err(error) => format!("{program} cannot be started: {}", in_words(&error)),
        })
    }
}
