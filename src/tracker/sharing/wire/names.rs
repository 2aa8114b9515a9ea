//! What the keys of the engine are called, and what the short ones hold. Pure.
//!
//! This file hides how they are spelled. All names have one hash tag, so that a cluster keeps all keys at one
//! node.

use crate::protocol::text::{format_number, number, parse_number, spelled_out};
use std::fmt;
use std::str::FromStr;

/// One run of a tracker: a random number. A tracker that is started again is another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerId(pub u64);

impl fmt::Display for TrackerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_number(self.0))
    }
}

impl FromStr for TrackerId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // Written in one way only, so that two names never mean one tracker.
        let id = parse_number(text).map(Self);
        id.filter(|id| id.to_string() == text).ok_or(())
    }
}

/// The names of the keys of those that share one list.
#[derive(Debug, Clone)]
pub struct Names {
    tag: String,
}

impl Names {
    /// The names that begin with this prefix.
    pub fn new(prefix: &str) -> Self {
        let tag = format!("{{{prefix}}}:");
        Self { tag }
    }

    /// What all names begin with.
    pub fn start(&self) -> &str {
        &self.tag
    }

    /// The key that says what the others hold.
    pub fn format(&self) -> String {
        format!("{}format", self.tag)
    }

    /// The key of all trackers with their names.
    pub fn trackers(&self) -> String {
        format!("{}trackers", self.tag)
    }

    /// The key of a tracker's sign of life.
    pub fn alive(&self, id: TrackerId) -> String {
        format!("{}alive:{id}", self.tag)
    }

    /// The key of a tracker's list.
    pub fn list(&self, id: TrackerId) -> String {
        format!("{}list:{id}", self.tag)
    }

    /// The key of the changes of a tracker's list.
    pub fn changes(&self, id: TrackerId) -> String {
        format!("{}changes:{id}", self.tag)
    }

    /// The key by which a tracker is asked to write its list anew.
    pub fn mend(&self, id: TrackerId) -> String {
        format!("{}mend:{id}", self.tag)
    }
}

/// The word that the format begins with.
const FORMAT_WORD: &str = "gltracker-share";

/// The version of the format that this program writes and reads.
const FORMAT_VERSION: u32 = 1;

/// How the list is kept in the engine.
#[derive(Clone, PartialEq, Eq)]
pub struct Format {
    /// What the marks of credentials are made with.
    pub secret: [u8; 16],
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Format(…)")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = u128::from_be_bytes(self.secret);
        write!(f, "{FORMAT_WORD} {FORMAT_VERSION} {secret:032x}")
    }
}

/// Why the format that stands in the engine cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTheFormat {
    /// Something else uses the key: its beginning.
    NotOurs(String),
    /// Trackers of this later version share their lists there.
    Newer(u32),
    /// It was changed or cut by somebody.
    Torn,
}

impl fmt::Display for NotTheFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs(text) => write!(
                f,
                "holds '{text}', which no tracker has written; choose another --share-prefix or database"
            ),
            Self::Newer(version) => write!(
                f,
                "has version {version} of the format, and this tracker knows version {FORMAT_VERSION}; \
                 take the newer gltracker here, or another --share-prefix until all have it"
            ),
            Self::Torn => write!(
                f,
                "was changed by hand: '{FORMAT_WORD} {FORMAT_VERSION}' is there without its secret; \
                 stop all trackers that share there and delete the key, or choose another --share-prefix"
            ),
        }
    }
}

impl FromStr for Format {
    type Err = NotTheFormat;

    fn from_str(text: &str) -> Result<Self, NotTheFormat> {
        let not_ours = || NotTheFormat::NotOurs(spelled_out(text, 40));
        let rest = text
            .strip_prefix(FORMAT_WORD)
            .and_then(|rest| rest.strip_prefix(' '));
        let rest = rest.ok_or_else(not_ours)?;
        let (version, secret) = rest.split_once(' ').unwrap_or((rest, ""));
        match number(version).ok_or_else(not_ours)? {
            FORMAT_VERSION => secret_of(secret).ok_or(NotTheFormat::Torn),
            0 => Err(not_ours()),
            newer => Err(NotTheFormat::Newer(newer)),
        }
    }
}

fn secret_of(text: &str) -> Option<Format> {
    let is_whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_whole)?;
    let secret = number.to_be_bytes();
    Some(Format { secret })
}

/// A tracker's sign of life: what its list is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alive {
    /// The number of its last batch of changes.
    pub seq: u64,
    /// How many entries it has.
    pub count: u64,
    /// The digest of its records.
    pub digest: u64,
}

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:016x}", self.seq, self.count, self.digest)
    }
}

impl FromStr for Alive {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or(());
        let alive = Self {
            seq: number(word()?).ok_or(())?,
            count: number(word()?).ok_or(())?,
            digest: parse_number(word()?).ok_or(())?,
        };
        match words.next() {
            None => Ok(alive),
            Some(_) => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn all_names_have_one_hash_tag() {
        let (names, id) = (Names::new("eu.arena"), TrackerId(0xc0ffee));
        for (name, spelled) in [
            (names.format(), "{eu.arena}:format"),
            (names.trackers(), "{eu.arena}:trackers"),
            (names.alive(id), "{eu.arena}:alive:0000000000c0ffee"),
            (names.list(id), "{eu.arena}:list:0000000000c0ffee"),
            (names.changes(id), "{eu.arena}:changes:0000000000c0ffee"),
            (names.mend(id), "{eu.arena}:mend:0000000000c0ffee"),
        ] {
            assert_eq!(name, spelled);
            assert!(name.starts_with(names.start()));
        }
    }

    #[test]
    fn a_format_that_cannot_be_used_is_told_apart() {
        let not_ours = |text: &str| NotTheFormat::NotOurs(text.into());
        for (text, why) in [
            ("", not_ours("")),
            ("hello", not_ours("hello")),
            ("gltracker-shared 1", not_ours("gltracker-shared 1")),
            ("gltracker-share x", not_ours("gltracker-share x")),
            ("gltracker-share +1 0", not_ours("gltracker-share +1 0")),
            ("gltracker-share 2 anything else", NotTheFormat::Newer(2)),
            ("gltracker-share 1", NotTheFormat::Torn),
            ("gltracker-share 1 00", NotTheFormat::Torn),
            ("\u{1b}[2J", not_ours("\\u{1b}[2J")),
        ] {
            let error = text.parse::<Format>().unwrap_err();
            assert_eq!(error, why);
            assert!(error.to_string().contains("--share-prefix"), "{error}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let format = Format { secret: [7; 16] };
        assert_eq!(format!("{format:?}"), "Format(…)");
    }

    #[test]
    fn what_is_spelled_otherwise_means_nothing() {
        for bad in ["", "c0ffee", "00000000C0FFEE00", "0000000000c0ffee "] {
            assert!(bad.parse::<TrackerId>().is_err(), "{bad}");
        }
        for bad in [
            "",
            "1 2",
            "1 2 3",
            "-1 2 0000000000000003",
            "1 2 0000000000000003 4",
            "1  2 0000000000000003",
        ] {
            assert!(bad.parse::<Alive>().is_err(), "{bad}");
        }
    }

    quickcheck! {
        fn what_is_written_is_read(seq: u64, count: u64, digest: u64, secret: u128) -> bool {
            let alive = Alive { seq, count, digest };
            let format = Format { secret: secret.to_be_bytes() };
            let id = TrackerId(digest);
            alive.to_string().parse() == Ok(alive)
                && format.to_string().parse() == Ok(format)
                && id.to_string().parse() == Ok(id)
        }

        fn nothing_panics(text: String) -> bool {
            text.parse::<Format>().is_err() && text.parse::<Alive>().is_err()
        }
    }
}
