//! Why a tracker cannot use its files, in words that say what to change.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a tracker cannot use its files.
#[derive(Debug)]
pub enum FilesError {
    /// A file of keys or bans, or the link to the state file, cannot be read.
    Unreadable(PathBuf, io::Error),
    /// Another tracker keeps its list in the state file.
    StateInUse(PathBuf),
    /// What is there in place of the state file cannot be one: a folder, a device.
    StateNoFile(PathBuf),
    /// What is to be the folder for published files is something else.
    NoFolder(PathBuf),
    /// Another tracker publishes in the folder.
    PublishInUse(PathBuf),
    /// Nothing can be written at the path that this flag gives.
    NotWritable(&'static str, PathBuf, io::Error),
    /// Two of the state file, the published files and the files that are read would be here.
    Clash(PathBuf),
    /// A thread could not be started.
    Thread(io::Error),
}

impl FilesError {
    /// Fails for an error that keeps a tracker from writing where `flag` says. A full disk does not: it may
    /// have room again, and a machine that was started again must have its tracker.
    pub(super) fn unless_full(
        flag: &'static str,
        path: &Path,
        error: io::Error,
    ) -> Result<(), Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Ok(()),
            _ => Err(Self::NotWritable(flag, path.to_owned(), error)),
        }
    }

    /// True if the operator has to change something; false if the system said no.
    pub(crate) fn is_wrong_usage(&self) -> bool {
        match self {
            Self::Clash(_) => true,
            // The file can be read, but it is not text.
            Self::Unreadable(_, error) => error.kind() == io::ErrorKind::InvalidData,
            _ => false,
        }
    }
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "the file {} cannot be read: {error}", path.display())
            }
            Self::StateInUse(path) => write!(
                f,
                "another process keeps its state in {path} and holds {path}.lock; stop it, or choose \
                 another file with --state",
                path = path.display()
            ),
            Self::StateNoFile(path) => write!(
                f,
                "--state {} is not a regular file; choose the name of a file",
                path.display()
            ),
            Self::NoFolder(path) => {
                write!(f, "{} is not a folder; --publish needs one", path.display())
            }
            Self::PublishInUse(path) => write!(
                f,
                "another tracker publishes in {}; stop it, or choose another folder with --publish",
                path.display()
            ),
            Self::NotWritable(flag, path, error) if error.kind() == io::ErrorKind::NotFound => {
                write!(
                    f,
                    "{flag} {}: the folder {} is not there; make it, so that the user who runs the \
                 tracker can write to it, or choose another place",
                    path.display(),
                    path.parent().unwrap_or(path).display()
                )
            }
            Self::NotWritable(flag, path, error) => {
                write!(
                    f,
                    "{flag} {}: nothing can be written there: {error}",
                    path.display()
                )
            }
            Self::Clash(path) => write!(
                f,
                "{} would be used for two purposes, and lost; give --state and --publish places of \
                 their own",
                path.display()
            ),
            Self::Thread(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for FilesError {}
