//! The folder of published files.
//!
//! A file is replaced by renaming a temporary file beside it, so a reader sees the old one or the new one,
//! whole. Nothing is forced to the disk: all files are written anew at the next start, so a loss of power
//! loses nothing, and a flush every second would wear the disk out.

use crate::base::files::atomic_file::NewFile;
use crate::base::files::file_stamp::FileStamp;
use crate::tracker::files::names::temporary;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What shows that a file is still the one that was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: FileStamp,
    /// Who may read it.
    #[cfg(unix)]
    mode: u32,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: FileStamp::of(metadata),
            #[cfg(unix)]
            mode: std::os::unix::fs::MetadataExt::mode(metadata),
        }
    }
}

/// A folder whose files are replaced as a whole.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// True if the file `name` is the one that `stamp` was taken of.
    pub(super) fn still_has(&self, name: &str, stamp: &Option<Stamp>) -> bool {
        let there = fs::metadata(self.0.join(name)).ok();
        stamp.is_some() && there.as_ref().map(Stamp::of) == *stamp
    }

    /// The stamp of the file `name` if it holds `text` already.
    pub(super) fn stamp_of(&self, name: &str, text: &str) -> Option<Stamp> {
        let path = self.0.join(name);
        // The size is looked at first, so that no other file is read.
        let metadata = fs::metadata(&path).ok()?;
        let may_be = metadata.is_file() && metadata.len() == text.len() as u64;
        (may_be && fs::read(&path).ok()? == text.as_bytes()).then(|| Stamp::of(&metadata))
    }

    /// Puts a file in place of the file `name`.
    ///
    /// # Errors
    /// Those of the system. The old file, if there was one, is left as it was.
    pub(super) fn replace<'a>(
        &self,
        name: &str,
        pieces: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<Stamp> {
        let mut new = NewFile::create(self.0.join(temporary(name)), OpenOptions::new())?;
        for piece in pieces {
            new.file().write_all(piece.as_bytes())?;
        }
        let stamp = Stamp::of(&new.file().metadata()?);
        new.replace(&self.0.join(name))?;
        Ok(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_or_left_alone_and_nothing_else_is_left_behind() {
        let path = std::env::temp_dir().join(format!("gltracker-folder-{}", std::process::id()));
        let folder = Folder::new(path.clone());
        assert!(folder.replace("a", ["x"]).is_err(), "there is no folder");
        fs::create_dir(&path).unwrap();
        fs::write(path.join(".a.new"), "left by another").unwrap();
        let stamp = Some(folder.replace("a", ["on", "e"]).unwrap());
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "one");
        assert!(folder.still_has("a", &stamp) && !folder.still_has("a", &None));
        assert_eq!(folder.stamp_of("a", "one"), stamp);
        assert_eq!(folder.stamp_of("a", "two"), None);
        let newer = Some(folder.replace("a", ["two"]).unwrap());
        assert!(folder.still_has("a", &newer) && !folder.still_has("a", &stamp));
        fs::create_dir(path.join("b")).unwrap();
        assert!(folder.replace("b", ["x"]).is_err(), "that is a folder");
        let mut names: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["a", "b"]);
        fs::remove_dir_all(&path).unwrap();
        assert!(!folder.still_has("a", &newer));
    }
}
