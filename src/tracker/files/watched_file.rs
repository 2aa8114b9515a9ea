//! A file that is read again when it changes.

use crate::base::files::file_stamp::FileStamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes: some 400,000 bans.
const MAX_FILE: u64 = 16 << 20;

/// A file, and how it was when it was last read.
#[derive(Debug, Clone)]
pub struct WatchedFile {
    path: PathBuf,
    seen: Option<FileStamp>,
    /// How it was at the last look, if it had changed since it was read.
    settling: Option<FileStamp>,
    /// It was unreadable at the last look, and that was reported.
    is_missing: bool,
}

/// What a file holds.
#[derive(Debug)]
pub enum Contents {
    /// It is as it was.
    Unchanged,
    /// The text of a file that is new or has changed.
    Changed(String),
    /// It cannot be read (any more). Reported once, until it can be read again.
    Unreadable(io::Error),
}

/// How the file at `path` looks.
fn stamp(path: &Path) -> io::Result<FileStamp> {
    let metadata = fs::metadata(path)?;
    // Reading anything else might never return, or never end.
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(FileStamp::of(&metadata))
}

impl WatchedFile {
    /// A file that nobody has looked at yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            seen: None,
            settling: None,
            is_missing: false,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it if it has changed since it was read, and not since the last look: a file that is being
    /// written is left alone until that is done. The first look reads it as it is.
    pub fn read_if_changed(&mut self) -> Contents {
        // The stamp is taken before reading: a change in between is seen the next time.
        let read = stamp(&self.path).and_then(|stamp| {
            if self.seen.as_ref() == Some(&stamp) {
                self.settling = None;
                return Ok(None);
            }
            let is_first = self.seen.is_none() && !self.is_missing;
            if !is_first && self.settling.as_ref() != Some(&stamp) {
                self.settling = Some(stamp);
                return Ok(None);
            }
            let text = fs::read_to_string(&self.path)?;
            // Some editors begin a file with a byte-order mark.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
            Ok(Some((stamp, text)))
        });
        match read {
            Ok(None) => Contents::Unchanged,
            Ok(Some((stamp, text))) => {
                self.seen = Some(stamp);
                self.is_missing = false;
                Contents::Changed(text)
            }
            Err(error) => {
                (self.seen, self.settling) = (None, None);
                if std::mem::replace(&mut self.is_missing, true) {
                    return Contents::Unchanged;
                }
                Contents::Unreadable(error)
            }
        }
    }
}

/// True if everybody on this machine may read the file at `path`: its own mode allows that, and so does
/// that of each folder on the way to it.
#[cfg(unix)]
pub fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let allows = |path: &Path, bit| fs::metadata(path).is_ok_and(|file| file.mode() & bit != 0);
    let way = |path: PathBuf| path.ancestors().skip(1).all(|folder| allows(folder, 0o001));
    allows(path, 0o004) && path.canonicalize().is_ok_and(way)
}

/// True if everybody on this machine may read the file at `path`. It is not known here.
#[cfg(not(unix))]
pub fn is_open_to_all(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_and_a_missing_file_is_said_once() {
        let path = std::env::temp_dir().join(format!("gltracker-watched-{}", std::process::id()));
        let mut file = WatchedFile::new(path.clone());
        assert!(matches!(file.read_if_changed(), Contents::Unreadable(_)));
        assert!(matches!(file.read_if_changed(), Contents::Unchanged));
        fs::write(&path, "one").unwrap();
        assert!(matches!(file.read_if_changed(), Contents::Unchanged));
        assert!(matches!(file.read_if_changed(), Contents::Changed(text) if text == "one"));
        assert!(matches!(file.read_if_changed(), Contents::Unchanged));
        fs::write(&path, "\u{feff}three").unwrap();
        assert!(
            matches!(file.read_if_changed(), Contents::Unchanged),
            "it may still be being written"
        );
        assert!(matches!(file.read_if_changed(), Contents::Changed(text) if text == "three"));

        let replacement = path.with_extension("new");
        fs::write(&replacement, "other").unwrap();
        fs::rename(&replacement, &path).unwrap();
        assert!(matches!(file.read_if_changed(), Contents::Unchanged));
        assert!(matches!(file.read_if_changed(), Contents::Changed(text) if text == "other"));

        fs::remove_file(&path).unwrap();
        assert!(matches!(file.read_if_changed(), Contents::Unreadable(_)));
        fs::write(&path, [0xff]).unwrap();
        assert!(
            matches!(file.read_if_changed(), Contents::Unchanged),
            "not text is no more readable than before"
        );
        fs::write(&path, "ba").unwrap();
        assert!(matches!(file.read_if_changed(), Contents::Unchanged));
        fs::write(&path, "back").unwrap();
        assert!(
            matches!(file.read_if_changed(), Contents::Unchanged),
            "it may still be being written"
        );
        assert!(matches!(file.read_if_changed(), Contents::Changed(text) if text == "back"));
        fs::remove_file(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_open_to_all_if_they_get_there_and_may_read_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let name = format!("gltracker-open-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::create_dir(&folder).unwrap();
        let above = folder.canonicalize().unwrap();
        let is_open_above =
            |above: &Path| fs::metadata(above).unwrap().permissions().mode() & 1 != 0;
        if !above.ancestors().skip(1).all(is_open_above) {
            return fs::remove_dir(&folder).unwrap();
        }
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for (of_folder, of_file, is_open) in [
            (0o755, 0o644, true),
            (0o711, 0o604, true),
            (0o755, 0o640, false),
            (0o750, 0o644, false),
            (0o700, 0o600, false),
        ] {
            set(&folder, of_folder);
            set(&file, of_file);
            assert_eq!(is_open_to_all(&file), is_open, "{of_folder:o} {of_file:o}");
            assert_eq!(is_open_to_all(&link), is_open, "{of_folder:o} {of_file:o}");
        }
        fs::remove_dir_all(&folder).unwrap();
        assert!(!is_open_to_all(&file), "there is none");
    }

    #[test]
    fn what_is_not_a_file_is_not_read() {
        let mut folder = WatchedFile::new(std::env::temp_dir());
        let Contents::Unreadable(error) = folder.read_if_changed() else {
            panic!("a folder was read")
        };
        assert!(error.to_string().contains("not a regular file"));
    }
}
