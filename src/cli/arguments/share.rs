//! With whom a tracker shares its list: `--share` and what belongs to it, and the variables of the secret.

use super::announced::{text, variable};
use crate::cli::command::UsageError;
use crate::cli::flags::Flag;
use crate::tracker::sharing::share::{
    DEFAULT_PREFIX, EngineAt, MAX_NAME, Share, ShareSecret, check_name,
};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

/// The flags.
pub(crate) const SHARE: Flag = Flag {
    name: "--share",
    value: "HOST[:PORT]",
    help: "Valkey or Redis: several trackers have one list",
};

pub(crate) const SHARE_NAME: Flag = Flag {
    name: "--share-name",
    value: "NAME",
    help: "this tracker's name there [default: the host's]\nThat is what the others call this tracker.",
};

pub(crate) const SHARE_PREFIX: Flag = Flag {
    name: "--share-prefix",
    value: "NAME",
    help: "what its keys begin with [default: gltracker]",
};

pub(crate) const SHARE_PASSWORD_FILE: Flag = Flag {
    name: "--share-password-file",
    value: "FILE",
    help: "the password there, below the user if there is one",
};

/// The variables of the secret, which is never written on the command line.
pub(crate) const USER: &str = "GLTRACKER_SHARE_USER";
pub(crate) const PASSWORD: &str = "GLTRACKER_SHARE_PASSWORD";

/// The name of a machine that does not say its own.
const NAMELESS: &str = "tracker";

/// What was said about that so far.
#[derive(Default)]
pub(crate) struct Sharing {
    engine: Option<EngineAt>,
    name: Option<String>,
    prefix: Option<String>,
    password_file: Option<PathBuf>,
    /// Where the last of them was written that means nothing without `--share`.
    beside: Option<String>,
}

impl Sharing {
    /// Applies a flag, which was written in `source`; returns false if it is another's.
    ///
    /// # Errors
    /// [`UsageError`] for a value that cannot be used.
    pub(crate) fn set(
        &mut self,
        flag: &Flag,
        value: &OsStr,
        source: &str,
    ) -> Result<bool, UsageError> {
        let wrong = |why: String| UsageError(format!("{source}: {why}"));
        let name = || {
            let name = text(source, value)?;
            let why_not = |why| wrong(format!("'{}' is not a name: it {why}", name.escape_debug()));
            check_name(name).map_err(why_not)?;
            Ok(Some(name.to_owned()))
        };
        match flag.name {
            it if it == SHARE.name => {
                self.engine = Some(text(source, value)?.parse().map_err(wrong)?);
                return Ok(true);
            }
            it if it == SHARE_NAME.name => self.name = name()?,
            it if it == SHARE_PREFIX.name => self.prefix = name()?,
            it if it == SHARE_PASSWORD_FILE.name => self.password_file = Some(value.into()),
            _ => return Ok(false),
        }
        self.beside = Some(source.to_owned());
        Ok(true)
    }

    /// All of it, if the list is to be shared.
    ///
    /// # Errors
    /// [`UsageError`] for what belongs to `--share` without it, and for a secret that is said twice or in
    /// part.
    pub(crate) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Share>, UsageError> {
        let user = variable(USER, &environment)?;
        if environment(PASSWORD).is_some_and(|password| password.is_empty()) {
            let text = format!("{PASSWORD} is empty; unset it, or set it");
            return Err(UsageError(text));
        }
        let password = variable(PASSWORD, &environment)?;
        let Some(engine) = self.engine else {
            let variables = [(USER, &user), (PASSWORD, &password)];
            let set = variables.iter().find(|(_, value)| value.is_some());
            let beside = self.beside.or(set.map(|(name, _)| (*name).to_owned()));
            return match beside {
                None => Ok(None),
                Some(source) => Err(UsageError(format!(
                    "{source} changes nothing without --share: give --share HOST[:PORT], or leave it out"
                ))),
            };
        };
        Ok(Some(Share {
            engine,
            name: self.name.unwrap_or_else(|| name_of_machine(&environment)),
            prefix: self.prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
            secret: secret(self.password_file, user, password)?,
        }))
    }
}

/// What the engine is shown.
fn secret(
    file: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
) -> Result<ShareSecret, UsageError> {
    let wrong = |text: String| Err(UsageError(text));
    match (file, user, password) {
        (None, None, None) => Ok(ShareSecret::None),
        (Some(file), None, None) => Ok(ShareSecret::File(file)),
        (None, user, Some(password)) => Ok(ShareSecret::Given { user, password }),
        (None, Some(_), None) => wrong(format!("{USER} needs a password: set {PASSWORD} too")),
        (Some(_), _, Some(_)) => wrong(format!(
            "--share-password-file and {PASSWORD} cannot both say the password; keep one of them"
        )),
        (Some(_), Some(_), None) => wrong(format!(
            "{USER} goes with {PASSWORD}; in the file of --share-password-file the user is the first line, \
             and the password the second"
        )),
    }
}

/// The name of this machine, as far as it can be the name of a tracker.
fn name_of_machine(environment: impl Fn(&str) -> Option<OsString>) -> String {
    let said = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let said = said.or_else(|| environment("HOSTNAME")?.into_string().ok());
    as_name(&said.unwrap_or_default())
}

/// `text` with a dash for each character that a name cannot have.
fn as_name(text: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '-',
    };
    let name: String = text.trim().chars().take(MAX_NAME).map(letter).collect();
    match check_name(&name) {
        Ok(()) => name,
        Err(_) => NAMELESS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_machine_is_called_makes_a_name() {
        for (machine, name) in [
            ("mars\n", "mars"),
            ("mars.example.org", "mars.example.org"),
            ("käse rad", "k-se-rad"),
            ("", "tracker"),
            (" \n", "tracker"),
        ] {
            assert_eq!(as_name(machine), name);
        }
        assert_eq!(as_name(&"ü".repeat(70)), "-".repeat(MAX_NAME));
        assert_eq!(check_name(&name_of_machine(|_| None)), Ok(()));
    }
}
