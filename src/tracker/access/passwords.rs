//! What game servers log in with: passwords, which many share.
//!
//! This file hides what a password may be, what a file of them looks like, and how one is compared.
//! Those of a file are kept even while the file cannot be used: an editor's empty moment locks
//! nobody out. The credentials of one admin each are in [`keys`](crate::tracker::access::keys).

use crate::protocol::proof::is_same;
use crate::protocol::text::is_plain;
use crate::tracker::files::watched_file::{Look, WatchedFile, telling_lines};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The longest password, in bytes. A LOGIN line has room for more; nobody needs it.
pub const MAX_PASSWORD: usize = 255;

/// The most passwords in a file: each is compared at every login.
const MAX_PASSWORDS: usize = 1000;

/// Tells what somebody logged in with, without being it. The same password gives the same credential
/// for as long as the process lives, and the same key for as long as its file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A password, which many may share.
    Password(u32),
    /// A key, which belongs to one admin.
    Key(u32),
    /// A password in the life of a tracker before this one: nobody knows any more which.
    Forgotten,
}

impl Credential {
    /// Itself if it is a key.
    pub fn key(self) -> Option<Self> {
        matches!(self, Self::Key(_)).then_some(self)
    }

    /// True if whoever holds `newer` may take over what was listed with this. What was listed with
    /// a password that nobody remembers goes to the first who comes with anything that is valid:
    /// without it the place would have been free.
    pub fn yields_to(self, newer: Self) -> bool {
        self == newer || self == Self::Forgotten
    }
}

/// Why a set of passwords cannot be used.
#[derive(Debug)]
pub enum PasswordError {
    /// The file could not be read.
    Unreadable(PathBuf, io::Error),
    /// The file holds no password at all.
    Empty(PathBuf),
    /// A password that no LOGIN line could carry; the line number, 0 for the environment.
    Unusable(usize, &'static str),
}

impl std::fmt::Display for PasswordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(
                    f,
                    "the password file {} cannot be read: {error}",
                    path.display()
                )
            }
            Self::Empty(path) => write!(
                f,
                "the password file {} holds no password; write one on each line",
                path.display()
            ),
            Self::Unusable(0, why) => write!(f, "the password in GLTRACKER_PASSWORD {why}"),
            Self::Unusable(line, why) => write!(f, "the password on line {line} {why}"),
        }
    }
}

impl std::error::Error for PasswordError {}

/// Checks that a LOGIN line can carry `password`.
fn check_password(password: &str) -> Result<(), &'static str> {
    if password.is_empty() {
        return Err("is empty");
    }
    if password.len() > MAX_PASSWORD {
        return Err("is longer than 255 bytes");
    }
    if !password.chars().all(is_plain) {
        return Err("holds characters that are not plain text");
    }
    if password.starts_with(' ') || password.ends_with(' ') {
        return Err("starts or ends with a space");
    }
    if password.starts_with("name=") {
        return Err("starts with name=, which LOGIN reads as the name of a key");
    }
    Ok(())
}

/// The passwords of a file at `path` that holds `text`.
fn read<'t>(text: &'t str, path: &Path) -> Result<Vec<&'t str>, PasswordError> {
    let mut passwords = Vec::new();
    for (number, password) in telling_lines(text) {
        check_password(password).map_err(|why| PasswordError::Unusable(number, why))?;
        if passwords.len() == MAX_PASSWORDS {
            let why = "is one too many; there may be 1000, and keys beyond that";
            return Err(PasswordError::Unusable(number, why));
        }
        passwords.push(password);
    }
    match passwords.is_empty() {
        true => Err(PasswordError::Empty(path.to_owned())),
        false => Ok(passwords),
    }
}

/// What happened when the password file was looked at.
#[derive(Debug)]
pub enum Reread {
    /// It is as it was.
    Same,
    /// It has changed; these passwords are valid now.
    Changed(Passwords),
    /// It has changed but cannot be used; the passwords from before stay valid.
    Kept(PasswordError),
}

/// The passwords that are valid now. They do not change: a file that has is read into others, so
/// that nobody who logs in waits for a disk.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Every password ever seen, at the place that its credential names; false once withdrawn.
    known: Vec<(Box<str>, bool)>,
    /// So many of them, the first, are from no file.
    fixed: usize,
}

impl Passwords {
    /// Passwords from the environment or the command, which stay valid.
    ///
    /// # Errors
    /// [`PasswordError`] when one cannot be typed.
    pub fn new(fixed: Vec<String>) -> Result<Self, PasswordError> {
        let mut known: Vec<(Box<str>, bool)> = Vec::new();
        for password in fixed {
            check_password(&password).map_err(|why| PasswordError::Unusable(0, why))?;
            if known.iter().all(|(other, _)| **other != *password) {
                known.push((password.into(), true));
            }
        }
        let fixed = known.len();
        Ok(Self { known, fixed })
    }

    /// Looks whether `file` has changed. It holds one password on each line, in place of those that
    /// it held before; blank lines and those that begin with `#` are passed over, spaces around a
    /// password are not part of it.
    pub fn reread(&self, file: &mut WatchedFile) -> Reread {
        let text = match file.look() {
            Look::Same => return Reread::Same,
            Look::Changed(text) => text,
            Look::Unreadable(error) => {
                return Reread::Kept(PasswordError::Unreadable(file.path().to_owned(), error));
            }
        };
        match read(&text, file.path()) {
            Ok(passwords) => Reread::Changed(self.with_file(&passwords)),
            Err(error) => Reread::Kept(error),
        }
    }

    /// The same, with these from a file. One that was ever known keeps its credential.
    fn with_file(&self, from_file: &[&str]) -> Self {
        let mut new = self.clone();
        for (_, valid) in &mut new.known[self.fixed..] {
            *valid = false;
        }
        let places = self.known.iter().enumerate();
        let mut place_of: HashMap<&str, usize> = places
            .map(|(place, (known, _))| (&**known, place))
            .collect();
        for &password in from_file {
            let end = new.known.len();
            match *place_of.entry(password).or_insert(end) {
                place if place < end => new.known[place].1 = true,
                _ => new.known.push((password.into(), true)),
            }
        }
        new
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.iter().filter(|(_, valid)| *valid).count()
    }

    /// The credential that `password` stands for, if it is valid. Takes as long whichever
    /// password is right and wherever a wrong one differs.
    pub fn verify(&self, password: &str) -> Option<Credential> {
        let mut found = None;
        let valid = self.known.iter().enumerate().filter(|(_, known)| known.1);
        for (number, (known, _)) in valid {
            if is_same(known.as_bytes(), password.as_bytes()) {
                found = u32::try_from(number).ok().map(Credential::Password);
            }
        }
        found
    }
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
    fn each_password_is_a_credential_of_its_own() {
        let passwords = Passwords::new(vec!["a b".into(), "c".into()]).unwrap();
        assert_eq!(passwords.verify("a b"), Some(Credential::Password(0)));
        assert_eq!(passwords.verify("c"), Some(Credential::Password(1)));
        for wrong in ["", "a", "a b ", "C", "c\0", &"c".repeat(1000)] {
            assert_eq!(passwords.verify(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_no_login_could_carry_is_refused() {
        for bad in ["", " a", "a\tb", "name=x", &"x".repeat(256)] {
            assert!(Passwords::new(vec![bad.into()]).is_err(), "{bad:?}");
        }
        let none = Passwords::new(vec![]).unwrap();
        let look = |path: &Path| none.reread(&mut WatchedFile::new(path.to_owned()));
        let reread = look(Path::new("/nowhere/at/all"));
        assert!(matches!(
            reread,
            Reread::Kept(PasswordError::Unreadable(..))
        ));
        let empty = file("empty", "\n  \n");
        let reread = look(&empty);
        assert!(matches!(reread, Reread::Kept(PasswordError::Empty(_))));
        fs::remove_file(empty).unwrap();
    }

    #[test]
    fn an_edited_file_counts_and_an_unusable_one_does_not() {
        let path = file("edited", "old\r\nkept\nfixed\nkept\n");
        let mut watched = WatchedFile::new(path.clone());
        let mut passwords = Passwords::new(vec!["fixed".into()]).unwrap();
        let mut look = |passwords: &mut Passwords| match passwords.reread(&mut watched) {
            Reread::Same => Ok(false),
            Reread::Changed(new) => {
                *passwords = new;
                Ok(true)
            }
            Reread::Kept(error) => Err(error),
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
        assert!(look(&mut passwords).unwrap() && passwords.count() == 3);
        assert!(passwords.verify("back").is_some());
        assert_eq!(passwords.verify("old"), Some(old), "as ever");
        fs::remove_file(&path).unwrap();
    }
}
