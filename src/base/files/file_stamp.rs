//! What shows that a file has changed.
//!
//! This file hides what is compared: the time of the last change, the length and the inode. An editor
//! that puts a new file in place of the old one changes the inode.

use std::fs::Metadata;
use std::time::SystemTime;

/// What a file looked like at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileStamp {
    modified: Option<SystemTime>,
    length: u64,
    /// The file system and the inode; `None` where the system has no inodes.
    file: Option<(u64, u64)>,
}

impl FileStamp {
    /// The stamp of a file with this metadata.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            file: file_of(metadata),
        }
    }

    /// The length, in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// True if both stamps are of one file, changed or not. Without inodes that is always so.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.file == other.file
    }

    /// A stamp that no file has: compared with it, the file has changed.
    pub(crate) fn outdated(self) -> Self {
        Self {
            modified: None,
            ..self
        }
    }
}

#[cfg(unix)]
fn file_of(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_of(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_grows_is_the_same_file_and_one_in_its_place_is_not() {
        let path = std::env::temp_dir().join(format!("gltracker-stamp-{}", std::process::id()));
        let other = path.with_extension("other");
        let stamp = |path| FileStamp::of(&fs::metadata(path).unwrap());
        fs::write(&path, "one").unwrap();
        let before = stamp(&path);
        assert_eq!((&before, before.length()), (&stamp(&path), 3));
        assert_ne!(before.clone().outdated(), before);
        fs::write(&path, "longer").unwrap();
        assert!(stamp(&path) != before && stamp(&path).is_same_file(&before));
        fs::write(&other, "longer").unwrap();
        assert_eq!(stamp(&other).is_same_file(&before), cfg!(not(unix)));
        fs::remove_file(&path).unwrap();
        fs::remove_file(&other).unwrap();
    }
}
