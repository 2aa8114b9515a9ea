//! Who says what when: `getinfo`, and `getstatus` after it.

use super::infos::{read_info, read_status};
use super::packet::{InfoString, PREFIX, command, question};
use super::text::text;
use crate::protocol::text::{format_number, spelled_out};
use crate::query::reply::Reply;
use crate::query::status::Status;

/// The questions to one game server and what has come of them.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Must come back.
    word: String,
    /// True if one answer is enough.
    is_probe: bool,
    /// True if `getstatus` is asked first: this game server did not answer the other.
    is_reversed: bool,
    /// What `getinfo` has brought.
    info: Option<Status>,
    /// True once anything has come back.
    is_answered: bool,
}

impl Exchange {
    pub(crate) fn new(word: u64, is_probe: bool) -> Self {
        Self {
            word: format_number(word),
            is_probe,
            is_reversed: false,
            info: None,
            is_answered: false,
        }
    }

    pub(crate) fn question(&self) -> Vec<u8> {
        match self.is_reversed {
            false => question("getinfo", &self.word),
            true => question("getstatus", &self.word),
        }
    }

    /// Begins anew. A game server that was silent is asked the other question: a few answer only one.
    pub(crate) fn again(&mut self, word: u64) {
        *self = Self {
            is_reversed: !self.is_reversed && !self.is_answered,
            ..Self::new(word, self.is_probe)
        };
    }

    pub(crate) fn known(&self) -> Option<Status> {
        self.info.clone()
    }

    pub(crate) fn receive(&mut self, datagram: &[u8]) -> Reply {
        let reply = match command(datagram) {
            Some((b"infoResponse", rest)) => self.on_info(InfoString(rest)),
            Some((b"statusResponse", rest)) => self.on_status(InfoString(rest)),
            other => self.on_other(datagram, other),
        };
        self.is_answered |= reply != Reply::Stray;
        reply
    }

    fn on_info(&mut self, info: InfoString<'_>) -> Reply {
        if let Some(reply) = self.refused(info) {
            return reply;
        }
        let mut status = Status::default();
        read_info(info, &mut status);
        if self.is_probe || self.is_reversed {
            return Reply::Status(Box::new(status));
        }
        self.info = Some(status);
        Reply::Send(question("getstatus", &self.word))
    }

    fn on_status(&mut self, info: InfoString<'_>) -> Reply {
        if let Some(reply) = self.refused(info) {
            return reply;
        }
        let mut status = self.info.clone().unwrap_or_default();
        read_status(info, &mut status);
        Reply::Status(Box::new(status))
    }

    /// What comes of an answer that does not bring the word back.
    fn refused(&self, info: InfoString<'_>) -> Option<Reply> {
        match info.get("challenge") {
            Some(word) if word == self.word.as_bytes() => None,
            // The answer to an earlier question.
            Some(_) => Some(Reply::Stray),
            None => Some(Reply::wrong(
                "a game server that does not send the challenge back, so its answer may be anybody's",
            )),
        }
    }

    fn on_other(&self, datagram: &[u8], command: Option<(&[u8], &[u8])>) -> Reply {
        if datagram.is_empty() {
            return Reply::Stray;
        }
        if datagram.starts_with(&self.question()) {
            return Reply::wrong("something that sends back whatever it is sent");
        }
        match command {
            None => Reply::wrong("something that is no game of the Quake III family"),
            Some((b"print", rest)) => {
                let text = spelled_out(&text(rest), 80);
                Reply::Wrong(format!("a game server that says '{text}'"))
            }
            Some((b"disconnect", _)) => {
                Reply::wrong("a game server that takes the question for a player who is not there")
            }
            Some(_) if is_source(datagram) => {
                Reply::wrong("a game server of the Source family (ask it as 'source')")
            }
            Some((b"n" | b"info", _)) => {
                Reply::wrong("a game server of QuakeWorld or Quake II, whose questions are others")
            }
            Some(_) => Reply::Stray,
        }
    }
}

/// True for an answer of the Source family: information, or a number that it wants back.
fn is_source(datagram: &[u8]) -> bool {
    match datagram[PREFIX.len()..] {
        [b'I', _, ..] => datagram.contains(&0),
        [b'A', _, _, _, _] => true,
        _ => false,
    }
}
