//! Who says what when: the question, perhaps a number that must come back, the answer.

use super::info::{read, read_old};
use super::parts::{Parts, SPLIT, WHOLE};
use crate::query::reply::Reply;
use crate::query::status::Status;

/// The question. The number that the game server wants back follows it.
const QUESTION: &[u8] = b"\xff\xff\xff\xffTSource Engine Query\0";

/// Numbers that are sent back for one answer: one that was kept may have grown old.
const MOST_NUMBERS: u8 = 2;

/// The questions to one game server and what has come of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exchange {
    /// What it wants back.
    number: Option<[u8; 4]>,
    numbers: u8,
    parts: Parts,
}

impl Exchange {
    pub(crate) fn question(&self) -> Vec<u8> {
        let number = self.number.as_ref().map_or(&[][..], |number| number);
        [QUESTION, number].concat()
    }

    /// Begins anew with the number that is known.
    pub(crate) fn again(&mut self) {
        *self = Self {
            number: self.number,
            ..Self::default()
        };
    }

    pub(crate) fn receive(&mut self, datagram: &[u8]) -> Reply {
        if datagram.is_empty() {
            return Reply::Stray;
        }
        if datagram.starts_with(&SPLIT) {
            return match self.parts.take(datagram) {
                Ok(Some(whole)) => self.receive_whole(&whole),
                Ok(None) => Reply::Part,
                Err(who) => Reply::wrong(who),
            };
        }
        self.receive_whole(datagram)
    }

    fn receive_whole(&mut self, answer: &[u8]) -> Reply {
        let Some((&kind, rest)) = answer.strip_prefix(&WHOLE).and_then(<[u8]>::split_first) else {
            return Reply::wrong("something that is no game of the Source family");
        };
        match kind {
            _ if answer.starts_with(QUESTION) => {
                Reply::wrong("something that sends back whatever it is sent")
            }
            b'A' => match rest.first_chunk() {
                Some(number) => self.on_number(*number),
                None => answer_of(None),
            },
            b'I' => answer_of(read(rest)),
            b'm' => answer_of(read_old(rest)),
            // Answers to other questions: players and rules.
            b'D' | b'E' => Reply::Stray,
            _ if rest.starts_with(b"nfoResponse") || rest.starts_with(b"tatusResponse") => {
                Reply::wrong("a game server of the Quake III family (ask it as 'quake3')")
            }
            _ => Reply::wrong("something that does not know the question of the Source family"),
        }
    }

    fn on_number(&mut self, number: [u8; 4]) -> Reply {
        self.numbers += 1;
        if self.numbers > MOST_NUMBERS {
            self.numbers = MOST_NUMBERS;
            return Reply::wrong("a game server that takes no number it has sent");
        }
        self.number = Some(number);
        Reply::Send(self.question())
    }
}

fn answer_of(status: Option<Status>) -> Reply {
    match status {
        Some(status) => Reply::Status(Box::new(status)),
        None => Reply::wrong("a game server of the Source family whose answer breaks off"),
    }
}
