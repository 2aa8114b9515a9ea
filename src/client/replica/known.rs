//! The list as a client knows it.
//!
//! This file hides how the lines of an answer become a list: nothing shows before END, an END
//! without `since=` replaces everything, and what comes out is what has changed. It has no socket
//! and no clock, and holds no more than its bounds whatever a tracker sends.

use super::conditions::MAX_REVISION;
use super::error::{Error, Refused};
use crate::protocol::argument::{Argument, Operator, next_argument};
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::text::is_plain;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The most game servers that a client keeps.
pub const MAX_ENTRIES: usize = 100_000;

/// The most bytes of fields that a client keeps.
pub const MAX_BYTES: usize = 64 << 20;

/// How much a client keeps.
#[derive(Debug)]
struct Bounds {
    entries: usize,
    bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: MAX_ENTRIES,
            bytes: MAX_BYTES,
        }
    }
}

impl Bounds {
    /// The most lines of one answer: every game server gone, and as many new ones.
    fn lines(&self) -> usize {
        2 * self.entries
    }

    fn check_lines(&self, lines: usize) -> Result<(), Error> {
        too_much(lines, self.lines(), "lines in an answer")
    }

    fn check_entries(&self, entries: usize) -> Result<(), Error> {
        too_much(entries, self.entries, "game servers on a list")
    }

    fn check_bytes(&self, bytes: usize) -> Result<(), Error> {
        too_much(bytes, self.bytes, "bytes of fields")
    }
}

fn too_much(number: usize, bound: usize, of: &str) -> Result<(), Error> {
    match number > bound {
        true => Err(Error::TooMuch(format!("{bound} {of} are kept here"))),
        false => Ok(()),
    }
}

/// The game servers on a tracker's list, and the revision at which they were there.
///
/// ```
/// use gltracker::client::{Change, KnownList};
/// let mut list = KnownList::default();
/// assert!(list.take("INFOS ip=198.51.100.7 port=23460 nbplayers=3")?.is_none());
/// assert!(list.is_empty(), "nothing shows before END");
/// let changes = list.take("END count=1 rev=c0ffee-1")?.unwrap();
/// assert!(matches!(&changes[..], [Change::New(address, _)] if address.port() == 23460));
/// list.take("GONE ip=198.51.100.7 port=23460")?;
/// list.take("END count=1 rev=c0ffee-2 since=c0ffee-1")?;
/// assert!(list.is_empty() && list.revision() == Some("c0ffee-2"));
/// # Ok::<(), gltracker::client::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct KnownList {
    entries: BTreeMap<SocketAddr, Infos>,
    /// Bytes of all fields of `entries`.
    bytes: usize,
    revision: Option<String>,
    /// The address at which the tracker was reached, if that is known.
    pub(crate) from: Option<IpAddr>,
    answer: Answer,
    bounds: Bounds,
}

/// An answer of which END has not come yet.
#[derive(Debug, Default)]
struct Answer {
    /// What is said of each game server: its fields, or that it is gone.
    said: BTreeMap<SocketAddr, Option<Infos>>,
    /// Bytes of all fields that came.
    bytes: usize,
    /// INFOS and GONE lines, including those that made no sense.
    counted: usize,
    /// Lines of other kinds.
    others: usize,
}

/// What has become of one game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was not on the list before.
    New(SocketAddr, Infos),
    /// It was, with other fields.
    Updated(SocketAddr, Infos),
    /// It is not on the list any more.
    Gone(SocketAddr),
}

impl KnownList {
    /// Takes the next line that a tracker sends in answer to LIST or WATCH, without its LF.
    /// Returns what has changed when the line is END, which is when the list is consistent; that
    /// may be nothing. Lines that it does not know are ignored, as is a game server whose fields
    /// make no sense.
    ///
    /// # Errors
    /// [`Error::Refused`] for `ERR`; [`Error::Wrong`] for an END that does not fit to what came
    /// before it, after which the list is void and is asked for as a whole; [`Error::TooMuch`]
    /// beyond [`MAX_ENTRIES`] or [`MAX_BYTES`]. What was known before is still known.
    pub fn take(&mut self, line: &str) -> Result<Option<Vec<Change>>, Error> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "INFOS" => {
                self.answer.counted += 1;
                if let Some((address, infos)) = parse_entry(rest) {
                    self.answer.bytes += infos.spelled().len();
                    self.answer.said.insert(address, Some(infos));
                }
            }
            "GONE" => {
                self.answer.counted += 1;
                if let Some((address, _)) = parse_entry(rest) {
                    self.answer.said.insert(address, None);
                }
            }
            "END" => return self.end(rest).map(Some),
            "ERR" => return Err(Error::Refused(Refused::parse(rest))),
            _ => self.answer.others += 1,
        }
        let lines = self.answer.counted + self.answer.others;
        self.bounds.check_lines(lines)?;
        self.bounds.check_bytes(self.answer.bytes)?;
        Ok(None)
    }

    /// Forgets the part of an answer that has come so far, whose connection is lost.
    pub fn forget_part(&mut self) {
        self.answer = Answer::default();
    }

    /// The revision to send back with `since=`; `None` before the first END.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The address at which the tracker was reached, if that is known.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// All game servers in the order of their addresses, with what they say about themselves.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &Infos)> {
        self.entries
            .iter()
            .map(|(address, infos)| (*address, infos))
    }

    /// What the game server at this address says about itself, if it is on the list.
    pub fn get(&self, address: SocketAddr) -> Option<&Infos> {
        self.entries.get(&address)
    }

    /// How many game servers are on the list.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn end(&mut self, arguments: &str) -> Result<Vec<Change>, Error> {
        let answer = std::mem::take(&mut self.answer);
        let result = End::parse(arguments).and_then(|end| {
            end.check(&answer, self.revision())?;
            Ok(end)
        });
        let end = match result {
            Ok(end) => end,
            Err(why) => {
                // What is known may be anything now: the next answer shall be a whole one.
                self.revision = None;
                return Err(Error::Wrong(why));
            }
        };
        let mut said = answer.said;
        if end.since.is_none() {
            // The whole list: whoever is not said to be there is gone.
            for address in self.entries.keys() {
                said.entry(*address).or_insert(None);
            }
        }
        self.check_room(&said)?;
        self.revision = end.revision;
        let changes = said.into_iter();
        Ok(changes
            .filter_map(|(address, infos)| self.change(address, infos))
            .collect())
    }

    /// Checks that the bounds still hold once what was said is true.
    fn check_room(&self, said: &BTreeMap<SocketAddr, Option<Infos>>) -> Result<(), Error> {
        let (mut entries, mut bytes) = (self.entries.len(), self.bytes);
        for (address, infos) in said {
            if let Some(old) = self.entries.get(address) {
                entries -= 1;
                bytes -= old.spelled().len();
            }
            if let Some(new) = infos {
                entries += 1;
                bytes += new.spelled().len();
            }
        }
        self.bounds.check_entries(entries)?;
        self.bounds.check_bytes(bytes)
    }

    fn change(&mut self, address: SocketAddr, infos: Option<Infos>) -> Option<Change> {
        let Some(infos) = infos else {
            let old = self.entries.remove(&address)?;
            self.bytes -= old.spelled().len();
            return Some(Change::Gone(address));
        };
        self.bytes += infos.spelled().len();
        let old = self.entries.insert(address, infos.clone());
        let Some(old) = old else {
            return Some(Change::New(address, infos));
        };
        self.bytes -= old.spelled().len();
        (old != infos).then_some(Change::Updated(address, infos))
    }
}

/// `ip=… port=…` and whatever else is said of a game server.
fn parse_entry(fields: &str) -> Option<(SocketAddr, Infos)> {
    let infos = Infos::default().with(&Changes::parse(fields).ok()?);
    let ip = infos.get("ip")?.parse().ok()?;
    Some((SocketAddr::new(ip, infos.number("port")?), infos))
}

/// What END says.
#[derive(Default)]
struct End {
    count: Option<usize>,
    revision: Option<String>,
    since: Option<String>,
}

impl End {
    /// # Errors
    /// A text for a person.
    fn parse(mut arguments: &str) -> Result<Self, String> {
        let mut end = Self::default();
        loop {
            let argument = next_argument(&mut arguments).map_err(|refusal| refusal.text)?;
            match argument {
                None => return Ok(end),
                Some(Argument::Pair("count", Operator::Is, count)) => {
                    let count = count.parse().map_err(|_| "END counts no number of lines");
                    end.count = Some(count?);
                }
                Some(Argument::Pair("rev", Operator::Is, revision)) => {
                    end.revision =
                        Some(revision.into_owned()).filter(|revision| can_be_sent_back(revision));
                }
                Some(Argument::Pair("since", Operator::Is, since)) => {
                    end.since = Some(since.into_owned());
                }
                Some(_) => {}
            }
        }
    }

    /// Checks that it ends this answer to somebody who knows `revision`.
    fn check(&self, answer: &Answer, revision: Option<&str>) -> Result<(), String> {
        let lines = answer.counted..=answer.counted + answer.others;
        if let Some(count) = self.count.filter(|count| !lines.contains(count)) {
            let came = answer.counted;
            return Err(format!("END counts {count} lines, and {came} came"));
        }
        if self.since.is_some() && self.since.as_deref() != revision {
            return Err("END tells changes since a revision that was not asked for".to_owned());
        }
        Ok(())
    }
}

/// True for a revision that can stand behind `since=` as it is.
fn can_be_sent_back(revision: &str) -> bool {
    let is_bare = |c| is_plain(c) && c != ' ' && c != '"';
    (1..=MAX_REVISION).contains(&revision.len()) && revision.chars().all(is_bare)
}

#[cfg(test)]
mod tests;
