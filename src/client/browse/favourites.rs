//! The player's favourite game servers, kept in a file.
//!
//! This file hides where the file is and what it holds: one `ip:port` a line. It belongs to the user:
//! other lines stay as they are, several browsers may write it, and it may be a link.

use crate::base::files::atomic_file::{NewFile, behind_links, beside};
use crate::base::io_error::in_words;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The largest file, in bytes. A larger one was not written by this program, and is left alone.
const MAX_FILE: u64 = 4 << 20;

/// The favourites and their file.
#[derive(Debug, Default)]
pub struct Favourites {
    addresses: BTreeSet<SocketAddr>,
    /// What has changed since the file was written: true for a new favourite, false for a removed one.
    changed: BTreeMap<SocketAddr, bool>,
    path: Option<PathBuf>,
}

impl Favourites {
    /// The favourites of a file, which is not read yet.
    pub fn at(path: Option<PathBuf>) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// Reads the file. If there is none, there are no favourites.
    ///
    /// # Errors
    /// When there is a file that cannot be read.
    pub(crate) fn load(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            let file = read(path).map_err(|error| about(path, &error))?;
            self.addresses = file
                .split(|byte| *byte == b'\n')
                .filter_map(liked)
                .collect();
        }
        Ok(())
    }

    /// True if it is a favourite.
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().copied()
    }

    /// Makes it a favourite, or not one any more.
    pub(crate) fn toggle(&mut self, address: SocketAddr) {
        let likes = !self.addresses.remove(&address);
        if likes {
            self.addresses.insert(address);
        }
        self.changed.insert(address, likes);
    }

    /// Applies the changes to what the file holds by now, and replaces the file as a whole. Afterwards
    /// the favourites of other browsers are known too.
    ///
    /// # Errors
    /// When that is not possible; the old file stays.
    pub(crate) fn save(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Err(io::Error::other("neither XDG_DATA_HOME nor HOME is set"));
        };
        let merged = self.merge_into(path).map_err(|error| about(path, &error))?;
        (self.addresses, self.changed) = (merged, BTreeMap::new());
        Ok(())
    }

    /// Returns what the file holds now.
    fn merge_into(&self, path: &Path) -> io::Result<BTreeSet<SocketAddr>> {
        let path = &behind_links(path)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
        // Two browsers that write at the same time take turns. Where the system cannot lock a folder
        // they do not, which is too rare to give up for.
        let lock = File::open(folder);
        let _ = lock.as_ref().map(File::lock);
        let old = read(path)?;
        let (mut text, mut addresses) = (Vec::with_capacity(old.len() + 64), BTreeSet::new());
        let lines = old.split_inclusive(|byte| *byte == b'\n');
        for line in lines {
            let address = liked(line);
            if address.is_some_and(|address| self.changed.get(&address) == Some(&false)) {
                continue;
            }
            addresses.extend(address);
            text.extend_from_slice(line);
        }
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        let added = self.changed.iter().filter(|(_, likes)| **likes);
        for (address, _) in added {
            if addresses.insert(*address) {
                text.extend_from_slice(format!("{address}\n").as_bytes());
            }
        }
        replace(path, &text)?;
        Ok(addresses)
    }
}

/// What the file holds; nothing if there is none.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // To open a named pipe takes somebody who writes.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(io::Error::other("the file is too large for favourites")),
        false => Ok(bytes),
    }
}

/// The game server on a line. Other lines are notes, in any encoding.
fn liked(line: &[u8]) -> Option<SocketAddr> {
    str::from_utf8(line).ok()?.trim().parse().ok()
}

/// Replaces the file by one with this text and the same permissions.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = beside(path, &format!(".{}", std::process::id()));
    let mut new = NewFile::create(temporary, File::options())?;
    if let Ok(old) = fs::metadata(path) {
        new.file().set_permissions(old.permissions())?;
    }
    new.file().write_all(text)?;
    new.replace(path)
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{}: {}", in_words(error), path.display()),
    )
}

/// Where the file is.
pub(crate) fn default_path(environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    user_file(environment, "XDG_DATA_HOME", ".local/share", "favourites")
}

/// Where a file of this program is, by the rules of the XDG base directories: in the folder that the
/// variable names, or else in this one below home. `None` if nobody says where home is.
pub(crate) fn user_file(
    environment: impl Fn(&str) -> Option<OsString>,
    variable: &str,
    below_home: &str,
    name: &str,
) -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = PathBuf::from(environment(name)?);
        // The rules say to ignore a relative path.
        path.is_absolute().then_some(path)
    };
    let parent = folder(variable).or_else(|| Some(folder("HOME")?.join(below_home)));
    Some(parent?.join("gltracker").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_where_a_users_data_belongs() {
        let path = |xdg: &'static str, home: &'static str| {
            default_path(move |name| {
                let value = if name == "HOME" { home } else { xdg };
                (!value.is_empty()).then(|| value.into())
            })
        };
        let at = |text: &str| Some(PathBuf::from(text));
        assert_eq!(path("/x", "/h"), at("/x/gltracker/favourites"));
        assert_eq!(path("", "/h"), at("/h/.local/share/gltracker/favourites"));
        assert_eq!(
            path("relative", "/h"),
            at("/h/.local/share/gltracker/favourites")
        );
        assert_eq!(path("", ""), None);
    }

    /// A folder that goes when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("gltracker-{name}-{}", std::process::id());
            let folder = Self(std::env::temp_dir().join(name));
            fs::create_dir_all(&folder.0).unwrap();
            folder
        }

        fn favourites(&self) -> Favourites {
            let mut favourites = Favourites::at(Some(self.0.join("favourites")));
            favourites.load().unwrap();
            favourites
        }

        fn text(&self) -> String {
            fs::read_to_string(self.0.join("favourites")).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn what_is_saved_is_there_the_next_time() {
        let folder = Folder::new("likes");
        let path = folder.0.join("deep/favourites");
        let (a, b) = (address(5), "[2001:db8::1]:6".parse().unwrap());
        let mut favourites = Favourites::at(Some(path.clone()));
        favourites.load().unwrap();
        favourites.toggle(a);
        favourites.toggle(b);
        favourites.save().unwrap();
        fs::write(
            &path,
            format!("# mine\n{}", fs::read_to_string(&path).unwrap()),
        )
        .unwrap();
        let mut again = Favourites::at(Some(path.clone()));
        again.load().unwrap();
        assert!(again.contains(a) && again.contains(b));
        again.toggle(a);
        again.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\n[2001:db8::1]:6\n");
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left behind");
        let homeless = Favourites::default().save().unwrap_err();
        assert_eq!(
            homeless.to_string(),
            "neither XDG_DATA_HOME nor HOME is set"
        );
    }

    #[test]
    fn two_browsers_keep_what_the_other_has_changed() {
        let folder = Folder::new("two-browsers");
        let (mut one, mut other) = (folder.favourites(), folder.favourites());
        one.toggle(address(1));
        one.toggle(address(3));
        one.save().unwrap();
        other.toggle(address(2));
        other.save().unwrap();
        assert!(other.contains(address(1)), "and know it from then on");
        one.toggle(address(3));
        one.save().unwrap();
        assert!(one.contains(address(2)) && !one.contains(address(3)));
        assert_eq!(folder.text(), "192.0.2.1:1\n192.0.2.1:2\n");
        // At the same time:
        std::thread::scope(|scope| {
            for number in 10..20 {
                let mut favourites = folder.favourites();
                scope.spawn(move || {
                    favourites.toggle(address(number));
                    favourites.save().unwrap();
                });
            }
        });
        assert_eq!(folder.text().lines().count(), 12);
    }

    #[test]
    fn the_file_keeps_whatever_else_it_holds() {
        let folder = Folder::new("notes");
        let mut text = b"caf\xe9 of friends:\n".to_vec();
        (1..=12_000).for_each(|n| text.extend(format!("{}\n", address(n)).bytes()));
        text.extend(b"no end of line");
        fs::write(folder.0.join("favourites"), &text).unwrap();
        let mut favourites = folder.favourites();
        assert!(favourites.contains(address(12_000)));
        favourites.toggle(address(12_001));
        favourites.save().unwrap();
        text.extend(b"\n192.0.2.1:12001\n");
        assert!(fs::read(folder.0.join("favourites")).unwrap() == text);
        // One that nobody can have written by liking is not touched.
        let large = vec![b'x'; MAX_FILE as usize + 1];
        fs::write(folder.0.join("favourites"), &large).unwrap();
        let error = favourites.save().unwrap_err().to_string();
        assert!(error.contains("too large"), "{error}");
        assert!(fs::read(folder.0.join("favourites")).unwrap() == large);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_private_file_private() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = Folder::new("links");
        symlink("real", folder.0.join("favourites")).unwrap();
        let mut favourites = folder.favourites();
        let real = folder.0.join("real");
        for number in [1, 2] {
            favourites.toggle(address(number));
            favourites.save().unwrap();
            fs::set_permissions(&real, PermissionsExt::from_mode(0o600)).unwrap();
        }
        let metadata = fs::symlink_metadata(folder.0.join("favourites")).unwrap();
        assert!(metadata.is_symlink());
        assert_eq!(folder.text(), "192.0.2.1:1\n192.0.2.1:2\n");
        favourites.save().unwrap();
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_not_waited_for() {
        let folder = Folder::new("pipe");
        let path = folder.0.join("favourites");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let mut favourites = Favourites::at(Some(path));
        let error = favourites.load().unwrap_err().to_string();
        assert!(error.contains("it is not a file"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let folder = Folder::new("wrong");
        let file = folder.0.join("data");
        fs::write(&file, "not a folder").unwrap();
        let mut favourites = Favourites::at(Some(file.join("favourites")));
        let error = favourites.load().unwrap_err().to_string();
        assert!(error.contains("ot a directory"), "{error}");
        favourites.toggle(address(1));
        let error = favourites.save().unwrap_err().to_string();
        assert!(error.contains("ot a directory"), "{error}");
        assert!(error.ends_with("data/favourites"), "{error}");
        // What could not be kept is kept as soon as it can.
        fs::remove_file(&file).unwrap();
        favourites.save().unwrap();
        assert!(fs::read_to_string(file.join("favourites")).is_ok_and(|text| text.len() == 12));
    }
}
