//! The game servers that the player likes, kept in a file.
//!
//! This file hides where and how: one `ip:port` a line, in the folder where a user's data belongs.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// More than anybody likes; a file that is larger is not ours.
const MOST: usize = 10_000;

/// The favourites and their file.
#[derive(Debug, Default)]
pub struct Favourites {
    addresses: BTreeSet<SocketAddr>,
    /// Lines that are not addresses, which are somebody's notes and stay.
    notes: Vec<String>,
    path: Option<PathBuf>,
}

impl Favourites {
    /// Reads them; no file is no favourites.
    ///
    /// # Errors
    /// When there is a file that cannot be read.
    pub fn load(path: Option<PathBuf>) -> io::Result<Self> {
        let mut favourites = Self {
            path,
            ..Self::default()
        };
        let Some(path) = &favourites.path else {
            return Ok(favourites);
        };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(favourites),
            read => read?,
        };
        for line in text.lines().take(MOST) {
            match line.trim().parse() {
                Ok(address) => drop(favourites.addresses.insert(address)),
                Err(_) => favourites.notes.push(line.to_owned()),
            }
        }
        Ok(favourites)
    }

    /// True if the player likes it.
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// Likes it, or does not any more.
    pub fn toggle(&mut self, address: SocketAddr) {
        if !self.addresses.remove(&address) {
            self.addresses.insert(address);
        }
    }

    /// Writes them, in one step: whoever reads the file sees the old ones or the new ones.
    ///
    /// # Errors
    /// When that is not possible; the old file stays.
    pub fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Err(io::Error::other("neither XDG_DATA_HOME nor HOME is set"));
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text: String = self.notes.iter().map(|note| format!("{note}\n")).collect();
        text.extend(self.addresses.iter().map(|address| format!("{address}\n")));
        let temporary = with_suffix(path, &format!(".{}", std::process::id()));
        let written = fs::File::create(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// Where the file is, by the rules of the XDG base directories; `None` if nobody says where home
/// is.
pub fn default_path(environment: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let folder = |name: &str| {
        let path = PathBuf::from(environment(name)?);
        // A relative one is to be ignored.
        path.is_absolute().then_some(path)
    };
    let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")));
    Some(data?.join("gltracker").join("favourites"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
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

    #[test]
    fn what_is_saved_is_there_the_next_time() {
        let folder = std::env::temp_dir().join(format!("gltracker-likes-{}", std::process::id()));
        let path = folder.join("deep/favourites");
        let (a, b) = (
            "192.0.2.1:5".parse().unwrap(),
            "[2001:db8::1]:6".parse().unwrap(),
        );
        let mut favourites = Favourites::load(Some(path.clone())).unwrap();
        favourites.toggle(a);
        favourites.toggle(b);
        favourites.save().unwrap();
        fs::write(
            &path,
            format!("# mine\n{}", fs::read_to_string(&path).unwrap()),
        )
        .unwrap();
        let mut again = Favourites::load(Some(path.clone())).unwrap();
        assert!(again.contains(a) && again.contains(b));
        again.toggle(a);
        again.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\n[2001:db8::1]:6\n");
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left behind");
        fs::remove_dir_all(folder).unwrap();
        assert!(Favourites::default().save().is_err());
    }
}
