//! Which of several trackers may write a file or a folder.
//!
//! The lock is held for life, and the kernel frees it however its holder dies. It is taken again where the
//! file or folder was made anew.

use super::file_stamp::FileStamp;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum NoLock {
    /// Another process has it.
    Held,
    /// What is to be locked cannot be used.
    Failed(io::Error),
}

/// A lock on a file that serves no other purpose.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    held: Option<File>,
}

/// How a file is written that nobody else may read, or lock.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

impl Lock {
    /// A lock on the file at `path`, which nobody has tried to take yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, held: None }
    }

    /// Holds the lock, or takes it again if something else is at its path now.
    ///
    /// # Errors
    /// [`NoLock`].
    pub(crate) fn hold(&mut self) -> Result<(), NoLock> {
        let is_here = |held| is_at(held, &self.path);
        if self.held.as_ref().is_some_and(is_here) {
            return Ok(());
        }
        self.held = None;
        let failed = |error| NoLock::Failed(naming(&self.path, error));
        let mut options = private();
        let file = options
            .read(true)
            .create(true)
            .truncate(false)
            .open(&self.path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => self.held = Some(file),
            Err(TryLockError::WouldBlock) => return Err(NoLock::Held),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(())
    }
}

/// The error with the name of its file, which is not the one that the operator named.
pub(crate) fn naming(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// True if the open file is the one that is at `path` now. Where files have no inodes it is if there is any:
/// an open file cannot be removed there.
fn is_at(file: &File, path: &Path) -> bool {
    let stamp = |metadata: fs::Metadata| FileStamp::of(&metadata);
    let (held, here) = (file.metadata().map(stamp), fs::metadata(path).map(stamp));
    held.is_ok_and(|held| here.is_ok_and(|here| here.is_same_file(&held)))
}
