//! What game servers log in with.
//!
//! This file hides where passwords come from and how one is compared. A password file is looked at
//! again when somebody logs in, at most once a second, so that an edit needs no restart and no
//! signal.

use crate::protocol::text::is_plain;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The longest password, in bytes. A LOGIN line has room for more; nobody needs it.
pub const MAX_PASSWORD: usize = 255;

/// How often the password file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells what somebody logged in with, without being it: the same password gives the same
/// credential for as long as the process lives, even when the file is re-read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Credential(u32);

impl Credential {
    /// Itself if it belongs to one game-server admin alone; a password is everybody's.
    pub fn key(self) -> Option<Self> {
        None
    }

    #[cfg(test)]
    pub(super) fn numbered(number: u32) -> Self {
        Self(number)
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

/// What happened when the password file was looked at.
#[derive(Debug)]
pub enum Reread {
    /// It is as it was, or it is not time to look yet.
    Same,
    /// It has changed; so many passwords are valid now.
    Changed(usize),
    /// It has changed but cannot be used; the passwords from before stay valid.
    Kept(PasswordError),
}

/// The passwords that are valid now.
#[derive(Debug, Default)]
pub struct Passwords {
    /// Every password ever seen, at the place that its credential names; false once withdrawn.
    known: Vec<(Box<str>, bool)>,
    fixed: Vec<Box<str>>,
    file: Option<PasswordFile>,
}

#[derive(Debug)]
struct PasswordFile {
    path: PathBuf,
    seen: Option<Stamp>,
    look_at: Option<Instant>,
}

/// What shows that a file has changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })
    }
}

impl Passwords {
    /// Passwords from the environment or the command (`fixed`) and from a file, one on each line;
    /// blank lines are passed over, spaces around a password are not part of it.
    ///
    /// # Errors
    /// [`PasswordError`] when the file is unreadable or empty, or a password cannot be typed.
    pub fn new(fixed: Vec<String>, file: Option<PathBuf>) -> Result<Self, PasswordError> {
        for password in &fixed {
            check_password(password).map_err(|why| PasswordError::Unusable(0, why))?;
        }
        let fixed = fixed.into_iter().map(String::into_boxed_str).collect();
        let file = file.map(|path| PasswordFile {
            path,
            seen: None,
            look_at: None,
        });
        let mut passwords = Self {
            known: Vec::new(),
            fixed,
            file,
        };
        passwords.set(Vec::new());
        passwords.read_file()?;
        Ok(passwords)
    }

    /// Looks whether the file has changed, at most once a second.
    pub fn reread(&mut self, now: Instant) -> Reread {
        let Some(file) = &mut self.file else {
            return Reread::Same;
        };
        if file.look_at.is_some_and(|at| now < at) {
            return Reread::Same;
        }
        file.look_at = Some(now + LOOK_EVERY);
        match Stamp::of(&file.path) {
            Ok(stamp) if file.seen.as_ref() == Some(&stamp) => return Reread::Same,
            // Said once: a file that is gone stays gone until it is seen again.
            Err(_) if file.seen.is_none() => return Reread::Same,
            _ => {}
        }
        match self.read_file() {
            Ok(()) => Reread::Changed(self.known.iter().filter(|(_, valid)| *valid).count()),
            Err(error) => Reread::Kept(error),
        }
    }

    fn read_file(&mut self) -> Result<(), PasswordError> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let unreadable = |path: &Path, error| PasswordError::Unreadable(path.to_owned(), error);
        // Taken before reading: a change in between is seen the next time.
        file.seen = None;
        let stamp = Stamp::of(&file.path).map_err(|error| unreadable(&file.path, error))?;
        file.seen = Some(stamp);
        let text = fs::read_to_string(&file.path).map_err(|e| unreadable(&file.path, e))?;
        let mut passwords = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let password = line.trim();
            if !password.is_empty() {
                check_password(password).map_err(|why| PasswordError::Unusable(number + 1, why))?;
                passwords.push(password);
            }
        }
        if passwords.is_empty() {
            return Err(PasswordError::Empty(file.path.clone()));
        }
        self.set(passwords);
        Ok(())
    }

    fn set(&mut self, from_file: Vec<&str>) {
        for (_, valid) in &mut self.known {
            *valid = false;
        }
        let fixed = self.fixed.iter().map(|password| &**password);
        for password in fixed.chain(from_file) {
            match self
                .known
                .iter_mut()
                .find(|(known, _)| **known == *password)
            {
                Some((_, valid)) => *valid = true,
                None => self.known.push((password.into(), true)),
            }
        }
    }

    /// The credential that `password` stands for, if it is valid. Takes as long whichever
    /// password is right and wherever a wrong one differs.
    pub fn verify(&self, password: &str) -> Option<Credential> {
        let mut found = None;
        for (number, (known, valid)) in self.known.iter().enumerate() {
            if is_same(known.as_bytes(), password.as_bytes()) & *valid {
                found = u32::try_from(number).ok().map(Credential);
            }
        }
        found
    }
}

/// Compares in a time that depends on the lengths only, not on where the texts differ.
fn is_same(known: &[u8], typed: &[u8]) -> bool {
    let mut differs = u8::from(known.len() != typed.len());
    for n in 0..MAX_PASSWORD {
        let pair = (known.get(n).unwrap_or(&0), typed.get(n).unwrap_or(&0));
        differs |= std::hint::black_box(pair.0 ^ pair.1);
    }
    differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("gltracker-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn each_password_is_a_credential_of_its_own() {
        let passwords = Passwords::new(vec!["a b".into(), "c".into()], None).unwrap();
        assert_eq!(passwords.verify("a b"), Some(Credential(0)));
        assert_eq!(passwords.verify("c"), Some(Credential(1)));
        for wrong in ["", "a", "a b ", "C", "c\0", &"c".repeat(1000)] {
            assert_eq!(passwords.verify(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_no_login_could_carry_is_refused() {
        for bad in ["", " a", "a\tb", "name=x", &"x".repeat(256)] {
            assert!(Passwords::new(vec![bad.into()], None).is_err(), "{bad:?}");
        }
        assert!(matches!(
            Passwords::new(vec![], Some("/nowhere/at/all".into())),
            Err(PasswordError::Unreadable(..))
        ));
        let empty = file("empty", "\n  \n");
        assert!(matches!(
            Passwords::new(vec![], Some(empty)),
            Err(PasswordError::Empty(_))
        ));
    }

    #[test]
    fn an_edited_file_counts_from_the_next_look_on() {
        let path = file("edited", "old\r\nkept\n");
        let mut passwords = Passwords::new(vec!["fixed".into()], Some(path.clone())).unwrap();
        let start = Instant::now();
        let kept = passwords.verify("kept").unwrap();
        assert!(matches!(passwords.reread(start), Reread::Same));

        fs::write(&path, "kept\nbrand-new\n").unwrap();
        assert!(
            matches!(passwords.reread(start), Reread::Same),
            "not more than once a second"
        );
        let later = start + LOOK_EVERY;
        assert!(matches!(passwords.reread(later), Reread::Changed(3)));
        assert_eq!(passwords.verify("old"), None);
        assert_eq!(
            passwords.verify("kept"),
            Some(kept),
            "the same password, the same credential"
        );
        assert!(passwords.verify("brand-new").is_some() && passwords.verify("fixed").is_some());

        fs::write(&path, "").unwrap();
        let reread = passwords.reread(later + LOOK_EVERY);
        assert!(
            matches!(reread, Reread::Kept(PasswordError::Empty(_))),
            "{reread:?}"
        );
        assert!(
            passwords.verify("kept").is_some(),
            "an editor's empty moment locks nobody out"
        );

        fs::remove_file(&path).unwrap();
        assert!(matches!(
            passwords.reread(later + 2 * LOOK_EVERY),
            Reread::Kept(_)
        ));
        assert!(
            matches!(passwords.reread(later + 3 * LOOK_EVERY), Reread::Same),
            "said once"
        );
        assert!(passwords.verify("kept").is_some());

        fs::write(&path, "back\n").unwrap();
        assert!(matches!(
            passwords.reread(later + 4 * LOOK_EVERY),
            Reread::Changed(2)
        ));
        assert!(passwords.verify("back").is_some());
        fs::remove_file(&path).unwrap();
    }
}
