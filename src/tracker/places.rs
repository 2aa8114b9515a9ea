//! Where files really are.
//!
//! This file hides links.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Links to links that are followed, as many as Linux does.
const MAX_LINKS: usize = 40;

/// The file that `path` leads to if it is a link. There need not be one: a link to nothing names a
/// file that is still to be made, as it does for every program that writes one.
///
/// # Errors
/// For links that lead nowhere but to each other.
pub(super) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        // What is no link, or cannot be looked at, is met again when it is opened.
        let Ok(target) = fs::read_link(&path) else {
            return Ok(path);
        };
        path.pop();
        path.push(target);
    }
    Err(io::Error::other("there are too many links"))
}

/// The name of the file `path` with more behind it.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.to_owned().into_os_string();
    name.push(end);
    name.into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder of its own that is removed in the end.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder(name: &str) -> Folder {
        let name = format!("gltracker-places-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    #[test]
    fn a_link_stands_for_what_it_leads_to_even_if_that_is_not_there_yet() {
        let folder = folder("links");
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
