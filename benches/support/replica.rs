//! The list as a client keeps it: what it was sent first, and what it was told has changed since.

use super::run::Result;
use gltracker::protocol::revision::Revision;
use std::collections::BTreeMap;

/// The list of one revision.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replica {
    /// What comes behind INFOS, by the `ip` and `port` in it.
    game_servers: BTreeMap<String, String>,
    revision: Option<Revision>,
}

/// What END says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) count: usize,
    pub(crate) revision: Revision,
    /// What was sent is what has changed since; without it, the whole list.
    pub(crate) since: Option<Revision>,
}

impl End {
    /// Reads an END, with or without its LF. `None` if the line is another.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"END ")?.trim_ascii_end();
        let words = std::str::from_utf8(line).ok()?;
        let word = |key: &str| words.split(' ').find_map(|word| word.strip_prefix(key));
        Some(Self {
            count: word("count=")?.parse().ok()?,
            revision: word("rev=")?.parse().ok()?,
            since: word("since=").and_then(|since| since.parse().ok()),
        })
    }
}

impl Replica {
    /// Takes any number of answers to LIST and WATCH, each of which must be whole and lead on from
    /// the one before.
    pub(crate) fn apply(&mut self, answers: &[u8]) -> Result<()> {
        let mut lines = Vec::new();
        for line in std::str::from_utf8(answers)?.lines() {
            match End::parse(line.as_bytes()) {
                Some(end) => self.apply_one(&lines.split_off(0), end)?,
                None => lines.push(line),
            }
        }
        match lines[..] {
            [] => Ok(()),
            _ => Err(format!("{} lines without an END", lines.len()).into()),
        }
    }

    fn apply_one(&mut self, lines: &[&str], end: End) -> Result<()> {
        if end.count != lines.len() {
            return Err(format!("{} lines before {end:?}", lines.len()).into());
        }
        if end.since.is_none() {
            self.game_servers.clear();
        } else if end.since != self.revision {
            return Err(format!("{end:?} came to one that knows {:?}", self.revision).into());
        }
        for line in lines {
            let (verb, fields) = line.split_once(' ').ok_or(*line)?;
            let mut words = fields.split(' ');
            let address = [words.next(), words.next()].map(Option::unwrap_or_default);
            let address = address.join(" ");
            match verb {
                "INFOS" => self.game_servers.insert(address, fields.to_owned()),
                // Whoever is GONE must have been there.
                "GONE" => Some(self.game_servers.remove(&address).ok_or(*line)?),
                _ => return Err((*line).into()),
            };
        }
        self.revision = Some(end.revision);
        Ok(())
    }

    /// The revision to ask on from. `None` before the first answer.
    pub(crate) fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Fails unless this is what `list`, the answer to a whole LIST, says.
    pub(crate) fn must_be(&self, list: &[u8]) -> Result<()> {
        let mut whole = Self::default();
        whole.apply(list)?;
        match self.revision == whole.revision && self.game_servers == whole.game_servers {
            true => Ok(()),
            false => Err("what changed was told, and does not come to what the list is".into()),
        }
    }
}
