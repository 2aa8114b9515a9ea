//! The list as a client knows it.
//!
//! This file hides how the lines of an answer become a list: nothing shows before END, an END
//! without `since=` replaces everything, and what comes out is what has changed. It has no socket
//! and no clock, and holds no more than its bounds whatever a tracker sends.

use super::conditions::MAX_REVISION;
use super::error::{Error, Refused};
use crate::protocol::argument::{Argument, Operator, next_argument};
use crate::protocol::infos::{Changes, Infos};
use crate::protocol::text::is_plain;
use std::collections::BTreeMap;
use std::net::SocketAddr;

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
/// use gltracker::client::known::{Change, KnownList};
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
                    end.count = count.parse().ok();
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
mod tests {
    use super::*;
    use crate::protocol::message::ErrorCode;
    use quickcheck::quickcheck;

    fn address(port: u16) -> SocketAddr {
        ([198, 51, 100, 7], port).into()
    }

    fn infos(port: u16, more: &str) -> Infos {
        let text = format!("ip=198.51.100.7 port={port} {more}");
        Infos::default().with(&Changes::parse(&text).unwrap())
    }

    /// The changes of an answer whose last line is END.
    fn take(list: &mut KnownList, lines: &[&str]) -> Vec<Change> {
        let (end, others) = lines.split_last().unwrap();
        for line in others {
            assert_eq!(list.take(line).unwrap(), None, "{line}");
        }
        list.take(end).unwrap().expect("an END ends the answer")
    }

    fn known(list: &KnownList) -> Vec<u16> {
        list.iter().map(|(address, _)| address.port()).collect()
    }

    const ONE: &str = "INFOS ip=198.51.100.7 port=1";
    const TWO: &str = "INFOS ip=198.51.100.7 port=2";

    #[test]
    fn a_batch_tells_what_has_changed_and_a_whole_list_replaces() {
        let mut list = KnownList::default();
        let changes = take(&mut list, &[ONE, TWO, "END count=2 rev=a-1"]);
        let new = |port| Change::New(address(port), infos(port, ""));
        assert_eq!(changes, [new(1), new(2)]);

        let busy = "INFOS ip=198.51.100.7 port=1 nbplayers=1";
        let lines = [
            busy,
            "GONE ip=198.51.100.7 port=2",
            "GONE ip=198.51.100.7 port=9",
            "END count=3 rev=a-3 since=a-1",
        ];
        let changes = take(&mut list, &lines);
        let updated = Change::Updated(address(1), infos(1, "nbplayers=1"));
        assert_eq!(changes, [updated, Change::Gone(address(2))]);
        assert_eq!((known(&list), list.revision()), (vec![1], Some("a-3")));

        let changes = take(&mut list, &[TWO, "END count=1 rev=b-0"]);
        assert_eq!(changes, [Change::Gone(address(1)), new(2)]);
        assert_eq!(take(&mut list, &[TWO, "END count=1 rev=b-0"]), []);
        assert_eq!(take(&mut list, &["END count=0 rev=b-0 since=b-0"]), []);
        assert_eq!((known(&list), list.revision()), (vec![2], Some("b-0")));
    }

    #[test]
    fn what_is_not_known_is_ignored() {
        let mut list = KnownList::default();
        let lines = [
            "PONG 7",
            "NEWS x=1",
            "INFOS ip=198.51.100.7",
            "INFOS port=7",
            "INFOS ip=localhost port=7",
            "INFOS ip=198.51.100.7 port=7 description=\u{1b}[2J",
            "INFOS ip=::ffff:198.51.100.7 port=1 mood=fine",
            "OK bye",
            "",
            "END count=5 rev=a-1 planet=mars word",
        ];
        assert_eq!(take(&mut list, &lines).len(), 1);
        assert_eq!(list.get(address(1)), Some(&infos(1, "mood=fine")));
    }

    #[test]
    fn an_err_or_a_lost_connection_leaves_what_was_known() {
        let mut list = KnownList::default();
        take(&mut list, &[ONE, "END count=1 rev=a-1"]);
        list.take(TWO).unwrap();
        let Err(Error::Refused(refused)) = list.take("ERR busy come later") else {
            panic!("an ERR is a refusal");
        };
        assert!(refused.is(ErrorCode::Busy) && refused.text() == "come later");
        list.forget_part();
        assert_eq!(take(&mut list, &["END count=0 rev=a-1 since=a-1"]), []);
        assert_eq!((known(&list), list.revision()), (vec![1], Some("a-1")));
    }

    #[test]
    fn an_end_that_does_not_fit_makes_the_list_void() {
        for end in [
            "END count=2 rev=a-2",
            "END count=0 rev=a-2",
            "END count=1 rev=a-2 since=a-0",
            "END count=1 rev=\"",
        ] {
            let mut list = KnownList::default();
            take(&mut list, &["END count=0 rev=a-1"]);
            list.take(ONE).unwrap();
            let error = list.take(end).unwrap_err();
            assert!(matches!(error, Error::Wrong(_)), "{end}: {error}");
            assert_eq!((known(&list), list.revision()), (vec![], None));
        }
        // A tracker that counts lines which this client does not know may be a newer one.
        take(&mut KnownList::default(), &["NEWS", ONE, "END count=2"]);
    }

    #[test]
    fn a_revision_that_could_not_be_sent_back_is_none() {
        for bad in ["", "\"a b\"", "\"a\\\"b\"", &"r".repeat(65)] {
            let mut list = KnownList::default();
            take(&mut list, &[&format!("END count=0 rev={bad}")]);
            assert_eq!(list.revision(), None, "{bad}");
        }
    }

    #[test]
    fn nothing_grows_past_its_bound() {
        let bounds = Bounds {
            entries: 100,
            bytes: 100 * 40,
        };
        let mut list = KnownList {
            bounds,
            ..KnownList::default()
        };
        let entry = |n: usize| format!("INFOS ip=192.0.2.1 port={}", n + 1);
        for n in 0..100 {
            list.take(&entry(n)).unwrap();
        }
        list.take("END rev=a-1").unwrap();
        assert_eq!(list.len(), 100);
        list.take(&entry(100)).unwrap();
        let error = list.take("END rev=a-2 since=a-1").unwrap_err();
        assert!(matches!(error, Error::TooMuch(_)), "{error}");
        assert_eq!((list.len(), list.revision()), (100, Some("a-1")));

        let mut endless = |line: &dyn Fn(usize) -> String, bound: usize, of: &str| {
            let tries = (0..1000).map(|n| list.take(&line(n)).err());
            let (taken, error) = tries.enumerate().find_map(|(n, e)| Some((n, e?))).unwrap();
            assert!(error.to_string().contains(of), "{error}");
            assert_eq!(taken, bound);
            list.forget_part();
        };
        endless(&|_| "NEWS".to_owned(), 200, "lines");
        endless(&|_| "GONE ip=192.0.2.1 port=1".to_owned(), 200, "lines");
        let fat = "x".repeat(177);
        endless(&|n| format!("{} a={fat}", entry(n % 9)), 20, "bytes");
        // What replaces a fat list by another one fits, what is added to it does not.
        let lines: Vec<String> = (0..20)
            .map(|n| format!("{} a={fat}", entry(n % 9)))
            .collect();
        for since in ["", " since=a-2"] {
            lines[..18]
                .iter()
                .for_each(|line| drop(list.take(line).unwrap()));
            list.take(&format!("END rev=a-2{since}")).unwrap();
            assert_eq!(list.len(), 9);
        }
        for n in 9..24 {
            list.take(&format!("{} a={fat}", entry(n))).unwrap();
        }
        let error = list.take("END rev=a-3 since=a-2").unwrap_err();
        assert!(error.to_string().contains("4000 bytes"), "{error}");
    }

    quickcheck! {
        /// A client that is told changes knows what one knows that asked for everything.
        fn changes_lead_to_the_whole(steps: Vec<Vec<(u8, u8)>>) -> bool {
            let mut told = KnownList::default();
            let mut shown: BTreeMap<SocketAddr, Infos> = BTreeMap::new();
            let mut truth: BTreeMap<u16, u8> = BTreeMap::new();
            told.take("END count=0 rev=a-0").unwrap();
            for (number, step) in steps.iter().enumerate() {
                for (port, players) in step {
                    let port = u16::from(port % 8) + 1;
                    let line = match players % 3 {
                        0 => {
                            truth.remove(&port);
                            format!("GONE ip=198.51.100.7 port={port}")
                        }
                        _ => {
                            truth.insert(port, *players);
                            format!("INFOS ip=198.51.100.7 port={port} nbplayers={players}")
                        }
                    };
                    told.take(&line).unwrap();
                }
                let end = format!("END rev=a-{} since=a-{number}", number + 1);
                for change in told.take(&end).unwrap().unwrap() {
                    match change {
                        Change::New(address, infos) => {
                            assert!(shown.insert(address, infos).is_none());
                        }
                        Change::Updated(address, infos) => {
                            assert!(shown.insert(address, infos.clone()) != Some(infos));
                        }
                        Change::Gone(address) => assert!(shown.remove(&address).is_some()),
                    }
                }
            }
            let bytes: usize = told.iter().map(|(_, infos)| infos.spelled().len()).sum();
            let whole = truth.iter().map(|(port, players)| {
                (address(*port), infos(*port, &format!("nbplayers={players}")))
            });
            told.entries == whole.collect() && told.entries == shown && told.bytes == bytes
        }

        fn no_line_panics(lines: Vec<String>) -> bool {
            let mut list = KnownList::default();
            for line in &lines {
                for verb in ["", "INFOS ", "GONE ", "END ", "ERR "] {
                    let _ = list.take(&format!("{verb}{line}"));
                }
            }
            true
        }
    }
}
