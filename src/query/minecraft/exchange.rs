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
        let length = take_number(&mut rest).ok().flatten();
        let text = length.and_then(|length| rest.get(..length as usize));
        let Some(status) = text.and_then(|text| read(&clean::decode(text))) else {
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
    let Some(&name) = rest.first() else {
        return Ok(None);
    };
    let is_known = name <= 1;
    if !is_known || length == 0 {
        return Err(stranger(received));
    }
    if length > LONGEST_PACKET {
        return Err(format!(
            "a Minecraft server whose answer is too long ({length} bytes; its own players' programs \
             take no more than {LONGEST_PACKET})"
        ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// What the npm package minecraft-protocol 1.68.0 answered, a player's name replaced.
    const STATUS: &[u8] = b"\xd1\x01\0\xce\x01{\"version\":{\"name\":\"1.20.4\",\"protocol\":765},\
        \"players\":{\"max\":12,\"online\":3,\"sample\":[{\"name\":\"somebody\",\
        \"id\":\"00000000-0000-0000-0000-000000000000\"}]},\
        \"description\":{\"text\":\"\xc2\xa7cFriday \xc2\xa7lcycles\\nand more\"}}";
    const PONG: &[u8] = b"\x09\x01\0\0\0\0\0\0\0\x2a";
    /// What it answers to the question of clients before 2013, and to that of older ones.
    const OLD: &str = "§1\x00765\x001.20.4\0§cFriday §lcycles\x003\x0012";
    const OLDEST: &str = "§cFriday §lcycles§0§12";

    fn exchange() -> Exchange {
        Exchange::new(0x2a, false)
    }

    fn kick(text: &str) -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let length = (units.len() as u16).to_be_bytes();
        let bytes = units.iter().flat_map(|unit| unit.to_be_bytes());
        [&[0xff][..], &length, &bytes.collect::<Vec<_>>()].concat()
    }

    fn fields(reply: &Reply) -> String {
        match reply {
            Reply::Status(status) => status.clone().fields().map(|(_, value)| value).join("|"),
            other => panic!("{other:?}"),
        }
    }

    /// The last reply to bytes that come one by one.
    fn trickle(exchange: &mut Exchange, bytes: &[u8]) -> Reply {
        let (last, before) = bytes.split_last().unwrap();
        for byte in before {
            assert_eq!(exchange.receive(&[*byte]), Reply::Part);
        }
        exchange.receive(&[*last])
    }

    #[test]
    fn the_question_says_whom_it_is_for() {
        let mut exchange = exchange();
        exchange.set_place("example.org", 25565);
        let question = b"\x15\0\xff\xff\xff\xff\x0f\x0bexample.org\x63\xdd\x01\x01\0";
        assert_eq!(exchange.question(), question);
    }

    #[test]
    fn a_status_and_a_pong_make_an_answer() {
        let all = "3|12|1.20.4|Friday cycles and more|minecraft||||765";
        let mut exchange = exchange();
        let ping = b"\x09\x01\0\0\0\0\0\0\0\x2a".to_vec();
        assert_eq!(trickle(&mut exchange, STATUS), Reply::Send(ping));
        let known = exchange.known();
        let whole = trickle(&mut exchange, PONG);
        assert_eq!(fields(&whole), all);
        assert_eq!(known.map(Box::new).map(Reply::Status), Some(whole));
        let mut probe = Exchange::new(1, true);
        assert_eq!(fields(&trickle(&mut probe, STATUS)), all);
    }

    #[test]
    fn another_pong_is_refused() {
        let mut exchange = exchange();
        exchange.receive(STATUS);
        let other = [&PONG[..9], &[0x2b]].concat();
        assert!(matches!(exchange.receive(&other), Reply::Wrong(_)));
    }

    #[test]
    fn servers_from_before_2013_are_recognised() {
        let read = "3|12|1.20.4|Friday cycles|minecraft||||765";
        assert_eq!(fields(&trickle(&mut exchange(), &kick(OLD))), read);
        let Reply::Wrong(who) = exchange().receive(&kick(OLDEST)) else {
            panic!()
        };
        assert!(
            who.contains("before 2013") && who.contains("'Friday cycles"),
            "{who}"
        );
    }

    #[test]
    fn it_is_said_who_else_answers() {
        for (bytes, part) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "a web server"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"),
            (
                b"220 mail.example.org ESMTP\r\n",
                "'220 mail.example.org ESMTP\\u{d}\\u{a}'",
            ),
            (b"\xff\xff\xff\xff\xff\xff", "something"),
            (b"\x03\0\x01{", "no JSON object"),
            (b"\x04\0\x02[]", "no JSON object"),
            (b"\x04\0\x07{}", "no JSON object"),
            // Eight megabytes would follow.
            (b"\xff\xff\xff\x03\0", "too long (8388607 bytes"),
            (b"\xff\xff\xff\x03H", "something"),
        ] {
            let Reply::Wrong(who) = exchange().receive(bytes) else {
                panic!("{bytes:?}")
            };
            assert!(who.contains(part), "{who}");
        }
    }

    quickcheck! {
        fn nothing_panics(chunks: Vec<Vec<u8>>) -> bool {
            let mut exchange = exchange();
            chunks.iter().all(|chunk| exchange.receive(chunk) != Reply::Stray)
        }
    }
}
