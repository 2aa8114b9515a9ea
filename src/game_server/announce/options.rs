//! What `gltracker announce` is told.

use super::ask::Asked;
use super::error::AnnounceError;
use crate::game_server::pong::PongPlace;
use crate::game_server::secret::{Secret, credential};
use crate::game_server::session::Credential;
use crate::game_server::tracker_address::TrackerAddress;
use crate::protocol::fields::Infos;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What `gltracker announce` is to do.
#[derive(Debug)]
pub struct Options {
    /// The trackers that list it; one at least.
    pub trackers: Vec<TrackerAddress>,
    /// The name of a key, if there is one.
    pub key: Option<String>,
    /// The password, or the secret of the key.
    pub secret: Secret,
    /// Its first fields: a complete set with a port.
    pub fields: Infos,
    /// The keys that the game server is not to be announced with, whatever is answered.
    pub off: Vec<String>,
    /// Who is asked what the game server is, if anybody is.
    pub asked: Option<Asked>,
    /// The file that updates are read from, in place of standard input.
    pub updates: Option<PathBuf>,
    /// Where to answer datagrams, if at all.
    pub pong: Option<PongPlace>,
    /// The longest time without an update. After it, the game server is off the lists until the next.
    pub alive: Option<Duration>,
    /// The game server's program and its arguments; empty if somebody else starts it.
    pub program: Vec<OsString>,
}

impl Options {
    /// Who the game server logs in as; reads the file of the password if there is one.
    ///
    /// # Errors
    /// When the file cannot be read or holds no password, or a login cannot carry it.
    pub(crate) fn credential(&self) -> Result<Credential, AnnounceError> {
        let secret = self.secret.read().map_err(AnnounceError::Secret)?;
        if self
            .fields
            .get("password")
            .is_some_and(|value| value == secret)
        {
            return Err(AnnounceError::Published);
        }
        credential(self.key.as_deref(), &secret).map_err(AnnounceError::Secret)
    }
}
