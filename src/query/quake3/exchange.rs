//! Who says what when: `getinfo`, and `getstatus` after it.

use super::infos::{is_all, read_info, read_status};
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

    /// Begins anew. A game server that was silent is asked the other question, unless that costs too much.
    pub(crate) fn again(&mut self, word: u64) {
        *self = Self {
            is_reversed: !self.is_probe && !self.is_reversed && !self.is_answered,
            ..Self::new(word, self.is_probe)
        };
    }

    /// True if this game server answers `getinfo`, as far as is known.
    pub(crate) fn answers_probes(&self) -> bool {
        !self.is_reversed
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
        if self.is_probe || self.is_reversed || is_all(info) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// What OpenArena 0.8.8 answered with two bots.
    const INFO: &[u8] = b"\xff\xff\xff\xffinfoResponse\n\\voip\\opus\\g_needpass\\0\\pure\\1\
        \\gametype\\0\\sv_maxclients\\8\\g_humanplayers\\0\\clients\\2\\mapname\\oa_dm1\
        \\hostname\\^1Friday ^7cycles\\protocol\\71\\gamename\\Quake3Arena\
        \\challenge\\000000000000002a";
    const STATUS: &[u8] = b"\xff\xff\xff\xffstatusResponse\n\\challenge\\000000000000002a\
        \\com_protocol\\71\\sv_hostname\\^1Friday ^7cycles\\sv_privateClients\\2\\g_needpass\\0\
        \\sv_maxclients\\10\\version\\ioq3 1.36+u20221123.70d07d9+dfsg-1/Debian linux-x86_64 Jan  8 2023\
        \\com_gamename\\Quake3Arena\\g_gametype\\0\\mapname\\oa_dm1\\gamename\\baseoa\n\
        0 0 \"Sarge\"\n0 0 \"Grunt\"\n";
    /// What Nexuiz 2.5.2 on DarkPlaces answered.
    const NEXUIZ: &[u8] = b"\xff\xff\xff\xffinfoResponse\n\\gamename\\Nexuiz\\modname\\data\
        \\gameversion\\20000\\sv_maxclients\\8\\clients\\2\\bots\\2\\mapname\\eggandbacon\
        \\hostname\\^1Friday ^xf80cycles\\protocol\\3\\qcstatus\\dm:2.5.2::score!!\
        \\challenge\\000000000000002a";

    fn exchange() -> Exchange {
        Exchange::new(0x2a, false)
    }

    fn status(reply: Reply) -> Status {
        match reply {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    fn who(reply: Reply) -> String {
        match reply {
            Reply::Wrong(who) => who,
            other => panic!("{other:?}"),
        }
    }

    fn fields(status: &Status) -> [String; 9] {
        status.fields().map(|(_, value)| value)
    }

    #[test]
    fn two_questions_bring_all() {
        let mut exchange = exchange();
        let second = Reply::Send(question("getstatus", "000000000000002a"));
        assert_eq!(exchange.receive(INFO), second);
        let part = exchange.known().unwrap();
        let known = status(exchange.receive(STATUS));
        assert_eq!(
            fields(&known).join("|"),
            "0|8|ioq3 1.36+u20221123.70d07d9+dfsg-1/Debian|Friday cycles|Quake3Arena|oa_dm1|0||71"
        );
        assert_eq!(known.bots, Some(2));
        assert_eq!(
            part,
            Status {
                version: None,
                ..known
            }
        );
    }

    #[test]
    fn one_answer_is_enough_for_a_probe_and_from_darkplaces() {
        let probe = status(Exchange::new(0x2a, true).receive(INFO));
        assert_eq!((probe.players, probe.most), (Some(0), Some(8)));
        let nexuiz = status(exchange().receive(NEXUIZ));
        let known = fields(&nexuiz).join("|");
        assert_eq!(known, "0|8|2.5.2|Friday cycles|Nexuiz|eggandbacon|dm||3");
        assert_eq!(nexuiz.bots, Some(2));
    }

    #[test]
    fn who_is_silent_is_asked_the_other_question() {
        let mut exchange = exchange();
        let questions = [1, 0x2a].map(|word| {
            exchange.again(word);
            exchange.question()
        });
        assert_eq!(questions[0], question("getstatus", "0000000000000001"));
        assert_eq!(questions[1], question("getinfo", "000000000000002a"));
        assert!(exchange.answers_probes());
        exchange.again(0x2a);
        let known = fields(&status(exchange.receive(STATUS)));
        assert!(!exchange.answers_probes());
        let same =
            "0|8|ioq3 1.36+u20221123.70d07d9+dfsg-1/Debian|Friday cycles|Quake3Arena|oa_dm1|0||71";
        assert_eq!(known.join("|"), same);
        exchange.again(3);
        assert_eq!(exchange.question(), question("getinfo", "0000000000000003"));
        let mut probe = Exchange::new(1, true);
        probe.again(2);
        assert_eq!(probe.question(), question("getinfo", "0000000000000002"));
    }

    #[test]
    fn people_are_counted_by_their_pings_where_nothing_else_tells() {
        let lines = "5 48 \"a\"\n0 999 \"connecting\"\n12 0 \"bot\"\n";
        for (keys, people, bots) in [
            ("", 2, 1),
            ("\\clients\\3", 2, 1),
            // Two lines had no room.
            ("\\clients\\5", 4, 1),
            ("\\clients\\5\\bots\\2", 3, 2),
        ] {
            let answer = format!("\\challenge\\x{keys}\n{lines}");
            let mut status = Status::default();
            read_status(InfoString(answer.as_bytes()), &mut status);
            assert_eq!(
                (status.players, status.bots),
                (Some(people), Some(bots)),
                "{keys}"
            );
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for (keys, people, most) in [
            ("\\clients\\-1\\sv_maxclients\\0", None, None),
            ("\\clients\\65536\\sv_maxclients\\99999", None, None),
            ("\\clients\\2.5\\sv_maxclients\\", None, None),
            ("\\clients\\2\\bots\\3", Some(2), None),
            ("\\clients\\2\\bots\\1\\daemonver\\0.55", Some(2), None),
            (
                "\\clients\\2\\g_humanplayers\\x\\sv_maxclients\\ 8",
                Some(2),
                Some(8),
            ),
        ] {
            let mut status = Status::default();
            read_info(InfoString(keys.as_bytes()), &mut status);
            assert_eq!((status.players, status.most), (people, most), "{keys}");
        }
    }

    #[test]
    fn only_who_has_the_word_is_believed() {
        let other = exchange().receive(&INFO[..INFO.len() - 1]);
        assert_eq!(other, Reply::Stray);
        let end = INFO.len() - "\\challenge\\000000000000002a".len();
        let none = who(exchange().receive(&INFO[..end]));
        assert!(none.contains("challenge"), "{none}");
    }

    #[test]
    fn it_is_said_who_else_answers() {
        for (answer, part) in [
            (
                &b"\xff\xff\xff\xffgetinfo 000000000000002a"[..],
                "sends back",
            ),
            (b"HTTP/1.1 400 Bad Request\r\n", "no game"),
            (
                b"\xff\xff\xff\xffprint\nServer is ^1for locals only.\n",
                "'Server is for locals only.'",
            ),
            (b"\xff\xff\xff\xffdisconnect", "player"),
            (b"\xff\xff\xff\xffA\x01\x02\x03\x04", "'source'"),
            (b"\xff\xff\xff\xffI\x11name\0map\0", "'source'"),
            (b"\xff\xff\xff\xffn\\hostname\\x", "QuakeWorld"),
        ] {
            let who = who(exchange().receive(answer));
            assert!(who.contains(part), "{who}");
        }
        for stray in [
            &b""[..],
            b"\xff\xff\xff\xffgetserversResponse",
            b"\xff\xff\xff\xff",
        ] {
            assert_eq!(exchange().receive(stray), Reply::Stray);
        }
    }

    quickcheck! {
        fn nobody_is_believed_without_the_word(datagrams: Vec<Vec<u8>>) -> bool {
            let mut exchange = exchange();
            datagrams.iter().all(|rest| {
                ["infoResponse\n\\", "statusResponse\n\\"].iter().all(|start| {
                    let reply = exchange.receive(&[&PREFIX, start.as_bytes(), rest].concat());
                    matches!(reply, Reply::Stray | Reply::Wrong(_))
                })
            })
        }
    }
}
