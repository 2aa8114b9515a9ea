//! Who is asked what a game server is: `--ask`, `--status`, `--ask-every`, and keys without a value.

use super::announced::{seconds, text};
use crate::cli::command::UsageError;
use crate::cli::flags::Flag;
use crate::game_server::PongPlace;
use crate::game_server::announce::{Asked, Target, Whom};
use crate::protocol::argument::check_key;
use crate::protocol::fields::Infos;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// The flags.
pub(crate) const ASK: Flag = Flag {
    name: "--ask",
    value: "KIND[=HOST:PORT]",
    help: "ask the game: quake3, source or minecraft",
};

pub(crate) const STATUS: Flag = Flag {
    name: "--status",
    value: "COMMAND",
    help: "ask this shell command, which prints updates",
};

pub(crate) const ASK_EVERY: Flag = Flag {
    name: "--ask-every",
    value: "SECONDS",
    help: "how often that is asked [default: 5]",
};

/// The usual time from one question to the next.
const USUAL_INTERVAL: Duration = Duration::from_secs(5);

/// The longest one, in seconds: three of them pass before a game server is off the lists.
const MAX_INTERVAL: u64 = 3600;

/// What was said about asking so far.
#[derive(Default)]
pub(crate) struct Asking {
    ask: Option<String>,
    status: Option<OsString>,
    every: Option<Duration>,
    /// Keys that are not wanted.
    off: Vec<String>,
}

impl Asking {
    /// Applies a flag; returns false if it is another's.
    ///
    /// # Errors
    /// [`UsageError`] for a wrong value, and for a flag that is given twice.
    pub(crate) fn set(&mut self, flag: &Flag, value: &OsStr) -> Result<bool, UsageError> {
        let is_first = match flag.name {
            name if name == ASK.name => {
                let ask = text(name, value)?.to_owned();
                self.ask.replace(ask).is_none()
            }
            name if name == STATUS.name => self.status.replace(value.to_owned()).is_none(),
            name if name == ASK_EVERY.name => {
                let every = seconds(name, text(name, value)?, MAX_INTERVAL)?;
                self.every.replace(every).is_none()
            }
            _ => return Ok(false),
        };
        match is_first {
            true => Ok(true),
            false => Err(UsageError(format!("{}: it can be only one", flag.name))),
        }
    }

    /// Takes the word `key=`, which switches a field off that the game would say; returns false for any
    /// other word.
    ///
    /// # Errors
    /// [`UsageError`] for what is no key.
    pub(crate) fn switch_off(&mut self, word: &str) -> Result<bool, UsageError> {
        let Some(key) = word.strip_suffix('=').filter(|key| !key.contains('=')) else {
            return Ok(false);
        };
        check_key(key).map_err(|no| UsageError(no.text))?;
        self.off.push(key.to_owned());
        Ok(true)
    }

    /// Who is asked, and the keys that are off. Adds to `fields` what follows from that.
    ///
    /// # Errors
    /// [`UsageError`] for flags that do not go together.
    pub(crate) fn finish(
        self,
        pong: Option<PongPlace>,
        fields: &mut Infos,
    ) -> Result<(Option<Asked>, Vec<String>), UsageError> {
        let whom = match (self.ask, self.status) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(UsageError("--ask and --status: it can be only one".into()));
            }
            (None, Some(command)) => Some(Whom::Command(command)),
            (Some(ask), None) => {
                let mut target = Target::parse(&ask, fields.number("port"))
                    .map_err(|why| UsageError(format!("--ask: {why}")))?;
                target.complete(fields, &self.off);
                if pong.is_some_and(|pong| target.has_taken(pong, fields)) {
                    return Err(UsageError(format!(
                        "--pong: the game has UDP port {} itself; answer at another, which players \
                         then ping: --pong pingport=PORT",
                        target.port()
                    )));
                }
                Some(Whom::Game(target))
            }
        };
        match (&whom, self.every, self.off.first()) {
            (None, Some(_), _) => Err(UsageError(
                "--ask-every: there is nobody to ask without --ask or --status".into(),
            )),
            (None, None, Some(key)) => Err(UsageError(format!("{key}=: a value is needed"))),
            _ => {
                let every = self.every.unwrap_or(USUAL_INTERVAL);
                Ok((whom.map(|whom| Asked { whom, every }), self.off))
            }
        }
    }
}
