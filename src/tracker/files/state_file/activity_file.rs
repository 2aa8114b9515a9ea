//! The file beside the state file that keeps how many players and game servers there were.
//!
//! What it holds is not looked at here. It is read by who counts, and written by the thread of the state file:
//! a disk that hangs keeps no published file from being replaced.

use crate::base::files::kept_file::KeptFile;
use crate::tracker::files::names::ACTIVITY;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The side of who counts.
#[derive(Debug)]
pub(crate) struct ActivityFile {
    file: KeptFile,
    texts: SyncSender<Vec<u8>>,
}

/// The side of who writes. Whoever holds the lock of the state file may.
#[derive(Debug)]
pub(super) struct ActivityWriter {
    file: KeptFile,
    texts: Receiver<Vec<u8>>,
    /// What could not be written yet.
    waiting: Option<Vec<u8>>,
}

/// Both sides of the file beside `state`.
pub(super) fn beside(state: &KeptFile) -> (ActivityFile, ActivityWriter) {
    let file = || KeptFile::new(state.beside(ACTIVITY));
    let (sender, texts) = sync_channel(1);
    let writer = ActivityWriter {
        file: file(),
        texts,
        waiting: None,
    };
    let texts = sender;
    (
        ActivityFile {
            file: file(),
            texts,
        },
        writer,
    )
}

impl ActivityFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// What it holds; `None` if there is no such file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        self.file.read()
    }

    /// Renames it to a name that is free, and returns that.
    ///
    /// # Errors
    /// Why it stays where it is.
    pub(crate) fn set_aside(&self) -> io::Result<PathBuf> {
        self.file.set_aside()
    }

    /// Has it replaced within a second. While the disk hangs what comes is dropped; there is always more to come.
    pub(crate) fn replace(&self, text: Vec<u8>) {
        let _ = self.texts.try_send(text);
    }
}

impl ActivityWriter {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// True if something has come, or could not be written before.
    pub(super) fn is_waiting(&mut self) -> bool {
        self.waiting = self.texts.try_iter().last().or(self.waiting.take());
        self.waiting.is_some()
    }

    /// Writes that.
    ///
    /// # Errors
    /// Why the file is as it was. It is tried again the next time.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if let Some(text) = &self.waiting {
            self.file.replace(text)?;
            self.waiting = None;
        }
        Ok(())
    }
}
