//! The terminal in raw mode.
//!
//! This file makes sure that the terminal is left as it was found: its settings are saved, and restored
//! when this is dropped and when the program panics.

use super::screen::Screen;
use crate::base::mutex::lock;
use crate::client::browse::view::Line;
use crate::client::stty::{TTY, stty};
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::time::Instant;

/// Keys come one by one and without echo; Ctrl-C is one of them. A read without a key ends after
/// 100 ms.
const RAW: [&str; 10] = [
    "-icanon", "-echo", "-isig", "-iexten", "-ixon", "-icrnl", "min", "0", "time", "1",
];

/// The alternate screen, without a cursor, and without lines that go on in the next row: what a terminal
/// draws wider than it was counted ends at the edge.
const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE_SCREEN: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// How many reads discard what was typed.
const MAX_DISCARDED_READS: usize = 64;

/// Settings, as `stty -g` prints them.
#[derive(Debug)]
struct Settings {
    /// Those that the terminal had before. They are restored after a game, too.
    found: String,
    /// Those of raw mode.
    taken: String,
    is_taken: bool,
}

static SETTINGS: Mutex<Settings> = Mutex::new(Settings {
    found: String::new(),
    taken: String::new(),
    is_taken: false,
});

/// A terminal in raw mode, on its alternate screen.
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

    /// Takes it over once more, after somebody has changed it.
    ///
    /// # Errors
    /// When it cannot be taken over again.
    pub(crate) fn retake(&mut self) -> io::Result<()> {
        let found = lock(&SETTINGS).found.clone();
        // What cannot be restored is not needed here.
        let _ = stty(&[&found]);
        self.enter()?;
        self.screen.forget();
        Ok(())
    }

    /// Gives the terminal back while `run` runs. What is typed in that time and not read is discarded.
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

/// True if another program has changed the settings since then: a shell in which this program was
/// stopped and continued, or a program on the same terminal.
pub(crate) fn is_changed() -> bool {
    let now = stty(&["-g"]);
    let settings = lock(&SETTINGS);
    settings.is_taken && now.is_ok_and(|now| now.trim() != settings.taken)
}

/// Restores the terminal, once.
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

/// Discards what was typed for another program. In raw mode, a read waits for 100 ms at the most.
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
