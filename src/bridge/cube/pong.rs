//! How a game server of the Cube family is asked by UDP, and what it answers. Pure.
//!
//! This file hides how numbers are packed, and which of them says what.

use super::dialect::Dialect;
use super::text;
use crate::query::Status;

/// A question: an integer that nobody can guess, as players ask it too. It comes back at the beginning of
/// the answer, which shows that whoever answers was reached by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question([u8; 5]);

impl Question {
    /// The question with this random number. 0 stands for other questions, so it is none.
    pub fn new(number: u32) -> Self {
        let [a, b, c, d] = number.max(1).to_le_bytes();
        Self([LONG, a, b, c, d])
    }

    /// What is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a datagram says behind the question; `None` if it is no answer to it.
    pub fn answer<'a>(&self, datagram: &'a [u8]) -> Option<&'a [u8]> {
        datagram.strip_prefix(&self.0)
    }
}

/// Before an integer of four bytes, the lowest first.
const LONG: u8 = 0x81;

/// The most numbers that an answer may announce.
const MAX_NUMBERS: i32 = 64;

/// What Cube 2 calls its modes, from 0.
const MODES: [&str; 23] = [
    "ffa",
    "coop-edit",
    "teamplay",
    "instagib",
    "insta-team",
    "efficiency",
    "effic-team",
    "tactics",
    "tac-team",
    "capture",
    "regen-capture",
    "ctf",
    "insta-ctf",
    "protect",
    "insta-protect",
    "hold",
    "insta-hold",
    "effic-ctf",
    "effic-protect",
    "effic-hold",
    "collect",
    "insta-collect",
    "effic-collect",
];

/// The state of a game that is joined with a password.
const WITH_PASSWORD: i32 = 4;

/// Reads what stands in an answer behind the question; `None` if it is something else.
///
/// ```
/// use gltracker::bridge::cube::{dialect::Dialect, pong};
/// let answer = b"\x03\x05\x80\x04\x01\x00\x00\x05\x00turbine\x00Friday \x0c3cubes\x00";
/// let status = pong::read(Dialect::Cube2, answer).unwrap();
/// assert_eq!((status.players, status.most), (Some(3), Some(5)));
/// assert_eq!(status.name.as_deref(), Some("Friday cubes"));
/// ```
pub fn read(dialect: Dialect, answer: &[u8]) -> Option<Status> {
    let mut numbers = Numbers(answer);
    match dialect {
        Dialect::Cube2 => numbers.listed([0, 1, 3, 4]),
        Dialect::RedEclipse => numbers.listed([0, 1, 4, 5]),
        Dialect::AssaultCube => numbers.assault_cube(),
    }
    .map(|mut status| {
        if dialect == Dialect::Cube2 {
            let mode = status.mode.as_deref().and_then(|mode| mode.parse().ok());
            let word = mode.and_then(|mode: usize| MODES.get(mode));
            status.mode = word.map(|&word| word.to_owned()).or(status.mode);
        }
        status
    })
}

/// Numbers, one behind the other: each takes one, three or five bytes. Text is a number for each
/// character, ended by 0.
#[derive(Debug)]
struct Numbers<'a>(&'a [u8]);

impl Iterator for Numbers<'_> {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        let number;
        (number, self.0) = match self.0 {
            [0x80, a, b, rest @ ..] => (i16::from_le_bytes([*a, *b]).into(), rest),
            [LONG, a, b, c, d, rest @ ..] => (i32::from_le_bytes([*a, *b, *c, *d]), rest),
            [0x80 | LONG, ..] | [] => return None,
            [byte, rest @ ..] => (byte.cast_signed().into(), rest),
        };
        Some(number)
    }
}

impl Numbers<'_> {
    fn text(&mut self) -> Option<String> {
        // The lowest byte of a number is the character.
        let bytes: Vec<u8> = self
            .by_ref()
            .take_while(|&number| number != 0)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        Some(text::plain(&bytes)).filter(|text| !text.is_empty())
    }

    /// Players, so many numbers, then map and name. `places` are those of protocol, mode, most
    /// players and state.
    fn listed(&mut self, places: [usize; 4]) -> Option<Status> {
        let players = self.next()?;
        let count = self
            .next()
            .filter(|count| (0..=MAX_NUMBERS).contains(count))?;
        let numbers: Vec<i32> = (0..count).map_while(|_| self.next()).collect();
        let [protocol, mode, most, state] = places.map(|place| numbers.get(place).copied());
        Some(Status {
            players: players.try_into().ok(),
            most: most.and_then(|most| most.try_into().ok()),
            map: self.text(),
            name: self.text(),
            mode: mode.map(|mode| mode.to_string()),
            protocol: protocol.map(|protocol| protocol.to_string()),
            needs_password: state.map(|state| state == WITH_PASSWORD),
            ..Status::default()
        })
    }

    fn assault_cube(&mut self) -> Option<Status> {
        let (protocol, mode, players) = (self.next()?, self.next()?, self.next()?);
        let _minutes_left = self.next()?;
        let (map, name) = (self.text(), self.text());
        let (most, flags) = (self.next(), self.next());
        Some(Status {
            players: players.try_into().ok(),
            most: most.and_then(|most| most.try_into().ok()),
            map,
            name,
            mode: Some(mode.to_string()),
            protocol: Some(protocol.to_string()),
            needs_password: flags.map(|flags| flags & 1 != 0),
            ..Status::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn shown(dialect: Dialect, answer: &[u8]) -> String {
        let status = read(dialect, answer).expect("it is an answer");
        let fields = status.fields().map(|(key, value)| format!("{key}={value}"));
        fields.join(" ")
    }

    /// Captured from cube2-server 0.0.20201227 of Debian 12.
    #[test]
    fn a_server_of_cube_2_is_understood() {
        let answer = b"\x00\x05\x80\x04\x01\x00\x00\x05\x00\x00Friday \x0c3cubes\x00";
        assert_eq!(
            shown(Dialect::Cube2, answer),
            "nbplayers=0 maxplayers=5 version= description=Friday cubes game= map= mode=ffa password= \
             protocol=260"
        );
        // Its two letters that are no single byte.
        let answer = b"\x00\x00\x00\x80\x80\xff\x80\x81\xff\x00";
        let status = read(Dialect::Cube2, answer).unwrap();
        assert_eq!(status.name.as_deref(), Some("Ýß"));
    }

    /// Captured from redeclipse-server 1.6.0 of Debian 12.
    #[test]
    fn a_server_of_red_eclipse_is_understood() {
        let answer =
            b"\x00\x0f\x80\xe6\x00\x05\x80\x00\x01\x80\x58\x02\x20\x00\x80\x86\x13\x00\x01\
                       \x06\x00\x02\x40\x00\x00darkness\x00Eclipse\x00\x00\x00";
        assert_eq!(
            shown(Dialect::RedEclipse, answer),
            "nbplayers=0 maxplayers=32 version= description=Eclipse game= map=darkness mode=5 \
             password= protocol=230"
        );
    }

    #[test]
    fn a_server_of_assault_cube_is_understood() {
        let answer = b"\x80\xb2\x04\x05\x02\x09ac_desert\x00\x0c3Desert\x00\x10\x01";
        assert_eq!(
            shown(Dialect::AssaultCube, answer),
            "nbplayers=2 maxplayers=16 version= description=Desert game= map=ac_desert mode=5 \
             password=yes protocol=1202"
        );
    }

    #[test]
    fn what_makes_no_sense_is_not_said() {
        let answer = b"\xff\x05\x00\x00\x00\xfe\x04";
        assert_eq!(
            shown(Dialect::Cube2, answer),
            "nbplayers= maxplayers= version= description= game= map= mode=ffa password=yes protocol=0"
        );
        for bad in [&b""[..], b"\x00", b"\x00\xff", b"\x00\x81\x01"] {
            assert_eq!(read(Dialect::Cube2, bad), None, "{bad:?}");
        }
    }

    /// Captured from cube2-server 0.0.20201227 of Debian 12.
    #[test]
    fn an_answer_begins_with_the_question() {
        let question = Question::new(0x1234_5678);
        assert_eq!(question.bytes(), b"\x81\x78\x56\x34\x12");
        let answer = b"\x81\x78\x56\x34\x12\x00\x05\x80\x04\x01\x00\x00\x08\x00\x00x\x00";
        assert_eq!(question.answer(answer), Some(&answer[5..]));
        for other in [b"".as_slice(), b"\x01\x00", &answer[..4], &answer[1..]] {
            assert_eq!(question.answer(other), None);
        }
        assert_eq!(Question::new(7).answer(answer), None);
        assert_eq!(Question::new(0), Question::new(1));
    }

    quickcheck! {
        fn no_datagram_panics(answer: Vec<u8>) -> bool {
            Dialect::ALL.iter().all(|&dialect| {
                read(dialect, &answer).is_none_or(|status| !status.fields().is_empty())
            })
        }
    }
}
