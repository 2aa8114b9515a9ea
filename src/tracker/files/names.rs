//! Which files a tracker writes, and where they really are, since links are followed. A file with two
//! purposes is refused at the start.

use crate::base::files::atomic_file::{behind_links, beside};
use crate::base::files::kept_file::{LOCK, NEW};
use std::path::{Path, PathBuf};

/// The files that are published.
pub(super) const PUBLISHED: [&str; 4] = [
    "servers.json",
    "index.html",
    "metrics.prom",
    "activity.json",
];

/// What the name of the file ends in, beside the state file, that keeps what activity.json shows.
pub(super) const ACTIVITY: &str = ".activity";

/// The file that is locked for the folder of published files. Only its owner may open it, so nobody else
/// can lock it.
pub(super) const PUBLISH_LOCK: &str = ".lock";

/// What the published file `name` is called until it is complete.
pub(super) fn temporary(name: &str) -> String {
    format!(".{name}.new")
}

/// A path that would be written for two purposes, or over one of the files that are `read`.
pub(crate) fn clash(
    state: Option<&Path>,
    folder: Option<&Path>,
    read: &[&Path],
) -> Option<PathBuf> {
    let state = state.map_or(Vec::new(), of_state);
    let published = folder.map_or(Vec::new(), of_folder);
    let names = read.iter().flat_map(|path| names(path));
    let mut names = names.map(|name| absolute(&name));
    let twice = state.iter().find(|path| published.contains(path)).cloned();
    twice.or_else(|| names.find(|path| state.contains(path) || published.contains(path)))
}

/// The paths that a state file uses.
fn of_state(path: &Path) -> Vec<PathBuf> {
    let names = names(path).map(|name| absolute(&name));
    let activity = [ACTIVITY.to_owned(), format!("{ACTIVITY}{NEW}")];
    let ends = [&["", NEW, LOCK].map(str::to_owned)[..], &activity].concat();
    let used = |name: PathBuf| {
        ends.iter()
            .map(move |end| beside(&name, end))
            .collect::<Vec<_>>()
    };
    names.flat_map(used).collect()
}

/// The paths that a folder of published files uses.
fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let folder = absolute(folder);
    let mut used = vec![folder.clone(), folder.join(PUBLISH_LOCK)];
    for name in PUBLISHED {
        used.extend([folder.join(name), folder.join(temporary(name))]);
    }
    used
}

/// The names of a file: its own, and that of its target, since a link may be replaced too.
fn names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let names = [Some(path.to_owned()), behind_links(path).ok()];
    names.into_iter().flatten()
}

/// The one absolute name of what is, or will be, at `path`: links in its folder are followed.
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
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A folder of its own that is removed in the end.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder(name: &str) -> Folder {
        let name = format!("gltracker-names-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path.canonicalize().unwrap())
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
            public.join("activity.json"),
            public.join(".index.html.new"),
            public.join(".index.html"),
            elsewhere.join("index.html"),
            public.join("../public/index.html"),
            at("link"),
        ] {
            assert!(
                clash(Some(&state), Some(&public), &[]).is_some(),
                "{state:?}"
            );
            assert!(
                clash(Some(&state), Some(&elsewhere), &[]).is_some(),
                "{state:?}"
            );
        }
        for (state, folder) in [
            (public.join("list"), &public),
            (at("list"), &public),
            (at("servers.json"), &public),
            (at("none/list"), &at("none")),
        ] {
            assert_eq!(clash(Some(&state), Some(folder), &[]), None, "{state:?}");
        }
        assert!(clash(Some(&at("new")), Some(&at("new")), &[]).is_some());
        assert!(clash(Some(&at("list")), Some(&at("list.new")), &[]).is_some());
        assert!(clash(Some(&at("none/servers.json")), Some(&at("none")), &[]).is_some());
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = folder("read");
        let at = |name: &str| folder.0.join(name);
        let (state, public) = (at("list"), at("public"));
        fs::create_dir(&public).unwrap();
        symlink(at("list"), at("link")).unwrap();
        let is_clash = |path: PathBuf| clash(Some(&state), Some(&public), &[&path]).is_some();
        for path in [
            "list",
            "link",
            "list.new",
            "list.lock",
            "list.activity",
            "list.activity.new",
            "public/servers.json",
        ] {
            assert!(is_clash(at(path)), "{path}");
        }
        for path in ["passwords", "list.bad.old", "public/keys"] {
            assert!(!is_clash(at(path)), "{path}");
        }
        assert_eq!(clash(None, None, &[&at("list")]), None);
    }
}
