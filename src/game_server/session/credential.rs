//! The password or the key of a game server.
//!
//! This file hides the secret: it leaves only as part of a line to the tracker.

use crate::protocol::hmac;
use crate::protocol::text::first_not_plain;
use crate::protocol::text::format_number;
use std::fmt;

/// The longest password or secret, in bytes.
const MAX_SECRET: usize = 255;

/// A password of a tracker, or a key with its secret. Not shown by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    key: Option<Box<str>>,
    secret: Box<str>,
}

/// Why a text cannot be a credential. Does not hold the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialError(String);

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CredentialError {}

impl Credential {
    /// A password, which many may share. It crosses the network as it is.
    ///
    /// # Errors
    /// When a LOGIN line cannot carry it: it is empty, longer than 255 bytes, not plain text, has
    /// spaces at its ends, or begins with `name=`.
    pub fn password(password: &str) -> Result<Self, CredentialError> {
        check_secret("the password", password)?;
        if password.starts_with("name=") {
            let text = "the password begins with name=, which would be taken for a key";
            return Err(CredentialError(text.to_owned()));
        }
        Ok(Self {
            key: None,
            secret: password.into(),
        })
    }

    /// A key that a tracker's operator has given to one admin. The secret never crosses the
    /// network.
    ///
    /// # Errors
    /// When the name is not one word, or one of them is empty, longer than 255 bytes or not plain
    /// text.
    pub fn key(name: &str, secret: &str) -> Result<Self, CredentialError> {
        check_secret("the name of the key", name)?;
        if name.contains(' ') {
            let text = "the name of the key has a space in it";
            return Err(CredentialError(text.to_owned()));
        }
        check_secret("the secret of the key", secret)?;
        Ok(Self {
            key: Some(name.into()),
            secret: secret.into(),
        })
    }

    /// True for a key, which is proven only with the first INFOS.
    pub(crate) fn is_key(&self) -> bool {
        self.key.is_some()
    }

    /// The first line on a connection.
    pub(crate) fn login(&self) -> String {
        match &self.key {
            None => format!("LOGIN {}", self.secret),
            Some(name) => format!("LOGIN name={name}"),
        }
    }

    /// The words before the fields in the INFOS line that answers a challenge.
    pub(crate) fn answer(&self, number: u64, port: u16) -> String {
        let shown = format_number(number);
        match &self.key {
            None => shown,
            Some(name) => {
                let mac = hmac::mac(&self.secret, number, name, port);
                format!("{shown} mac={mac}")
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            None => f.write_str("Credential(a password)"),
            Some(name) => write!(f, "Credential(the key {name:?})"),
        }
    }
}

fn check_secret(what: &str, text: &str) -> Result<(), CredentialError> {
    let wrong = |why: String| Err(CredentialError(format!("{what} {why}")));
    if text.is_empty() {
        return wrong("is empty".to_owned());
    }
    if text.len() > MAX_SECRET {
        return wrong(format!("is longer than {MAX_SECRET} bytes"));
    }
    if first_not_plain(text).is_some() {
        return wrong(
            "has a line break in it, or another character that is not plain text".to_owned(),
        );
    }
    if text.trim_matches(' ') != text {
        return wrong("has spaces at its ends, which no tracker can see; take them off".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_said_and_a_secret_is_not() {
        let password = Credential::password("two words").unwrap();
        assert_eq!(password.login(), "LOGIN two words");
        assert_eq!(password.answer(0x2a, 1), "000000000000002a");
        let key = Credential::key("alice", "between us").unwrap();
        assert_eq!(key.login(), "LOGIN name=alice");
        assert_eq!(
            key.answer(0x5f1c_9a3e_77b0_4d21, 23460),
            "5f1c9a3e77b04d21 \
             mac=7036e1513947218db1e70797e1561e88b848e17539b2bdbe288e41a729ffb4c6"
        );
        let shown = format!("{password:?} {key:?}");
        assert!(
            !shown.contains("words") && !shown.contains("us\""),
            "{shown}"
        );
    }

    #[test]
    fn what_a_login_cannot_carry_is_refused_without_showing_it() {
        for bad in ["", " ab", "ab ", "ab\nb", "name=ab", &"ab".repeat(128)] {
            let error = Credential::password(bad).unwrap_err().to_string();
            assert!(!error.contains("ab"), "{error}");
        }
        assert!(Credential::key("a b", "c").is_err());
        assert!(Credential::key("", "c").is_err());
        assert!(Credential::key("a", "").is_err());
        assert!(Credential::key("a", "name=b c").is_ok());
    }
}
