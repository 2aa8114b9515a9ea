//! One question, from its first byte to its answer. Pure.

use super::kind::Kind;
use super::quake3::{self, InfoString};
use super::status::Status;
use crate::protocol::text::format_number;

/// What comes of something that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It does not belong to the question.
    Stray,
    /// It is a part of the answer, and more will come.
    Part,
    /// The game server wants this first.
    Send(Vec<u8>),
    /// The answer.
    Status(Box<Status>),
    /// Somebody answers, but not as a game server of this kind does: who that is, for a person.
    Wrong(String),
}

/// A question that was asked.
///
/// What is received is a datagram, which must come from where the question went; or, where the kind
/// travels by TCP, the next bytes of the connection.
#[derive(Debug)]
pub struct Asking {
    kind: Kind,
    /// What must come back, where the protocol has that.
    word: String,
    /// True if the cheapest question that tells of players is enough.
    is_probe: bool,
    status: Status,
}

impl Asking {
    /// A question for all that a game server says. `word` is a number that nobody can guess.
    pub fn all(kind: Kind, word: u64) -> Self {
        Self {
            kind,
            word: format_number(word),
            is_probe: false,
            status: Status::default(),
        }
    }

    /// The cheapest question whose answer tells how many players there are, to measure a ping.
    pub fn probe(kind: Kind, word: u64) -> Self {
        Self {
            is_probe: true,
            ..Self::all(kind, word)
        }
    }

    /// What is sent first.
    pub fn question(&self) -> Vec<u8> {
        match self.kind {
            Kind::Quake3 => quake3::question("getinfo", &self.word),
        }
    }

    /// Takes what was received.
    pub fn receive(&mut self, bytes: &[u8]) -> Reply {
        match self.kind {
            Kind::Quake3 => self.receive_quake3(bytes),
        }
    }

    fn receive_quake3(&mut self, datagram: &[u8]) -> Reply {
        let Some((name, rest)) = quake3::command(datagram) else {
            return Reply::Stray;
        };
        let info = InfoString(rest);
        if info.get("challenge") != Some(self.word.as_bytes()) {
            return Reply::Stray;
        }
        match name {
            b"infoResponse" => {
                quake3::read_info(info, &mut self.status);
                if !self.is_probe {
                    return Reply::Send(quake3::question("getstatus", &self.word));
                }
            }
            b"statusResponse" => self.status.version = info.get("version").map(quake3::text),
            _ => return Reply::Stray,
        }
        Reply::Status(Box::new(self.status.clone()))
    }
}
