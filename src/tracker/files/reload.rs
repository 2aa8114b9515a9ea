//! Reading the operator's files again: passwords, keys and bans.
//!
//! Once a second one thread looks whether they have changed. It closes the connections that have lost their
//! right to be there.

use crate::base::log::{Log, lasting};
use crate::base::mutex::lock;
use crate::base::threads;
use crate::tracker::access::bans::Bans;
use crate::tracker::access::keys::withdrawn;
use crate::tracker::access::operator_input::WrongLine;
use crate::tracker::access::passwords::{PasswordError, Passwords};
use crate::tracker::files::error::FilesError;
use crate::tracker::files::watched_file::{Contents, WatchedFile, is_open_to_all};
use crate::tracker::state::shared::Shared;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The files that are read. No lock is held meanwhile.
#[derive(Clone)]
pub(crate) struct Reloader {
    shared: &'static Shared,
    passwords: Option<WatchedFile>,
    keys: Option<WatchedFile>,
    bans: Option<WatchedFile>,
}

impl Reloader {
    /// Reads keys and bans for the first time; `passwords` have been read already.
    ///
    /// # Errors
    /// The file that cannot be read, or without a thread.
    pub(crate) fn start(
        shared: &'static Shared,
        passwords: Option<WatchedFile>,
        keys: Option<PathBuf>,
        bans: Option<PathBuf>,
    ) -> Result<(), FilesError> {
        let keys = keys.map(WatchedFile::new);
        let bans = bans.map(WatchedFile::new);
        let mut reloader = Self {
            shared,
            passwords,
            keys,
            bans,
        };
        reloader.warn_if_open(&reloader.passwords);
        let unreadable = |(path, error)| FilesError::Unreadable(path, error);
        reloader.look_at_keys().map_err(unreadable)?;
        reloader.look_at_bans().map_err(unreadable)?;
        // After a panic it begins with what is known now, so that whatever was read and not put to use is
        // read again.
        let keep = move || reloader.clone().run();
        let started = lasting::start("reloader", threads::STACK, &shared.log, keep);
        started.map(drop).map_err(FilesError::Thread)
    }

    fn run(mut self) -> ! {
        loop {
            std::thread::sleep(LOOK_EVERY);
            self.look();
            self.show_that_locks_are_free();
            self.shared.reloads.add_one();
        }
    }

    fn look(&mut self) {
        self.look_at_passwords();
        for unreadable in [self.look_at_keys(), self.look_at_bans()] {
            if let Err((path, error)) = unreadable {
                let (path, so) = (path.display(), "what it held before counts");
                self.shared.log.warn(
                    "file-not-read",
                    &[("file", &path), ("error", &error), ("so", &so)],
                );
            }
        }
    }

    /// Takes the locks that every session needs: if one were never given back, this thread would stop too,
    /// and the watchdog with it.
    fn show_that_locks_are_free(&self) {
        drop(lock(&self.shared.admission));
        drop(lock(&self.shared.registry));
    }

    fn look_at_passwords(&mut self) {
        match reread(&self.shared.passwords.get(), &mut self.passwords) {
            Ok(None) => {}
            Ok(Some(passwords)) => {
                let valid = self.shared.passwords.set(passwords).count();
                self.shared
                    .log
                    .info("passwords-changed", &[("valid", &valid)]);
                self.warn_if_open(&self.passwords);
            }
            Err(error) => {
                let so = "the passwords from before stay valid";
                let file = path_of(&self.passwords);
                self.shared.log.warn(
                    "passwords-not-read",
                    &[("file", &file), ("error", &error), ("so", &so)],
                );
            }
        }
    }

    fn look_at_keys(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(text) = look(&mut self.keys)? else {
            return Ok(());
        };
        let (keys, wrong) = self.shared.keys.get().renewed(&text);
        let keys = self.shared.keys.set(keys);
        self.say_read("keys-read", keys.count(), &self.keys, &wrong);
        self.warn_if_open(&self.keys);
        self.shared
            .dismiss_listed(|credential| !keys.allows(credential), &withdrawn());
        Ok(())
    }

    fn look_at_bans(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(text) = look(&mut self.bans)? else {
            return Ok(());
        };
        let (bans, wrong) = Bans::parse(&text);
        let bans = self.shared.bans.set(bans);
        self.say_read("bans-read", bans.count(), &self.bans, &wrong);
        self.shared.dismiss_banned(&bans);
        Ok(())
    }

    fn warn_if_open(&self, file: &Option<WatchedFile>) {
        if let Some(file) = file {
            warn_if_open(&self.shared.log, file.path());
        }
    }

    fn say_read(&self, event: &str, count: usize, file: &Option<WatchedFile>, wrong: &[WrongLine]) {
        let path = path_of(file);
        self.shared
            .log
            .info(event, &[("file", &path), ("count", &count)]);
        for WrongLine { number, why } in wrong {
            self.shared.log.warn(
                "wrong-line",
                &[("file", &path), ("line", number), ("error", why)],
            );
        }
    }
}

/// Warns of a file of secrets that everybody on this machine can read.
pub(crate) fn warn_if_open(log: &Log, path: &Path) {
    if !is_open_to_all(path) {
        return;
    }
    let (path, what) = (path.display(), "everybody on this machine can read it");
    let hint = format!("chmod o-r {path}");
    log.warn(
        "secrets-open",
        &[("file", &path), ("error", &what), ("hint", &hint)],
    );
}

/// Where a file is, for the log.
fn path_of(file: &Option<WatchedFile>) -> String {
    let path = file.as_ref().map(|file| file.path().display().to_string());
    path.unwrap_or_default()
}

/// The text of a file, if it has changed.
fn look(file: &mut Option<WatchedFile>) -> Result<Option<String>, (PathBuf, io::Error)> {
    let Some(file) = file else { return Ok(None) };
    match file.read_if_changed() {
        Contents::Unchanged => Ok(None),
        Contents::Changed(text) => Ok(Some(text)),
        Contents::Unreadable(error) => Err((file.path().to_owned(), error)),
    }
}

/// The passwords that are valid now; `None` if the password file has not changed.
///
/// # Errors
/// If the file cannot be used. Its passwords from before stay valid: an editor's empty moment locks
/// nobody out.
pub(crate) fn reread(
    passwords: &Passwords,
    file: &mut Option<WatchedFile>,
) -> Result<Option<Passwords>, PasswordError> {
    let unreadable = |(path, error)| PasswordError::Unreadable(path, error);
    let text = look(file).map_err(unreadable)?;
    let path = file
        .as_ref()
        .map(WatchedFile::path)
        .unwrap_or(Path::new(""));
    text.map(|text| passwords.renewed(&text, path)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("gltracker-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_password_file_without_a_password_cannot_be_used() {
        let none = Passwords::new(vec![]).unwrap();
        let look = |path: &Path| reread(&none, &mut Some(WatchedFile::new(path.to_owned())));
        let reread = look(Path::new("/nowhere/at/all"));
        assert!(matches!(reread, Err(PasswordError::Unreadable(..))));
        let empty = file("empty", "\n  \n");
        let reread = look(&empty);
        assert!(matches!(reread, Err(PasswordError::Empty(_))));
        fs::remove_file(empty).unwrap();
    }

    #[test]
    fn an_edited_file_counts_and_an_unusable_one_does_not() {
        let path = file("edited", "old\r\nkept\nfixed\nkept\n");
        let mut watched = Some(WatchedFile::new(path.clone()));
        let mut passwords = Passwords::new(vec!["fixed".into()]).unwrap();
        let mut look = |passwords: &mut Passwords| {
            let new = reread(passwords, &mut watched)?;
            let has_changed = new.is_some();
            *passwords = new.unwrap_or_else(|| passwords.clone());
            Ok(has_changed)
        };
        assert!(look(&mut passwords).unwrap() && passwords.count() == 3);
        let kept = passwords.verify("kept").unwrap();
        let old = passwords.verify("old").unwrap();
        assert!(!look(&mut passwords).unwrap());

        fs::write(&path, "# of the guild\nkept\nbrand-new\n").unwrap();
        let has_settled = look(&mut passwords).unwrap();
        assert!(!has_settled, "one look to see that it has");
        assert!(look(&mut passwords).unwrap() && passwords.count() == 3);
        assert_eq!(passwords.verify("old"), None);
        assert_eq!(passwords.verify("# of the guild"), None);
        assert_eq!(
            passwords.verify("kept"),
            Some(kept),
            "the same password, the same credential"
        );
        assert!(passwords.verify("brand-new").is_some() && passwords.verify("fixed").is_some());

        fs::write(&path, "").unwrap();
        let _ = look(&mut passwords);
        assert!(matches!(look(&mut passwords), Err(PasswordError::Empty(_))));
        fs::write(&path, "name=x").unwrap();
        let _ = look(&mut passwords);
        assert!(matches!(
            look(&mut passwords),
            Err(PasswordError::Unusable(1, _))
        ));
        fs::remove_file(&path).unwrap();
        assert!(matches!(
            look(&mut passwords),
            Err(PasswordError::Unreadable(..))
        ));
        assert!(
            passwords.verify("kept").is_some(),
            "an editor's empty moment locks nobody out"
        );

        fs::write(&path, "back\nold\n").unwrap();
        assert!(!look(&mut passwords).unwrap(), "it may be half written");
        assert!(look(&mut passwords).unwrap() && passwords.count() == 3);
        assert!(passwords.verify("back").is_some());
        assert_eq!(passwords.verify("old"), Some(old), "as ever");
        fs::remove_file(&path).unwrap();
    }
}
