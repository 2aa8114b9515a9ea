//! Who says what when: a status request, and a ping after its answer.

use super::answer::{read, read_old};
use super::packet::{LONGEST_PACKET, handshake, ping, status_request, take_number};
use crate::protocol::text::spelled_out;
use crate::query::clean;
use crate::query::reply::Reply;
use crate::query::status::Status;

/// What a kick of an old server begins with. No length of a packet does.
const OLD_KICK: [u8; 2] = [0xff, 0];

/// The questions to one game server and what has come of them.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    host: String,
    port: u16,
    /// Must come back.
    word: u64,
    /// True if the status is enough.
    is_probe: bool,
    /// What has come of a packet that is not whole.
    received: Vec<u8>,
    status: Option<Status>,
}

impl Exchange {
    pub(crate) fn new(word: u64, is_probe: bool) -> Self {
        Self {
            host: String::new(),
            port: 0,
            word,
            is_probe,
            received: Vec::new(),
            status: None,
        }
    }

    pub(crate) fn set_place(&mut self, host: &str, port: u16) {
        (self.host, self.port) = (host.to_owned(), port);
    }

    pub(crate) fn question(&self) -> Vec<u8> {
        [handshake(&self.host, self.port), status_request()].concat()
    }

    /// Begins anew, on another connection.
    pub(crate) fn again(&mut self, word: u64) {
        self.word = word;
        self.received.clear();
        self.status = None;
    }

    pub(crate) fn known(&self) -> Option<Status> {
        self.status.clone()
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Reply {
        self.received.extend_from_slice(bytes);
        if self.received.starts_with(&OLD_KICK) {
            return on_old_kick(&self.received);
        }
        match take_packet(&mut self.received) {
            Err(who) => Reply::Wrong(who),
            Ok(None) => Reply::Part,
            Ok(Some(body)) => self.on_packet(&body),
        }
    }

    fn on_packet(&mut self, body: &[u8]) -> Reply {
        match (&self.status, body.split_first()) {
            (None, Some((0, rest))) => self.on_status(rest),
            (Some(status), Some((1, pong))) if pong == self.word.to_be_bytes() => {
                Reply::Status(Box::new(status.clone()))
            }
            _ => Reply::wrong("something like a Minecraft server, but its answers are others"),
        }
    }

    fn on_status(&mut self, mut rest: &[u8]) -> Reply {
        // The length of the text, which is the rest.
        let length = take_number(&mut rest).ok().flatten();
        let is_whole = length.is_some_and(|length| length as usize == rest.len());
        let text = clean::decode(rest);
        let Some(status) = Some(text).filter(|_| is_whole).and_then(|text| read(&text)) else {
            return Reply::wrong(
                "something like a Minecraft server, but its answer is no JSON object",
            );
        };
        if self.is_probe {
            return Reply::Status(Box::new(status));
        }
        self.status = Some(status);
        Reply::Send(ping(self.word))
    }
}

/// Takes a packet off the front of `received`, without its length; `Ok(None)` if it is not whole.
///
/// # Errors
/// Who speaks instead.
fn take_packet(received: &mut Vec<u8>) -> Result<Option<Vec<u8>>, String> {
    let mut rest = &received[..];
    let Some(length) = take_number(&mut rest).map_err(|()| stranger(received))? else {
        return Ok(None);
    };
    let length = length as usize;
    // A status or a pong.
    let is_known = rest.first().is_none_or(|&name| name <= 1);
    if !is_known || length == 0 || length > LONGEST_PACKET {
        return Err(stranger(received));
    }
    let Some((body, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let (body, rest) = (body.to_vec(), rest.to_vec());
    *received = rest;
    Ok(Some(body))
}

/// Who speaks, by what it says first.
fn stranger(received: &[u8]) -> String {
    let says = |what: &str| received.starts_with(what.as_bytes());
    match () {
        () if says("HTTP/") => "a web server".to_owned(),
        () if says("SSH-") => "an SSH server".to_owned(),
        () => {
            let start = &received[..received.len().min(40)];
            format!(
                "something that says '{}'",
                spelled_out(&clean::decode(start), 40)
            )
        }
    }
}

/// A text in UTF-16 with its length before it.
fn on_old_kick(received: &[u8]) -> Reply {
    let Some((length, rest)) = received[1..].split_first_chunk() else {
        return Reply::Part;
    };
    let length = 2 * usize::from(u16::from_be_bytes(*length));
    let Some((says, _)) = rest.split_at_checked(length) else {
        return Reply::Part;
    };
    let units = says
        .as_chunks()
        .0
        .iter()
        .map(|unit| u16::from_be_bytes(*unit));
    let says: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    match read_old(&says) {
        Ok(status) => Reply::Status(Box::new(status)),
        Err(says) => Reply::Wrong(format!(
            "a Minecraft server from before 2013, which does not know the question and says '{says}'"
        )),
    }
}
