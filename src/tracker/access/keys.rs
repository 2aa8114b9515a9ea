//! Named keys: credentials of one game-server admin each, whose secret never crosses the wire.
//!
//! A key file has a name and a secret on each line. A key is its name together with its secret: with
//! another secret it is another key.

use crate::protocol::argument::MAX_KEY;
use crate::protocol::hmac;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::Credential;
use crate::tracker::access::operator_input::{WrongLine, telling_lines};
use std::collections::HashMap;
use std::sync::Arc;

/// The longest secret, in bytes.
pub(crate) const MAX_SECRET: usize = 255;

/// The keys that are valid now. They do not change: a changed file makes new ones, so that no login waits
/// for it.
#[derive(Debug, Default)]
pub struct Keys {
    /// Secret and credential by name.
    valid: HashMap<Arc<str>, (Box<str>, Credential)>,
    /// The names by credential, since each game server on the list is looked up.
    names: HashMap<Credential, Arc<str>>,
    /// How many keys have ever been given a credential.
    numbered: u32,
}

impl Keys {
    /// The keys of a file that holds `text`, in place of these. A key that is among these keeps its
    /// credential. Returns the lines that are wrong too; the others count.
    pub fn renewed(&self, text: &str) -> (Self, Vec<WrongLine>) {
        let mut new = Self {
            numbered: self.numbered,
            ..Self::default()
        };
        let mut wrong = Vec::new();
        for (number, line) in telling_lines(text) {
            let added = check(line).and_then(|(name, secret)| new.add(name, secret, self));
            if let Err(why) = added {
                let why = why.to_owned();
                wrong.push(WrongLine { number, why });
            }
        }
        (new, wrong)
    }

    fn add(&mut self, name: &str, secret: &str, before: &Self) -> Result<(), &'static str> {
        if self.valid.contains_key(name) {
            return Err("the name is that of a key on a line before");
        }
        let credential = match before.valid.get(name) {
            Some((same, credential)) if **same == *secret => *credential,
            _ => {
                self.numbered += 1;
                Credential::Key(self.numbered)
            }
        };
        let name: Arc<str> = name.into();
        self.valid
            .insert(Arc::clone(&name), (secret.into(), credential));
        self.names.insert(credential, name);
        Ok(())
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.valid.len()
    }

    /// The name of the key that `credential` stands for; `None` if it is no key, or not valid (any
    /// more).
    pub(crate) fn name(&self, credential: Credential) -> Option<&str> {
        self.names.get(&credential).map(|name| &**name)
    }

    /// All keys, each with its name and its secret.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Credential, &str, &str)> {
        let keys = self.valid.iter();
        keys.map(|(name, (secret, credential))| (*credential, &**name, &**secret))
    }

    /// The credential of the key `name`.
    pub fn credential(&self, name: &str) -> Option<Credential> {
        self.valid.get(name).map(|(_, credential)| *credential)
    }

    /// True unless `credential` is a key that is not valid (any more), or is not this tracker's.
    pub fn allows(&self, credential: Credential) -> bool {
        match credential {
            Credential::Password(_) | Credential::Forgotten => true,
            Credential::Key(_) => self.names.contains_key(&credential),
            Credential::Unknown => false,
        }
    }

    /// The credential of the key `name`, if `mac` is what its secret gives for this challenge and port. An
    /// unknown name takes as long.
    pub fn verify(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let key = self.valid.get(name);
        let secret = key.map_or("nobody's secret", |(secret, _)| secret);
        let expected = hmac::mac(secret, number, name, port);
        let is_right = hmac::is_same(expected.as_bytes(), mac.to_ascii_lowercase().as_bytes());
        key.filter(|_| is_right).map(|(_, credential)| *credential)
    }
}

/// Told to a game server whose key is not valid any more.
pub(crate) fn withdrawn() -> Refusal {
    let text = "the key you logged in with is not valid any more";
    Refusal::new(ErrorCode::BadPassword, text)
}

/// True for what the name of a key may be.
pub(crate) fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !name.is_empty() && name.len() <= MAX_KEY && name.bytes().all(is_letter)
}

/// Splits a line into name and secret.
fn check(line: &str) -> Result<(&str, &str), &'static str> {
    let (name, secret) = line
        .split_once(char::is_whitespace)
        .ok_or("write: name secret")?;
    let secret = secret.trim();
    if !is_name(name) {
        return Err("a name is at most 32 letters, digits, dots, _ or -");
    }
    if secret.len() > MAX_SECRET {
        return Err("a secret has at most 255 bytes");
    }
    Ok((name, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: u64 = 0x5f1c_9a3e_77b0_4d21;

    fn verify(keys: &Keys, name: &str, secret: &str) -> Option<Credential> {
        keys.verify(name, NUMBER, 23460, &hmac::mac(secret, NUMBER, name, 23460))
    }

    #[test]
    fn a_key_is_known_by_what_its_secret_gives() {
        let text = "# of the club\nalice  between us\nbob hunter2\n";
        let (keys, wrong) = Keys::default().renewed(text);
        assert_eq!(wrong, []);
        let alice = verify(&keys, "alice", "between us").unwrap();
        assert_ne!(Some(alice), verify(&keys, "bob", "hunter2"));
        assert_eq!(verify(&keys, "alice", "hunter2"), None);
        assert_eq!(
            verify(&keys, "carol", "nobody's secret"),
            None,
            "an unknown name has no secret"
        );
        let mac = hmac::mac("between us", NUMBER, "alice", 23460);
        assert!(
            keys.verify("alice", NUMBER, 23460, &mac.to_uppercase())
                .is_some()
        );
        assert_eq!(keys.verify("alice", NUMBER + 1, 23460, &mac), None);
        assert_eq!(keys.verify("alice", NUMBER, 23461, &mac), None);
        assert_eq!(keys.verify("bob", NUMBER, 23460, &mac), None);
        assert_eq!(keys.verify("alice", NUMBER, 23460, ""), None);
        assert_eq!(keys.verify("alice", NUMBER, 23460, &mac[..63]), None);
    }

    #[test]
    fn a_key_that_is_gone_or_has_another_secret_is_not_valid_any_more() {
        let (keys, _) = Keys::default().renewed("alice one\nbob two");
        let (alice, bob) = (
            verify(&keys, "alice", "one").unwrap(),
            verify(&keys, "bob", "two").unwrap(),
        );
        assert!(keys.allows(bob) && keys.allows(alice));
        let (keys, _) = keys.renewed("bob two\nalice other");
        assert!(keys.allows(bob) && !keys.allows(alice));
        assert_eq!((keys.name(bob), keys.name(alice)), (Some("bob"), None));
        assert_eq!(verify(&keys, "bob", "two"), Some(bob));
        let other = verify(&keys, "alice", "other").unwrap();
        assert!(other != alice && other != bob && keys.allows(other));
        let (keys, _) = keys.renewed("");
        assert!(!keys.allows(bob) && !keys.allows(other) && keys.count() == 0);
        assert!(keys.allows(Credential::Password(1)) && keys.allows(Credential::Forgotten));
        let (keys, _) = keys.renewed("bob two");
        assert!(!keys.allows(bob), "it was gone, and nobody remembers it");
    }

    #[test]
    fn wrong_lines_are_named_and_the_others_count() {
        let long = "x".repeat(256);
        let text = format!("alice one\nbob\nalice two\nna/me x\ncarol {long}\ndave four five\n");
        let (keys, wrong) = Keys::default().renewed(&text);
        let wrong: Vec<usize> = wrong.into_iter().map(|line| line.number).collect();
        assert_eq!(wrong, [2, 3, 4, 5]);
        assert!(verify(&keys, "alice", "one").is_some());
        assert!(verify(&keys, "dave", "four five").is_some());
        assert_eq!(keys.count(), 2);
    }
}
