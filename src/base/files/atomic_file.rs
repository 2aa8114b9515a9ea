//! How a file is replaced so that whoever reads it finds the old one or the new one, whole.
//!
//! This file hides the steps. The new text is written to a temporary file beside the old one, and the
//! temporary file is renamed. A temporary file that a crash has left is removed first. So is a link in
//! its place: in a folder where others may write it could lead anywhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How many links to links are followed; Linux follows as many.
const MAX_LINKS: usize = 40;

/// A file under a temporary name. Dropping it removes it, unless it has replaced another file: half
/// of a file should take no room on a full disk.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    file: File,
    has_place: bool,
}

impl NewFile {
    /// Makes an empty file at `path`, the temporary name, with these options.
    ///
    /// # Errors
    /// Those of the system. What was at `path` may be gone.
    pub(crate) fn create(path: PathBuf, mut options: OpenOptions) -> io::Result<Self> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = options.write(true).create_new(true).open(&path)?;
        Ok(Self {
            path,
            file,
            has_place: false,
        })
    }

    /// The file, to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Takes the place of the file at `path`, in the same folder.
    ///
    /// # Errors
    /// Those of the system. The old file is as it was.
    pub(crate) fn replace(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.has_place = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.has_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name of the file `path` with more behind it.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The file that `path` leads to if it is a link. There need not be one: a link to nothing names a
/// file that is still to be made, as it does for every program that writes one.
///
/// # Errors
/// For links that lead nowhere but to each other.
pub(crate) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        // If this is an error, opening the file will report it.
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        path.pop();
        path.push(target);
    }
    Err(io::Error::other("there are too many links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A folder of its own that is removed in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("gltracker-atomic-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let files = fs::read_dir(&self.0).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn write(path: &Path, text: &str) -> io::Result<()> {
        let mut new = NewFile::create(beside(path, ".new"), File::options())?;
        new.file().write_all(text.as_bytes())?;
        new.replace(path)
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = Folder::new("whole");
        let path = folder.0.join("a");
        for text in ["one", "longer", "2"] {
            fs::write(folder.0.join("a.new"), "left by a crash").unwrap();
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        drop(NewFile::create(folder.0.join("a.new"), File::options()).unwrap());
        fs::create_dir(folder.0.join("b")).unwrap();
        assert!(write(&folder.0.join("b"), "x").is_err(), "that is a folder");
        assert!(
            write(&folder.0.join("c/d"), "x").is_err(),
            "there is no folder"
        );
        assert_eq!(folder.names(), ["a", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_temporary_file_is_not_followed() {
        let folder = Folder::new("link");
        let victim = folder.0.join("victim");
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, folder.0.join("a.new")).unwrap();
        write(&folder.0.join("a"), "new").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(folder.names(), ["a", "victim"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stands_for_what_it_leads_to_even_if_that_is_not_there_yet() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new("links");
        let at = |name: &str| folder.0.join(name);
        symlink("other", at("link")).unwrap();
        symlink(at("link"), at("link-to-link")).unwrap();
        symlink("round", at("round")).unwrap();
        for name in ["link", "link-to-link", "other"] {
            assert_eq!(behind_links(&at(name)).unwrap(), at("other"));
        }
        assert!(behind_links(&at("round")).is_err());
    }
}
