//! What game servers log in with: passwords, which many share.
//!
//! What one admin alone logs in with is a key: [`keys`](crate::tracker::access::keys).

use crate::protocol::hmac::is_same;
use crate::protocol::text::is_plain;
use crate::tracker::access::identity::Credential;
use crate::tracker::access::operator_input::telling_lines;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The longest password, in bytes. A LOGIN line has room for more; nobody needs it.
pub const MAX_PASSWORD: usize = 255;

/// The most passwords in a file: each is compared at every login.
const MAX_PASSWORDS: usize = 1000;

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

/// The passwords that are valid now. They do not change: a changed file makes new ones, so that no login
/// waits for a disk.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Every password ever seen, at the index that its credential names; false once it is withdrawn.
    known: Vec<(Box<str>, bool)>,
    /// The first so many are from no file, and stay valid.
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

    /// The passwords after the file at `path` was read, which holds `text`: one on each line, in place of
    /// those that the file held before. Blank lines and those that begin with `#` are passed over, spaces
    /// around a password are not part of it.
    ///
    /// # Errors
    /// [`PasswordError`]; the passwords from before stay valid then.
    pub fn renewed(&self, text: &str, path: &Path) -> Result<Self, PasswordError> {
        Ok(self.with_file(&read(text, path)?))
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
    pub(crate) fn count(&self) -> usize {
        self.known.iter().filter(|(_, valid)| *valid).count()
    }

    /// All that were ever known, since somebody may still be logged in with one.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Credential, &str)> {
        let known = (0..).zip(&self.known);
        known.map(|(number, (password, _))| (Credential::Password(number), &**password))
    }

    /// The credential that `password` stands for, if it is valid. The time that this takes does not depend
    /// on which password is right, nor on where a wrong one differs.
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
        let renewed = none.renewed("\n  \n", Path::new("file"));
        assert!(matches!(renewed, Err(PasswordError::Empty(_))));
        let renewed = none.renewed("\nname=x", Path::new("file"));
        assert!(matches!(renewed, Err(PasswordError::Unusable(2, _))));
    }

    #[test]
    fn a_password_keeps_its_credential_whatever_the_file_held_meanwhile() {
        let renewed = |passwords: &Passwords, text| passwords.renewed(text, Path::new("file"));
        let fixed = Passwords::new(vec!["fixed".into()]).unwrap();
        let first = renewed(&fixed, "old\r\nkept\nfixed\nkept\n").unwrap();
        let (kept, old) = (first.verify("kept").unwrap(), first.verify("old").unwrap());
        let second = renewed(&first, "# of the guild\nkept\nbrand-new\n").unwrap();
        assert_eq!((first.count(), second.count()), (3, 3));
        assert_eq!(
            (second.verify("kept"), second.verify("old")),
            (Some(kept), None)
        );
        assert_eq!(second.verify("# of the guild"), None);
        assert!(second.verify("brand-new").is_some() && second.verify("fixed").is_some());
        let third = renewed(&second, "old").unwrap();
        assert_eq!(
            (third.verify("old"), third.verify("kept")),
            (Some(old), None)
        );
    }
}
