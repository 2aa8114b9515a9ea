//! What comes from the terminal: keys, and what becomes of it.
//!
//! This file hides that a terminal is read by a thread which never waits for long, because it must
//! stop reading while a game has the terminal; and that nothing is told of the rest: another thread
//! looks whether the window has another size, and whether the terminal is still as it should be.

use super::raw_mode;
use crate::base::mutex::{lock, sound};
use crate::base::threads;
use crate::client::browse::keyboard::{Key, next_key};
use crate::client::stty::{self, TTY};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How often the size is looked at, and half as often the settings.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Who sleeps so much longer than that was stopped, and the terminal was another's in that time.
const STOPPED_AFTER: Duration = Duration::from_secs(2);

/// The terminal is set to end a read after this; one that ends sooner with nothing, again and
/// again, is at its end.
const EMPTY_READ_TIME: Duration = Duration::from_millis(20);

/// Reads that end at once before it is asked whether the terminal is gone.
const MAX_EMPTY_READS: u32 = 20;

/// Something from the terminal.
#[derive(Debug)]
pub(crate) enum Input {
    /// A key was pressed, when there had been so many pauses.
    Key(Key, u64),
    /// It has so many columns and lines.
    Size(usize, usize),
    /// Somebody else had it, or changed it.
    Changed,
    /// It is gone.
    Closed(io::Error),
}

/// Who reads the terminal.
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
    /// Waits as long as `is_not_yet` holds, and makes a change then.
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

    /// How often it was kept from reading. A key from before the last time was meant for what was
    /// seen then.
    pub(crate) fn pauses(&self) -> u64 {
        lock(&self.turn.state).pauses
    }

    /// Lets it read again.
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

/// Looks again and again. Not done by who reads: a shell from which this program is continued may
/// have left the terminal in a mode in which a read waits for the end of a line.
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
            // Somebody may have told it not to wait; that is noticed elsewhere.
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
