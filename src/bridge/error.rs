//! Why a bridge does not start, in words that say what to change.

use super::hall::DoorError;
use crate::base::io_error::in_words;
use crate::game_server::SecretError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Why a bridge does not start.
#[derive(Debug)]
pub enum BridgeError {
    /// There is no password or key to log in with.
    Secret(SecretError),
    /// The door of this word cannot be opened.
    Door(&'static str, DoorError),
    /// What is at this path, which the flag gives, cannot be used: why, with what to do.
    Path(&'static str, PathBuf, String),
    /// A thread could not be started.
    Thread(io::Error),
}

impl BridgeError {
    /// True if the command line was wrong, false if the system said no.
    pub fn is_wrong_usage(&self) -> bool {
        matches!(self, Self::Secret(error) if error.is_wrong_usage())
    }
}

impl fmt::Display for BridgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::Door(door, DoorError::Listen(at, error))
                if error.kind() == ErrorKind::AddrInUse =>
            {
                write!(
                    f,
                    "--{door}: port {} is in use (on {at}): another bridge or master server is \
                     running; stop it, or choose another with --{door} ADDR",
                    at.port()
                )
            }
            Self::Door(door, DoorError::Listen(at, error)) => {
                write!(f, "--{door}: cannot listen on {at}: {}", in_words(error))
            }
            Self::Path(flag, path, why) => write!(f, "{flag} {}: {why}", path.display()),
            Self::Door(_, DoorError::Thread(error)) | Self::Thread(error) => {
                write!(f, "a thread cannot be started: {}", in_words(error))
            }
        }
    }
}

impl std::error::Error for BridgeError {}
