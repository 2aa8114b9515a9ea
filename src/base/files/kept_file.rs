//! One file that is replaced as a whole, by one process.
//!
//! A lock file next to it is held for life; the kernel frees it however its holder dies. A temporary file
//! takes the place of the old one when it is complete and on the disk. So whoever reads finds the old text
//! or the new one, never half of it.

use super::atomic_file::{NewFile, beside};
use super::lock_file::{Lock, NoLock, naming, private};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// What the name of the new file ends in until it is complete.
pub(crate) const NEW: &str = ".new";

/// What the name of the file ends in that is locked.
pub(crate) const LOCK: &str = ".lock";

/// The largest file that is read, in bytes. A tracker's longest line is some 1,100 bytes, and no machine
/// has had more than 16,000 slots: this is fifteen times what that makes.
const MAX_FILE: u64 = 256 << 20;

/// Names that are tried for a file that is set aside: `FILE.bad`, `FILE.bad.1` and so on.
const MAX_ASIDE: usize = 10;

/// The file.
#[derive(Debug)]
pub(crate) struct KeptFile {
    path: PathBuf,
    lock: Lock,
}

impl KeptFile {
    /// The file at `path`, which was not looked at yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        let lock = Lock::new(beside(&path, LOCK));
        Self { path, lock }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file with more behind it.
    pub(crate) fn beside(&self, end: &str) -> PathBuf {
        beside(&self.path, end)
    }

    /// Holds the lock, or takes it again if the folder was made anew since.
    ///
    /// # Errors
    /// [`NoLock`].
    pub(crate) fn hold(&mut self) -> Result<(), NoLock> {
        self.lock.hold()
    }

    /// True if there is such a file.
    pub(crate) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// True if something is there that is not a file: a folder, a device.
    pub(crate) fn is_no_file(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file())
    }

    /// What the file holds; `None` if there is no such file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        // To open a named pipe takes somebody who writes.
        if self.is_no_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let length = file.metadata()?.len();
        if length > MAX_FILE {
            return Err(io::Error::other("it is larger than 256 MiB"));
        }
        let mut text = Vec::with_capacity(length as usize + 1);
        file.take(MAX_FILE).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    /// Renames the file to a name that is free, and returns that.
    ///
    /// # Errors
    /// Why it stays where it is.
    pub(crate) fn set_aside(&self) -> io::Result<PathBuf> {
        for number in 0..MAX_ASIDE {
            let aside = match number {
                0 => self.beside(".bad"),
                _ => self.beside(&format!(".bad.{number}")),
            };
            // The name stays free until then: only the holder of the lock uses such names.
            if fs::symlink_metadata(&aside).is_err_and(|e| e.kind() == ErrorKind::NotFound) {
                fs::rename(&self.path, &aside)?;
                return Ok(aside);
            }
        }
        let text = "it cannot be set aside: FILE.bad to FILE.bad.9 are all there; move them away";
        Err(io::Error::other(text))
    }

    /// Puts `text` in place of what the file holds.
    ///
    /// # Errors
    /// Why not; the file is as it was.
    pub(crate) fn replace(&self, text: &[u8]) -> io::Result<()> {
        let path = self.beside(NEW);
        write_new(&path, text)
            .map_err(|error| naming(&path, error))?
            .replace(&self.path)?;
        sync_folder(&self.path)
    }
}

/// A file at `path` that holds `text`, also after a loss of power.
fn write_new(path: &Path, text: &[u8]) -> io::Result<NewFile> {
    let mut new = NewFile::create(path.to_owned(), private())?;
    new.file().write_all(text)?;
    new.file().sync_all()?;
    Ok(new)
}

/// Makes the new name of a file survive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own that is removed in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("gltracker-kept-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = Folder::new("replace");
        let disk = KeptFile::new(folder.0.join("state"));
        assert!(disk.read().unwrap().is_none());
        disk.replace(b"one").unwrap();
        fs::write(disk.beside(".new"), "left by a crash").unwrap();
        disk.replace(b"two").unwrap();
        assert_eq!(disk.read().unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_not_waited_for() {
        let folder = Folder::new("pipe");
        let disk = KeptFile::new(folder.0.join("state"));
        let made = std::process::Command::new("mkfifo")
            .arg(disk.path())
            .status();
        assert!(made.unwrap().success());
        assert!(disk.read().is_err());
    }

    #[test]
    fn what_is_set_aside_takes_the_place_of_nothing() {
        let folder = Folder::new("aside");
        let disk = KeptFile::new(folder.0.join("state"));
        for number in 0..MAX_ASIDE {
            fs::write(disk.path(), number.to_string()).unwrap();
            let aside = disk.set_aside().unwrap();
            assert_eq!(fs::read_to_string(aside).unwrap(), number.to_string());
        }
        fs::write(disk.path(), "one too many").unwrap();
        assert!(disk.set_aside().is_err());
        assert_eq!(disk.read().unwrap().unwrap(), b"one too many");
        assert_eq!(fs::read(disk.beside(".bad")).unwrap(), b"0");
    }

    #[test]
    fn one_process_holds_the_lock_also_of_a_folder_made_anew() {
        let folder = Folder::new("lock");
        let inner = folder.0.join("inner");
        let mut one = KeptFile::new(inner.join("state"));
        let mut two = KeptFile::new(inner.join("state"));
        let Err(NoLock::Failed(error)) = one.hold() else {
            panic!("there is no folder for it");
        };
        assert!(error.to_string().contains("state.lock: "), "{error}");
        fs::create_dir(&inner).unwrap();
        assert!(one.hold().is_ok() && one.hold().is_ok());
        assert!(matches!(two.hold(), Err(NoLock::Held)));
        fs::remove_dir_all(&inner).unwrap();
        assert!(one.hold().is_err());
        fs::create_dir(&inner).unwrap();
        assert!(two.hold().is_ok());
        assert!(matches!(one.hold(), Err(NoLock::Held)));
        drop(two);
        assert!(one.hold().is_ok());
    }
}
