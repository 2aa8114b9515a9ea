//! Why `gltracker announce` does not start, in words for a person.

use super::program;
use crate::base::io_error::in_words;
use crate::game_server::announcer::StartError;
use crate::game_server::pong::PongError;
use crate::game_server::session::CredentialError;
use crate::protocol::text::spelled_out;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why nothing is announced.
#[derive(Debug)]
pub enum AnnounceError {
    /// The password or key cannot be one.
    Credential(CredentialError),
    /// The password is among the fields.
    Published,
    /// The file of the password cannot be read.
    PasswordFile(PathBuf, io::Error),
    /// The file of the password holds none.
    NoPassword(PathBuf),
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
        matches!(
            self,
            Self::Credential(_) | Self::NoPassword(_) | Self::Published
        )
    }
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| spelled_out(&path.display().to_string(), 200);
        match self {
            Self::Credential(error) => error.fmt(f),
            Self::Published => write!(
                f,
                "password=: everybody would see it; what you log in with stands in GLTRACKER_PASSWORD or \
                 in the file of --password-file alone"
            ),
            Self::PasswordFile(path, error) => {
                write!(f, "--password-file: {}: {}", shown(path), in_words(error))
            }
            Self::NoPassword(path) => write!(
                f,
                "--password-file: {} holds no password; write one into its first line",
                shown(path)
            ),
            Self::Pong(error) => error.fmt(f),
            Self::Program(program, error) => f.write_str(&program::why_not(program, error)),
            Self::Start(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "a thread cannot be started: {}", in_words(error)),
        }
    }
}

impl std::error::Error for AnnounceError {}
