//! What a game server logged in with, as other trackers may know it.
//!
//! A mark is an HMAC of a password or a key under a secret that all trackers of one list have from the
//! engine. Two trackers that know the same password give it the same mark. No mark says a password, but whoever
//! can read the engine can try one password after the other against it.

use super::wire::record::Mark;
use crate::protocol::hmac::hmac_sha256;
use crate::tracker::access::identity::Credential;
use crate::tracker::access::keys::Keys;
use crate::tracker::access::passwords::Passwords;
use std::collections::HashMap;

/// The secret of one list.
pub(crate) type Secret = [u8; 16];

/// The marks of what may log in to this tracker.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    mark_of: HashMap<Credential, Mark>,
    credential_of: HashMap<Mark, Credential>,
}

impl Marks {
    /// The marks under `secret`.
    pub(crate) fn new(secret: &Secret, passwords: &Passwords, keys: &Keys) -> Self {
        let mut marks = Self::default();
        for (credential, password) in passwords.all() {
            marks.add(credential, mark(secret, &["password", password]));
        }
        for (credential, name, key) in keys.all() {
            marks.add(credential, mark(secret, &["key", name, key]));
        }
        marks
    }

    fn add(&mut self, credential: Credential, mark: Mark) {
        self.mark_of.insert(credential, mark);
        self.credential_of.insert(mark, credential);
    }

    /// The mark of what somebody logged in with here; `None` for a password of the run before.
    pub(crate) fn of(&self, credential: Credential) -> Option<Mark> {
        match credential {
            Credential::Forgotten => None,
            // What is withdrawn is nobody else's.
            _ => Some(self.mark_of.get(&credential).copied().unwrap_or(Mark(0))),
        }
    }

    /// What this tracker knows by that mark.
    pub(crate) fn credential(&self, mark: Option<Mark>) -> Credential {
        let Some(mark) = mark else {
            return Credential::Forgotten;
        };
        let known = self.credential_of.get(&mark).copied();
        known.unwrap_or(Credential::Unknown)
    }
}

fn mark(secret: &Secret, words: &[&str]) -> Mark {
    let digest = hmac_sha256(secret, words.join("\0").as_bytes());
    let (start, _) = digest.split_at(size_of::<u64>());
    Mark(
        start
            .iter()
            .fold(0, |mark, byte| mark << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(secret: u8, passwords: &[&str], keys: &str) -> Marks {
        let passwords = passwords.iter().map(|&word| word.to_owned()).collect();
        let (keys, wrong) = Keys::default().renewed(keys);
        assert!(wrong.is_empty());
        Marks::new(&[secret; 16], &Passwords::new(passwords).unwrap(), &keys)
    }

    #[test]
    fn the_same_secret_has_the_same_mark_at_every_tracker() {
        let one = marks(1, &["a", "b"], "alice x\nbob y\n");
        let other = marks(1, &["b"], "bob y\nalice z\n");
        let b = one.of(Credential::Password(1));
        assert_eq!(other.credential(b), Credential::Password(0));
        let bob = one.of(Credential::Key(2));
        assert_eq!(other.credential(bob), Credential::Key(1));
        // Another secret makes it another key, and nobody else knows that password.
        for unknown in [Credential::Key(1), Credential::Password(0)] {
            let mark = one.of(unknown);
            assert_eq!(other.credential(mark), Credential::Unknown);
        }
        assert_ne!(b, marks(2, &["a", "b"], "").of(Credential::Password(1)));
    }

    #[test]
    fn what_nobody_knows_any_more_stays_so() {
        let marks = marks(1, &["a"], "");
        assert_eq!(marks.of(Credential::Forgotten), None);
        assert_eq!(marks.credential(None), Credential::Forgotten);
        let withdrawn = marks.of(Credential::Key(7));
        assert_eq!(marks.credential(withdrawn), Credential::Unknown);
    }
}
