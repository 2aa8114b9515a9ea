//! What one tracker says of one game server of its own, as text.
//!
//! A record is ` `-separated: its number, stamp, mark and peer, then the fields as the list spells them:
//!
//! ```text
//! 2s 1795539012345 9f86d081884c7d65 203.0.113.9 ip=203.0.113.9 port=23460 nbplayers=3
//! ```
//!
//! The number is in base 36 and stands for the game server in later changes. A batch of changes has one line
//! for each: `+` and a record, `=` and a number with the fields that have changed, or `-` and a number.

use crate::protocol::argument::push_value;
use crate::protocol::fields::{Changes, Infos, MAX_FIELDS};
use crate::protocol::line::MAX_LINE;
use crate::protocol::scope::Scope;
use crate::protocol::text::{format_number, number, parse_number};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// The longest record or line of a batch, in bytes. A line of the list has at most [`MAX_LINE`], and what
/// stands before the fields here is shorter than that.
pub const MAX_RECORD: usize = 2 * MAX_LINE;

/// The base of the numbers of records: the largest that one digit or small letter can have.
const BASE: u32 = 36;

/// What a game server logged in with, as trackers compare it that share a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u64);

/// One game server, as its owner says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where players join, which `infos` say too.
    pub address: SocketAddr,
    /// Where it logged in from.
    pub peer: IpAddr,
    /// When it logged in: milliseconds of Unix time, but later than whatever it took over.
    pub stamp: u64,
    /// What it logged in with. `None` for a password of the owner's run before, of which nobody knows which
    /// it was.
    pub mark: Option<Mark>,
    /// Its fields as the list shows them.
    pub infos: Infos,
}

impl Claim {
    /// The claim of a game server with these fields. `None` if they have no `ip` or no `port`.
    pub fn new(peer: IpAddr, stamp: u64, mark: Option<Mark>, infos: Infos) -> Option<Self> {
        let ip: IpAddr = infos.get("ip")?.parse().ok()?;
        Some(Self {
            address: SocketAddr::new(ip, infos.number("port")?),
            peer: peer.to_canonical(),
            stamp,
            mark,
            infos,
        })
    }

    /// True if it has not logged in since its owner was started. The owner's absence makes a claim stale
    /// too, which does not show here.
    pub fn is_stale(&self) -> bool {
        self.infos.get("stale").is_some()
    }

    /// True if it connects from the address itself.
    pub fn is_at_home(&self) -> bool {
        self.peer == self.address.ip()
    }

    /// True if the list may show it. A batch that is applied again, on top of what is newer, can make fields
    /// for a while that nobody has said together.
    pub fn is_whole(&self) -> bool {
        self.infos.check_complete().is_ok()
    }

    /// Appends its record.
    pub fn write(&self, number: u32, out: &mut String) {
        push_number(out, number);
        // Writing to a string cannot fail.
        let _ = write!(out, " {} ", self.stamp);
        match self.mark {
            Some(Mark(mark)) => out.push_str(&format_number(mark)),
            None => out.push('-'),
        }
        let _ = write!(out, " {}", self.peer);
        out.push_str(self.infos.spelled());
    }

    /// Its record.
    pub fn record(&self, number: u32) -> String {
        let mut text = String::with_capacity(self.infos.spelled().len() + 64);
        self.write(number, &mut text);
        text
    }

    /// Reads a record. `None` for anything but what [`write`](Self::write) makes of a claim that a tracker
    /// can have.
    pub fn parse(text: &str) -> Option<(u32, Self)> {
        if text.len() > MAX_RECORD {
            return None;
        }
        let mut words = text.splitn(5, ' ');
        let mut word = || words.next();
        let record = parse_record_number(word()?)?;
        let (stamp, mark) = (number(word()?)?, parse_mark(word()?)?);
        let peer = word()?.parse().ok()?;
        let infos = Infos::default().with(&Changes::parse(word()?).ok()?);
        let claim = Self::new(peer, stamp, mark, infos)?;
        let is_good = claim.is_somewhere() && claim.is_whole() && claim.record(record) == text;
        is_good.then_some((record, claim))
    }

    /// False for an address that is nobody's. A tracker lists whoever connects at the address that it sees,
    /// whatever that is.
    fn is_somewhere(&self) -> bool {
        self.is_at_home() || Scope::of(self.address.ip()).is_some()
    }

    /// What its record adds to the digest of a list: FNV-1a with 64 bits. It keeps out accidents, not
    /// forgers.
    pub fn digest(&self, number: u32) -> u64 {
        let text = self.record(number);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

/// One line of a batch of changes.
#[derive(Debug, PartialEq, Eq)]
pub enum ChangeLine<'a> {
    /// A new game server, or all of it anew.
    All(u32, Claim),
    /// The fields that have changed.
    Fields(u32, Changes<'a>),
    /// It has left.
    Gone(u32),
}

impl<'a> ChangeLine<'a> {
    /// Reads one line without its LF. `None` if it cannot be understood.
    pub fn parse(line: &'a str) -> Option<Self> {
        if let Some(record) = line.strip_prefix('+') {
            let (number, claim) = Claim::parse(record)?;
            return Some(Self::All(number, claim));
        }
        if let Some(number) = line.strip_prefix('-') {
            return parse_record_number(number).map(Self::Gone);
        }
        let (number, fields) = line.strip_prefix('=')?.split_once(' ')?;
        if line.len() > MAX_RECORD {
            return None;
        }
        let changes = Changes::parse(fields).ok()?;
        // Whoever moves is said anew.
        let is_move = changes.get("ip").is_some() || changes.get("port").is_some();
        let is_good = !is_move && !changes.is_empty();
        is_good.then_some(Self::Fields(parse_record_number(number)?, changes))
    }

    /// The line that makes `after` of `before`, which are claims of the same address: of the fields that have
    /// changed, or of all where that is shorter or more has changed.
    pub fn between(number: u32, before: &Claim, after: &Claim) -> String {
        let all = || Self::all(number, after);
        let is_same = |claim: &Claim| (claim.address, claim.peer, claim.stamp, claim.mark);
        if is_same(before) != is_same(after) {
            return all();
        }
        let mut line = String::from("=");
        push_number(&mut line, number);
        let count = push_changed(&mut line, &before.infos, &after.infos);
        match count <= MAX_FIELDS && line.len() <= after.infos.spelled().len() {
            true => line,
            false => all(),
        }
    }

    /// The line of a new game server.
    pub fn all(number: u32, claim: &Claim) -> String {
        let mut line = String::with_capacity(claim.infos.spelled().len() + 64);
        line.push('+');
        claim.write(number, &mut line);
        line
    }

    /// The line of one that has left.
    pub fn gone(number: u32) -> String {
        let mut line = String::from("-");
        push_number(&mut line, number);
        line
    }
}

/// Appends ` key=value` for every field that is new or has changed and ` key=` for every one that is gone.
/// Returns how many.
fn push_changed(out: &mut String, before: &Infos, after: &Infos) -> usize {
    let mut count = 0;
    for (key, value) in after.iter() {
        if before.get(key).as_ref() != Some(&value) {
            out.extend([" ", key, "="]);
            push_value(out, &value);
            count += 1;
        }
    }
    for (key, _) in before.iter() {
        if after.get(key).is_none() {
            out.extend([" ", key, "="]);
            count += 1;
        }
    }
    count
}

fn parse_mark(text: &str) -> Option<Option<Mark>> {
    match text {
        "-" => Some(None),
        text => Some(Some(Mark(parse_number(text)?))),
    }
}

fn push_number(out: &mut String, number: u32) {
    let places = number.checked_ilog(BASE).unwrap_or(0);
    for place in (0..=places).rev() {
        let digit = number / BASE.pow(place) % BASE;
        out.extend(char::from_digit(digit, BASE));
    }
}

/// The number that `text` spells in the way it is written.
fn parse_record_number(text: &str) -> Option<u32> {
    let is_digit = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    let is_canonical = text.bytes().all(is_digit) && (text == "0" || !text.starts_with('0'));
    let number = u32::from_str_radix(text, BASE).ok();
    number.filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    const RECORD: &str =
        "2s 1795539012345 9f86d081884c7d65 203.0.113.9 ip=203.0.113.9 port=23460 nbplayers=3";

    #[test]
    fn a_record_is_read_and_written_back() {
        let (number, claim) = Claim::parse(RECORD).unwrap();
        assert_eq!((number, claim.stamp), (100, 1_795_539_012_345));
        assert_eq!(claim.mark, Some(Mark(0x9f86_d081_884c_7d65)));
        assert_eq!(claim.address, "203.0.113.9:23460".parse().unwrap());
        assert!(claim.is_at_home() && !claim.is_stale());
        assert_eq!(claim.record(number), RECORD);
        let stale = "0 7 - ::1 ip=2001:db8::7 port=1 description=\"a \\\"b\\\"\" stale=yes";
        let (number, claim) = Claim::parse(stale).unwrap();
        assert!(!claim.is_at_home() && claim.is_stale());
        assert_eq!((number, claim.mark), (0, None));
        assert_eq!(claim.record(0), stale);
        // Whoever connects from an address is there, whatever the address.
        assert!(Claim::parse("0 7 - 240.0.0.1 ip=240.0.0.1 port=1").is_some());
    }

    #[test]
    fn what_no_tracker_writes_is_no_record() {
        let long = format!("0 7 - ::1 ip=::1 port=1 a={}", "v".repeat(MAX_RECORD));
        let fields: String = (0..4).fold(String::new(), |text, n| {
            format!("{text} k{n}={}", "v".repeat(255))
        });
        let full = format!("0 7 - ::1 ip=::1 port=1{fields}");
        for bad in [
            "",
            "0 7 - ::1",
            "0 7 - ::1 ip=::1",
            "0 7 - ::1 port=1",
            "0 7 - ::1  ip=::1 port=1",
            "0 7 - ::1 ip=::1 port=1 ",
            "0 7 - ::1 port=1 ip=::1",
            "0 7 - ::1 ip=::1 port=01",
            "0 7 - ::1 ip=::1 port=1 a=\"b\"",
            "0 7 - ::1 ip=::1 port=1 erase=yes",
            "0 7 - ::1 ip=::1 port=1 a=1\nb=2",
            "0 7 - ::ffff:1.2.3.4 ip=::1 port=1",
            "0 7 - ::1 ip=::ffff:1.2.3.4 port=1",
            "0 7 - ::1 ip=224.0.0.1 port=1",
            "0 7 9F86D081884C7D65 ::1 ip=::1 port=1",
            "0 7 9f ::1 ip=::1 port=1",
            "0 +7 - ::1 ip=::1 port=1",
            "0 07 - ::1 ip=::1 port=1",
            "0 18446744073709551616 - ::1 ip=::1 port=1",
            "00 7 - ::1 ip=::1 port=1",
            "A 7 - ::1 ip=::1 port=1",
            "zzzzzzz 7 - ::1 ip=::1 port=1",
            &long,
            &full,
        ] {
            assert_eq!(Claim::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_line_says_what_has_changed() {
        let (number, before) = Claim::parse(RECORD).unwrap();
        let with = |said: &str| Claim {
            infos: before.infos.with(&Changes::parse(said).unwrap()),
            ..before.clone()
        };
        let line = |after: &Claim| ChangeLine::between(number, &before, after);
        assert_eq!(line(&with("nbplayers=4")), "=2s nbplayers=4");
        assert_eq!(
            line(&with("nbplayers= map=\"old town\"")),
            "=2s map=\"old town\" nbplayers="
        );
        let later = Claim {
            stamp: 7,
            ..with("")
        };
        assert_eq!(line(&later), ChangeLine::all(number, &later));
        assert_eq!(ChangeLine::gone(number), "-2s");
        for bad in [
            "",
            "*",
            "+",
            "-",
            "=",
            "-A",
            "-1 ",
            "=1",
            "=1 ",
            "= a=1",
            "=1 a",
            "=1 ip=::1",
            "=1 port=2",
            "=1 port=",
            "=1 a=1 a=2",
        ] {
            assert_eq!(ChangeLine::parse(bad), None, "{bad}");
        }
    }

    quickcheck! {
        fn a_number_comes_back(number: u32) -> bool {
            let mut text = String::new();
            push_number(&mut text, number);
            text.len() <= 7 && parse_record_number(&text) == Some(number)
        }

        fn no_text_panics(text: String) -> bool {
            for head in ["", "+", "-", "=", "+0 7 - ::1 ", "=0 "] {
                let line = format!("{head}{text}");
                let _ = (ChangeLine::parse(&line), Claim::parse(&line));
            }
            true
        }
    }
}
