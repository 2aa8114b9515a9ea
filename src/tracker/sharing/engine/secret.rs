//! What the engine is shown first.
//!
//! This file hides where it comes from. A file is read for every connection, so that a password can be changed
//! while trackers run.

use super::error::{EngineError, Kind};
use crate::base::io_error::in_words;
use crate::protocol::text::spelled_out;
use crate::tracker::sharing::share::ShareSecret;
use std::fs;
use std::path::Path;

/// A password, with the name of a user where the engine has several.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: String,
}

/// What to show on the next connection, if anything.
pub(super) fn read(secret: &ShareSecret) -> Result<Option<Login>, EngineError> {
    match secret {
        ShareSecret::None => Ok(None),
        ShareSecret::Given { user, password } => Ok(Some(Login {
            user: user.clone(),
            password: password.clone(),
        })),
        ShareSecret::File(path) => from_file(path).map(Some).map_err(|why| {
            let path = spelled_out(&path.display().to_string(), 200);
            EngineError::new(
                Kind::Refused,
                format!("--share-password-file {path}: {why}"),
            )
        }),
    }
}

fn from_file(path: &Path) -> Result<Login, String> {
    let text = fs::read_to_string(path).map_err(|error| in_words(&error))?;
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    match lines[..] {
        [] | [""] => Err("is empty; write the password into it".to_owned()),
        [password] => Ok(login(None, password)),
        [user, password] if !user.is_empty() && !password.is_empty() => {
            Ok(login(Some(user), password))
        }
        _ => Err("has one line, the password, or two: the user and the password".to_owned()),
    }
}

fn login(user: Option<&str>, password: &str) -> Login {
    Login {
        user: user.map(str::to_owned),
        password: password.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_password_or_a_user_and_a_password() {
        let name = format!("gltracker-share-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let secret = ShareSecret::File(path.clone());
        for (text, read_as) in [
            ("secret", Ok((None, "secret"))),
            ("#a b \r\n", Ok((None, "#a b "))),
            ("\u{feff}bob\nsecret\n", Ok((Some("bob"), "secret"))),
            ("", Err("is empty; write the password")),
            ("\n", Err("is empty")),
            ("secret\n\n", Err("one line, the password, or two")),
            ("a\nb\nc\n", Err("one line, the password, or two")),
        ] {
            fs::write(&path, text).unwrap();
            match (read(&secret), read_as) {
                (Ok(found), Ok((user, password))) => {
                    assert!(found == Some(login(user, password)), "{text:?}");
                }
                (Err(error), Err(part)) => {
                    let error = error.to_string();
                    assert!(error.starts_with("--share-password-file /"), "{error}");
                    assert!(error.contains(part), "{error}");
                }
                _ => panic!("{text:?}"),
            }
        }
        fs::remove_file(&path).unwrap();
        let error = read(&secret).err().unwrap().to_string();
        assert!(error.contains("No such file"), "{error}");
    }
}
