//! What comes from the terminal: keys, and its size.
//!
//! This file hides that a terminal is read by a thread which never waits for long: it must stop
//! reading while a game has the terminal, and sees within half a second that the window has
//! another size.

use super::keys::{Key, next_key};
use super::terminal::{self, TTY};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the size is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The terminal is set to end a read after this; one that ends sooner with nothing, again and
/// again, is at its end.
const QUIET: Duration = Duration::from_millis(20);

/// Reads that end at once before the terminal counts as gone.
const MOST_EMPTY: u32 = 20;

/// Something from the terminal.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// It has so many columns and lines.
    Size(usize, usize),
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
    is_reading: bool,
}

impl Turn {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as `is_not_yet` holds, and makes a change then.
    fn change(&self, is_not_yet: impl Fn(&State) -> bool, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        while is_not_yet(&state) {
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        change(&mut state);
        self.changed.notify_all();
    }
}

/// The thread that reads keys.
#[derive(Debug)]
pub struct Keys {
    turn: Arc<Turn>,
}

impl Keys {
    /// Keeps the thread from reading until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.turn.lock().is_paused = true;
        self.turn.change(|state| state.is_reading, |_| ());
    }

    /// Lets it read again.
    pub fn resume(&self) {
        self.turn.change(|_| false, |state| state.is_paused = false);
    }
}

/// Starts the thread, which calls `on_input` with what comes.
///
/// # Errors
/// When there is no terminal or no thread to be had.
pub fn start(on_input: impl Fn(Input) + Send + 'static) -> io::Result<Keys> {
    let terminal = File::open(TTY)?;
    let turn = Arc::<Turn>::default();
    let keys = Keys {
        turn: Arc::clone(&turn),
    };
    let thread = std::thread::Builder::new().name("keys".to_owned());
    thread.spawn(move || {
        if let Err(error) = read(terminal, &turn, &on_input) {
            on_input(Input::Closed(error));
        }
    })?;
    Ok(keys)
}

fn read(mut terminal: File, turn: &Turn, on_input: &impl Fn(Input)) -> io::Result<()> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut size = None;
    let mut next_look = Instant::now();
    let mut empty = 0;
    loop {
        turn.change(|state| state.is_paused, |state| state.is_reading = true);
        let now = Instant::now();
        let mut new_size = None;
        if now >= next_look {
            next_look = now + LOOK_EVERY;
            new_size = terminal::size().filter(|new| Some(*new) != size);
            size = new_size.or(size);
        }
        let start = Instant::now();
        let mut buffer = [0; 256];
        let read = terminal.read(&mut buffer);
        turn.change(|_| false, |state| state.is_reading = false);
        if let Some((columns, lines)) = new_size {
            on_input(Input::Size(columns, lines));
        }
        let count = match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        empty = match count {
            0 if start.elapsed() < QUIET => empty + 1,
            _ => 0,
        };
        if empty > MOST_EMPTY {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..count]);
        // After a pause, an Escape alone is an Escape.
        let is_all = count == 0;
        let mut used = 0;
        while let Some((key, length)) = next_key(&bytes[used..], is_all) {
            used += length;
            if let Some(key) = key {
                on_input(Input::Key(key));
            }
        }
        bytes.drain(..used);
    }
}
