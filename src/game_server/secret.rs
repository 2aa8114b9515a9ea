//! Where the password of a tracker comes from, or the secret of a key.

use super::session::{Credential, CredentialError};
use crate::base::io_error::in_words;
use crate::protocol::text::spelled_out;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Where the secret is.
#[derive(Clone)]
pub enum Secret {
    /// Here.
    Text(String),
    /// In the first line of a file that is neither blank nor begins with `#`.
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Secret {
    /// The secret itself.
    ///
    /// # Errors
    /// When the file cannot be read or holds none.
    pub(crate) fn read(&self) -> Result<String, SecretError> {
        let path = match self {
            Self::Text(secret) => return Ok(secret.clone()),
            Self::File(path) => path,
        };
        let text = fs::read_to_string(path)
            .map_err(|error| SecretError::Unreadable(path.clone(), error))?;
        let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let line = line.ok_or_else(|| SecretError::None(path.clone()))?;
        Ok(line.to_owned())
    }
}

/// Who logs in with `secret`: whoever has the password, or the owner of the key of this name.
///
/// # Errors
/// When a login cannot carry it.
pub(crate) fn credential(key: Option<&str>, secret: &str) -> Result<Credential, SecretError> {
    match key {
        Some(name) => Credential::key(name, secret),
        None => Credential::password(secret),
    }
    .map_err(SecretError::Unusable)
}

/// Why there is no secret to log in with.
#[derive(Debug)]
pub enum SecretError {
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The file holds none.
    None(PathBuf),
    /// It cannot be one.
    Unusable(CredentialError),
}

impl SecretError {
    /// True if the command line was wrong, false if the system said no.
    pub(crate) fn is_wrong_usage(&self) -> bool {
        !matches!(self, Self::Unreadable(..))
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &Path| spelled_out(&path.display().to_string(), 200);
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "--password-file: {}: {}", shown(path), in_words(error))
            }
            Self::None(path) => write!(
                f,
                "--password-file: {} holds no password; write one into its first line",
                shown(path)
            ),
            Self::Unusable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SecretError {}
