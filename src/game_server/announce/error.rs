//! Why `gltracker announce` does not start, in words for a person.

use super::program;
use crate::base::io_error::in_words;
use crate::game_server::announcer::StartError;
use crate::game_server::pong::PongError;
use crate::game_server::secret::SecretError;
use std::ffi::OsString;
use std::{fmt, io};

/// Why nothing is announced.
#[derive(Debug)]
pub enum AnnounceError {
    /// There is no password or key to log in with.
    Secret(SecretError),
    /// The password is among the fields.
    Published,
    /// The UDP port cannot be listened on.
    Pong(PongError),
    /// The game server cannot be started.
    Program(OsString, io::Error),
    /// The announcer did not start.
    Start(StartError),
    /// A thread could not be started.
    Thread(io::Error),
}

impl AnnounceError {
    /// True if the command line was wrong, false if the system said no.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::Secret(error) => error.is_wrong_usage(),
            Self::Published => true,
            _ => false,
        }
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::Published => write!(
                f,
                "password=: everybody would see it; what you log in with stands in GLTRACKER_PASSWORD or \
                 in the file of --password-file alone"
            ),
            Self::Pong(error) => error.fmt(f),
            Self::Program(program, error) => f.write_str(&program::why_not(program, error)),
            Self::Start(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "a thread cannot be started: {}", in_words(error)),
        }
    }
}

impl std::error::Error for AnnounceError {}
