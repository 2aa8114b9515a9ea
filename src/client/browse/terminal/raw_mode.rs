//! The terminal: raw mode, size, and drawing.
//!
//! This file hides how a terminal is spoken to, and sees to it that it is left as it was found,
//! whatever happens: the settings are kept and restored when this is dropped and when the program
//! panics. Settings are changed with `stty`, which every Unix has.

use super::screen::Screen;
use crate::base::mutex::lock;
use crate::client::browse::view::Line;
use crate::client::stty::{TTY, stty};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::time::Instant;

/// Keys come one by one, unechoed, and Ctrl-C is one of them. A read ends after a tenth of a second
/// if none comes.
const RAW: [&str; 10] = [
    "-icanon", "-echo", "-isig", "-iexten", "-ixon", "-icrnl", "min", "0", "time", "1",
];

const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE_SCREEN: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// Reads that throw away what was typed; who types more than that meant something else.
const MAX_DISCARDED_READS: usize = 64;

/// What `stty -g` says.
#[derive(Debug)]
struct Settings {
    /// Of the terminal as it was before all this: what a game does to it is not to last.
    found: String,
    /// Of the terminal while it is taken.
    taken: String,
    is_taken: bool,
}

static SETTINGS: Mutex<Settings> = Mutex::new(Settings {
    found: String::new(),
    taken: String::new(),
    is_taken: false,
});

/// A terminal in raw mode, showing its other screen.
#[derive(Debug)]
pub(crate) struct Terminal {
    output: File,
    colour: bool,
    screen: Screen,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When there is none, or one that cannot move its cursor.
    pub(crate) fn open(environment: impl Fn(&str) -> Option<String>) -> io::Result<Self> {
        let kind = environment("TERM").unwrap_or_default();
        if kind.is_empty() || kind == "dumb" {
            return Err(io::Error::other(
                "this terminal cannot move its cursor (TERM is dumb or not set)",
            ));
        }
        let output = File::options().write(true).open(TTY);
        let output = output.map_err(|error| {
            io::Error::new(error.kind(), format!("there is no terminal here: {error}"))
        })?;
        let terminal = Self {
            output,
            colour: environment("NO_COLOR").is_none_or(|set| set.is_empty()),
            screen: Screen::default(),
        };
        lock(&SETTINGS).found = stty(&["-g"])?.trim().to_owned();
        terminal.enter()?;
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        Ok(terminal)
    }

    fn enter(&self) -> io::Result<()> {
        lock(&SETTINGS).is_taken = true;
        stty(&RAW)?;
        let taken = stty(&["-g"])?.trim().to_owned();
        lock(&SETTINGS).taken = taken;
        (&self.output).write_all(ENTER_SCREEN.as_bytes())
    }

    /// Takes it over once more: somebody has changed it.
    ///
    /// # Errors
    /// When it cannot be taken over again.
    pub(crate) fn retake(&mut self) -> io::Result<()> {
        let found = lock(&SETTINGS).found.clone();
        // Whatever this cannot set is not needed here.
        let _ = stty(&[&found]);
        self.enter()?;
        self.screen.forget();
        Ok(())
    }

    /// Gives the terminal back for as long as `run` runs. What is typed in that time and not read
    /// by who has it is lost.
    ///
    /// # Errors
    /// When it cannot be taken over again.
    pub(crate) fn lend<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        restore();
        let result = run();
        self.retake()?;
        discard_typed();
        Ok(result)
    }

    /// Forgets what is on the screen, so that all of it is drawn anew.
    pub(crate) fn forget(&mut self) {
        self.screen.forget();
    }

    /// Draws what has changed since the last time, and now and then all of it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn draw(&mut self, lines: Vec<Line>) -> io::Result<()> {
        let bytes = self.screen.show(lines, self.colour, Instant::now());
        match bytes.is_empty() {
            true => Ok(()),
            false => self.output.write_all(bytes.as_bytes()),
        }
    }

    /// Puts `text` into the clipboard, if the terminal knows OSC 52.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let text = base64(text.as_bytes());
        write!(self.output, "\x1b]52;c;{text}\x07")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Somebody else has changed the settings since it was taken: a shell that this program was stopped
/// and continued from, or a program on the same terminal.
pub(crate) fn is_changed() -> bool {
    let now = stty(&["-g"]);
    let settings = lock(&SETTINGS);
    settings.is_taken && now.is_ok_and(|now| now.trim() != settings.taken)
}

/// Leaves the terminal as it was found. Does nothing the second time.
fn restore() {
    let found = {
        let mut settings = lock(&SETTINGS);
        if !std::mem::take(&mut settings.is_taken) {
            return;
        }
        settings.found.clone()
    };
    if let Ok(mut output) = File::options().write(true).open(TTY) {
        let _ = output.write_all(LEAVE_SCREEN.as_bytes());
    }
    let _ = stty(&[&found]);
}

/// Reads what was typed, of which nobody knows for whom. In raw mode, a read waits for a moment.
fn discard_typed() {
    let Ok(mut terminal) = File::open(TTY) else {
        return;
    };
    let mut buffer = [0; 1024];
    for _ in 0..MAX_DISCARDED_READS {
        if terminal.read(&mut buffer).is_ok_and(|count| count == 0) {
            return;
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let is_there = at <= three.len();
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if is_there { letter.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_the_clipboard_is_base64() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("192.0.2.1:5", "MTkyLjAuMi4xOjU="),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
