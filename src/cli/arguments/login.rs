//! As whom one logs in: `--password-file`, `--key`, and the variables in their place.

use super::announced::{text, variable};
use crate::cli::command::UsageError;
use crate::cli::flags::Flag;
use crate::game_server::Secret;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The flags.
pub(crate) const PASSWORD_FILE: Flag = Flag {
    name: "--password-file",
    value: "FILE",
    help: "its first line is the password\nIt takes the place of GLTRACKER_PASSWORD.",
};

pub(crate) const KEY: Flag = Flag {
    name: "--key",
    value: "NAME",
    help: "log in with this key; its secret is the password\nThe name may also be in GLTRACKER_KEY.",
};

/// What was said about that so far.
#[derive(Default)]
pub(crate) struct Login {
    password_file: Option<PathBuf>,
    key: Option<String>,
}

impl Login {
    /// Applies a flag; returns false if it is another's.
    ///
    /// # Errors
    /// [`UsageError`] for a key that is not text.
    pub(crate) fn set(&mut self, flag: &Flag, value: &OsStr) -> Result<bool, UsageError> {
        match flag.name {
            name if name == PASSWORD_FILE.name => self.password_file = Some(value.into()),
            name if name == KEY.name => self.key = Some(text(name, value)?.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The name of the key, if there is one, and where the password or its secret is.
    ///
    /// # Errors
    /// [`UsageError`] if nobody says a password.
    pub(crate) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Option<String>, Secret), UsageError> {
        let missing = || {
            UsageError(
                "a password is needed: put that of the tracker into GLTRACKER_PASSWORD, or into a \
                 file and give --password-file FILE"
                    .to_owned(),
            )
        };
        let secret = match self.password_file {
            Some(file) => Secret::File(file),
            None => {
                let password = variable("GLTRACKER_PASSWORD", &environment)?;
                Secret::Text(password.ok_or_else(missing)?)
            }
        };
        let key = match self.key {
            Some(key) => Some(key),
            None => variable("GLTRACKER_KEY", &environment)?,
        };
        Ok((key, secret))
    }
}
