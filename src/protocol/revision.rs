//! States of the list.
//!
//! Only the tracker that wrote a revision reads it. For everybody else it is a word to send back.

use std::fmt;
use std::str::FromStr;

/// Counts the changes of the list. Written `<epoch>-<count>`. Revisions of different epochs do not compare:
/// the tracker was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision {
    /// Tells one run of a tracker from another.
    pub epoch: u32,
    /// Changes since the start.
    pub count: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.count)
    }
}

/// Not a revision of this kind of tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARevision;

impl FromStr for Revision {
    type Err = NotARevision;

    fn from_str(text: &str) -> Result<Self, NotARevision> {
        let (epoch, count) = text.split_once('-').ok_or(NotARevision)?;
        let revision = Self {
            epoch: u32::from_str_radix(epoch, 16).map_err(|_| NotARevision)?,
            count: count.parse().map_err(|_| NotARevision)?,
        };
        // One spelling only: what this tracker has written itself.
        match revision.to_string() == text {
            true => Ok(revision),
            false => Err(NotARevision),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_read_as_it_is_written_and_in_no_other_way() {
        let revision = Revision {
            epoch: 0xc0ffee,
            count: 42,
        };
        assert_eq!(revision.to_string(), "c0ffee-42");
        assert_eq!("c0ffee-42".parse(), Ok(revision));
        for bad in [
            "",
            "-",
            "c0ffee",
            "C0FFEE-42",
            "c0ffee-042",
            "c0ffee-+42",
            "0c0ffee-42",
            "x-1",
        ] {
            assert_eq!(bad.parse::<Revision>(), Err(NotARevision), "{bad}");
        }
    }
}
