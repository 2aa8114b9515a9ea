//! Input from the terminal: keys, the size, and changes of its settings.
//!
//! This file hides two threads. One reads keys and never waits for long, because it must stop while a
//! game has the terminal. The other polls the size and the settings, since nothing reports changes.

use super::raw_mode;
use crate::base::mutex::{lock, sound};
use crate::base::threads;
use crate::client::browse::keyboard::{Key, next_key};
use crate::client::stty::{self, TTY};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How often the size is polled. The settings are polled half as often.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A sleep that lasts this long shows that the program was stopped; another had the terminal then.
const STOPPED_AFTER: Duration = Duration::from_secs(2);

/// A read of nothing ends after 100 ms, as the terminal is set. Reads that end sooner than this show
/// that the terminal may be gone.
const EMPTY_READ_TIME: Duration = Duration::from_millis(20);

/// How many such reads there may be before that is checked.
const MAX_EMPTY_READS: u32 = 20;

/// Something from the terminal.
#[derive(Debug)]
pub(crate) enum Input {
    /// A key, and how many pauses there had been before it.
    Key(Key, u64),
    /// The terminal has this many columns and lines.
    Size(usize, usize),
    /// Another program had the terminal, or changed its settings.
    Changed,
    /// The terminal is gone.
    Closed(io::Error),
}

/// Whether the terminal may be read, and is.
#[derive(Debug, Default)]
struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_paused: bool,
    pauses: u64,
    is_reading: bool,
}

impl Turn {
    /// Waits while `is_not_yet` is true, and then makes a change.
    fn change(&self, is_not_yet: impl Fn(&State) -> bool, change: impl FnOnce(&mut State)) {
        let is_not_yet = |state: &mut State| is_not_yet(state);
        let mut state = sound(self.changed.wait_while(lock(&self.state), is_not_yet));
        change(&mut state);
        self.changed.notify_all();
    }
}

/// The thread that reads keys.
#[derive(Debug)]
pub(crate) struct Keys {
    turn: Arc<Turn>,
}

impl Keys {
    /// Keeps the thread from reading until [`resume`](Self::resume).
    pub(crate) fn pause(&self) {
        {
            let mut state = lock(&self.turn.state);
            state.is_paused = true;
            state.pauses += 1;
        }
        self.turn.change(|state| state.is_reading, |_| ());
    }

    /// How many pauses there were. A key from before the last one was meant for an older screen.
    pub(crate) fn pauses(&self) -> u64 {
        lock(&self.turn.state).pauses
    }

    /// Lets the thread read again.
    pub(crate) fn resume(&self) {
        self.turn.change(|_| false, |state| state.is_paused = false);
    }
}

/// Starts the threads, which call `on_input` with what comes.
///
/// # Errors
/// When there is no terminal or no thread to be had.
pub(crate) fn start(on_input: impl Fn(Input) + Send + Sync + 'static) -> io::Result<Keys> {
    let terminal = File::open(TTY)?;
    let on_input = Arc::new(on_input);
    let turn = Arc::<Turn>::default();
    let keys = Keys {
        turn: Arc::clone(&turn),
    };
    let on_look = Arc::clone(&on_input);
    threads::start("looks", threads::STACK, move || look(&*on_look))?;
    threads::start("keys", threads::STACK, move || {
        if let Err(error) = read(terminal, &turn, &*on_input) {
            on_input(Input::Closed(error));
        }
    })?;
    Ok(keys)
}

/// Polls the terminal. The thread that reads could not: a shell that continues this program may leave
/// the terminal in a mode in which a read waits for a whole line.
fn look(on_input: &impl Fn(Input)) {
    let mut size = None;
    let mut is_turn_of_settings = false;
    loop {
        if let Some(new) = stty::size().filter(|new| Some(*new) != size) {
            size = Some(new);
            on_input(Input::Size(new.0, new.1));
        }
        let start = Instant::now();
        std::thread::sleep(POLL_INTERVAL);
        is_turn_of_settings = !is_turn_of_settings;
        if start.elapsed() > STOPPED_AFTER || is_turn_of_settings && raw_mode::is_changed() {
            on_input(Input::Changed);
        }
    }
}

fn read(mut terminal: File, turn: &Turn, on_input: &impl Fn(Input)) -> io::Result<()> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut pauses = 0;
    let mut empty = 0;
    loop {
        let mut pauses_now = 0;
        turn.change(
            |state| state.is_paused,
            |state| {
                state.is_reading = true;
                pauses_now = state.pauses;
            },
        );
        if pauses_now != pauses {
            pauses = pauses_now;
            bytes.clear();
        }
        let start = Instant::now();
        let mut buffer = [0; 256];
        let read = terminal.read(&mut buffer);
        turn.change(|_| false, |state| state.is_reading = false);
        let count = match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        empty = match count {
            0 if start.elapsed() < EMPTY_READ_TIME => empty + 1,
            _ => 0,
        };
        if empty > MAX_EMPTY_READS {
            // If it is there, its settings have changed, which the other thread notices.
            if stty::size().is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            std::thread::sleep(EMPTY_READ_TIME);
        }
        bytes.extend_from_slice(&buffer[..count]);
        // After a pause, an Escape alone is an Escape.
        let is_all = count == 0;
        let mut used = 0;
        while let Some((key, length)) = next_key(&bytes[used..], is_all) {
            used += length;
            if let Some(key) = key {
                on_input(Input::Key(key, pauses));
            }
        }
        bytes.drain(..used);
    }
}
