//! What is sent in a datagram, and which probe a datagram answers. Pure.
//!
//! This file hides what tells two answers of the same game server apart.

use super::target::Target;
use crate::protocol::text::{format_number, parse_number};
use crate::query::{Asking, Kind, Reply, Status};
use std::collections::HashMap;
use std::net::SocketAddr;

/// An answer to the probe with this word, and what it says.
pub(super) type Answer = (u64, Option<Box<Status>>);

/// The questions that were sent to game servers of existing games.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// All that went to the same target while it is being measured, with their words.
    sent: HashMap<Target, Vec<(u64, Asking)>>,
}

impl Questions {
    /// The datagram that asks `target` with this word.
    pub(super) fn datagram(&mut self, target: Target, word: u64) -> Vec<u8> {
        let Some(kind) = target.kind else {
            return format!("PING {}", format_number(word)).into_bytes();
        };
        let sent = self.sent.entry(target).or_default();
        // The one before knows what the game server wants to be told.
        let asking = match sent.last() {
            None => Asking::probe(kind, word),
            Some((_, before)) => {
                let mut again = before.clone();
                again.again(word);
                again
            }
        };
        let question = asking.question();
        sent.push((word, asking));
        question
    }

    /// Which probe a datagram from this address answers, if any.
    ///
    /// `PONG` counts from wherever it comes: a host with several addresses may answer from another, and
    /// who was not asked does not know the word. The answers of games count from the address that was asked,
    /// since not all of them have a word.
    pub(super) fn hear(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<Answer> {
        if let Some(word) = ponged(datagram) {
            return Some((word, None));
        }
        Kind::ALL.into_iter().find_map(|kind| {
            let target = Target {
                address: from,
                kind: Some(kind),
            };
            let sent = self.sent.get_mut(&target)?;
            sent.iter_mut()
                .rev()
                .find_map(|(word, asking)| match asking.receive(datagram) {
                    Reply::Status(status) => Some((*word, Some(status))),
                    // It has told what it wants to be told. That took as long as an answer.
                    Reply::Send(_) => Some((*word, None)),
                    Reply::Stray | Reply::Part | Reply::Wrong(_) => None,
                })
        })
    }

    /// `target` is not being measured any more.
    pub(super) fn forget(&mut self, target: &Target) {
        self.sent.remove(target);
    }
}

/// The word of a `PONG <word>` that may be one of ours.
fn ponged(datagram: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(datagram).ok()?;
    parse_number(text.trim_end_matches(['\r', '\n']).strip_prefix("PONG ")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(kind: Option<Kind>) -> Target {
        Target {
            address: "192.0.2.1:27960".parse().unwrap(),
            kind,
        }
    }

    #[test]
    fn only_a_pong_with_a_number_is_an_answer() {
        let number = 0x5f1c_9a3e_77b0_4d21;
        let word = Some(number);
        for (datagram, is) in [
            (&b"PONG 5f1c9a3e77b04d21"[..], word),
            (b"PONG 5f1c9a3e77b04d21\r\n", word),
            (b"PING 5f1c9a3e77b04d21", None),
            (b"PONG 5f1c9a3e77b04d21 ", None),
            (b"PONG", None),
            (b"\xff", None),
            (b"", None),
        ] {
            let heard = Questions::default().hear(target(None).address, datagram);
            assert_eq!(heard.map(|(word, _)| word), is);
        }
        let asked = Questions::default().datagram(target(None), number);
        assert_eq!(asked, b"PING 5f1c9a3e77b04d21");
    }

    #[test]
    fn a_word_tells_the_answers_of_a_game_server_apart() {
        let target = target(Some(Kind::Quake3));
        let mut questions = Questions::default();
        for word in [7, 8] {
            let asked = questions.datagram(target, word);
            assert!(asked.ends_with(format_number(word).as_bytes()));
        }
        let answer = |word| {
            let text = "infoResponse\n\\clients\\3\\sv_maxclients\\8\\challenge\\";
            [&[0xff; 4], text.as_bytes(), format_number(word).as_bytes()].concat()
        };
        for word in [7, 8] {
            let (heard, status) = questions.hear(target.address, &answer(word)).unwrap();
            assert_eq!(heard, word);
            assert_eq!(status.unwrap().players, Some(3));
        }
        assert!(questions.hear(target.address, &answer(9)).is_none());
        let elsewhere = "192.0.2.2:27960".parse().unwrap();
        assert!(questions.hear(elsewhere, &answer(7)).is_none());
        questions.forget(&target);
        assert!(questions.hear(target.address, &answer(8)).is_none());
        assert!(questions.sent.is_empty());
    }

    #[test]
    fn what_a_game_server_wants_to_be_told_first_is_an_answer_and_then_known() {
        let target = target(Some(Kind::Source));
        let mut questions = Questions::default();
        let first = questions.datagram(target, 1);
        let wants = [&[0xff; 4][..], b"A1234"].concat();
        assert_eq!(questions.hear(target.address, &wants), Some((1, None)));
        let told = [&first[..], b"1234"].concat();
        let info = b"\xff\xff\xff\xffI\x11Name\0map\0folder\0Game\0\x00\x00\x05\x10\x02dl\x00\x00"
            as &[u8];
        let info = [info, b"1.0\0"].concat();
        for word in 2..=5 {
            assert_eq!(questions.datagram(target, word), told);
            let (heard, status) = questions.hear(target.address, &info).unwrap();
            assert_eq!(heard, word);
            assert_eq!(status.unwrap().players, Some(3));
        }
    }
}
