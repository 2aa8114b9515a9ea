//! Where the files of `--state` and `--publish` really are.
//!
//! This file hides links, and which names beside its own each of the two uses: what would take the
//! other's place is refused at the start.

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

/// What both a state file and a folder of published files would use.
pub(super) fn clash(state: &Path, folder: &Path) -> Option<PathBuf> {
    let folder = absolute(folder);
    let mut published = vec![folder.clone()];
    for name in super::publish::FILES {
        published.push(folder.join(name));
        published.push(folder.join(super::publish::temporary(name)));
    }
    // The link too: a published file would take its place.
    let names = [Some(state.to_owned()), behind_links(state).ok()];
    names.into_iter().flatten().find_map(|state| {
        let state = absolute(&state);
        let used = super::state_file::ENDS.map(|end| beside(&state, end));
        used.into_iter().find(|path| published.contains(path))
    })
}

/// The one name of what is, or will be, at `path`: links in its folder are followed.
fn absolute(path: &Path) -> PathBuf {
    if path.is_dir()
        && let Ok(real) = path.canonicalize()
    {
        return real;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let real = folder.unwrap_or(Path::new(".")).canonicalize();
    match (real, path.file_name()) {
        (Ok(real), Some(name)) => real.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
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

    #[test]
    fn what_would_take_the_place_of_the_other_is_a_clash() {
        let folder = folder("clash");
        let at = |name: &str| folder.0.join(name);
        let (public, elsewhere) = (at("public"), at("elsewhere"));
        fs::create_dir(&public).unwrap();
        symlink(&public, &elsewhere).unwrap();
        symlink(public.join("index.html"), at("link")).unwrap();
        symlink(at("list"), public.join("servers.json")).unwrap();
        for state in [
            public.clone(),
            public.join("servers.json"),
            public.join("metrics.prom"),
            public.join(".index.html.new"),
            public.join(".index.html"),
            elsewhere.join("index.html"),
            public.join("../public/index.html"),
            at("link"),
        ] {
            assert!(clash(&state, &public).is_some(), "{state:?}");
            assert!(clash(&state, &elsewhere).is_some(), "{state:?}");
        }
        for (state, folder) in [
            (public.join("list"), &public),
            (at("list"), &public),
            (at("servers.json"), &public),
            (at("none/list"), &at("none")),
        ] {
            assert_eq!(clash(&state, folder), None, "{state:?}");
        }
        assert!(clash(&at("new"), &at("new")).is_some());
        assert!(clash(&at("list"), &at("list.new")).is_some());
        assert!(clash(&at("none/servers.json"), &at("none")).is_some());
    }
}
