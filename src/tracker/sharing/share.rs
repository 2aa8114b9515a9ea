//! Where the engine is through which trackers share their lists, and who this tracker is there.
//!
//! This file hides how that is written: `HOST[:PORT][,HOST[:PORT]…][/DB]`.

use crate::reach::{Address, NotAnAddress};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of Redis and Valkey, by tradition.
pub const ENGINE_PORT: u16 = 6379;

/// What the names of all keys begin with if nothing else is said.
pub const DEFAULT_PREFIX: &str = "gltracker";

/// The longest name of a tracker and the longest prefix, in bytes: both are read by people, and travel
/// with every command.
pub const MAX_NAME: usize = 64;

/// Sharing as it was asked for.
#[derive(Debug, Clone)]
pub struct Share {
    /// Where the engine is.
    pub engine: EngineAt,
    /// What this tracker is called in logs and metrics of all of them.
    pub name: String,
    /// What the names of all keys begin with.
    pub prefix: String,
    /// What the engine is shown before anything else.
    pub secret: ShareSecret,
}

/// Where the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAt {
    /// Its nodes, tried one after the other until one takes writes.
    pub nodes: Vec<Address<ENGINE_PORT>>,
    /// The number of its database.
    pub database: u32,
}

/// What the engine is shown before anything else.
#[derive(Clone, Default)]
pub enum ShareSecret {
    /// Nothing.
    #[default]
    None,
    /// A password, with the name of a user where the engine has several.
    Given {
        /// The user.
        user: Option<String>,
        /// The password.
        password: String,
    },
    /// A file with the password, or with the user on the first line and the password on the second. It is
    /// read for every connection.
    File(PathBuf),
}

impl fmt::Debug for ShareSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Given { .. } => "Given",
            Self::File(_) => "File",
        })
    }
}

impl fmt::Display for EngineAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, node) in self.nodes.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{node}")?;
        }
        match self.database {
            0 => Ok(()),
            database => write!(f, "/{database}"),
        }
    }
}

impl FromStr for EngineAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") || text.contains('@') {
            return Err(
                "write HOST[:PORT][,HOST[:PORT]…][/DB]; user and password go into a file".into(),
            );
        }
        let (nodes, database) = text.split_once('/').unwrap_or((text, "0"));
        let database = database
            .parse()
            .map_err(|_| format!("'{database}' is not the number of a database"))?;
        // The error names what was written.
        let node = |node: &str| {
            node.parse()
                .map_err(|error: NotAnAddress| error.to_string())
        };
        let nodes = nodes.split(',').map(node).collect::<Result<_, _>>()?;
        Ok(Self { nodes, database })
    }
}

/// Checks the name of a tracker or a prefix.
///
/// # Errors
/// What it may be.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    match !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_letter) {
        true => Ok(()),
        false => Err("is at most 64 letters, digits, dots, _ or -"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_written_as_they_are_read() {
        for (text, shown) in [
            ("cache", "cache:6379"),
            ("cache:7000/3", "cache:7000/3"),
            ("[::1],127.0.0.1:7/0", "[::1]:6379,127.0.0.1:7"),
        ] {
            let at: EngineAt = text.parse().unwrap();
            assert_eq!(at.to_string(), shown);
            assert_eq!(shown.parse::<EngineAt>().unwrap(), at);
        }
        for bad in ["", "a,", "a/x", "a/-1", "::1", "redis://a", "me@a"] {
            assert!(bad.parse::<EngineAt>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = ShareSecret::Given {
            user: None,
            password: "hidden".into(),
        };
        assert_eq!(format!("{secret:?}"), "Given");
    }
}
