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

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// An answer with everything that may follow the version.
    const FULL: &[u8] = b"\xff\xff\xff\xffI\x11Friday \xc3\xa4\x01cycles\0oasis\0csgo\0Counter-Strike\0\
        \xda\x02\x05\x0c\x02dl\x01\x011.38.8.1\0\xf1\x89\x69\0\0\0\0\0\0\0\0\x8a\x69TV\0friday,mp500,cp321\0\
        \xda\x02\0\0\0\0\0\0";

    /// An answer from before 2008, of a mod.
    const OLD: &[u8] =
        b"\xff\xff\xff\xffm192.0.2.7:27015\0Friday cycles\0oasis\0cstrike\0Counter-Strike\0\
        \x05\x0c\x2fdl\x01\x01http://example.org\0\0\0\x01\0\0\0\x02\0\0\0\0\x01\x01\x02";

    fn receive(datagram: &[u8]) -> Reply {
        Exchange::default().receive(datagram)
    }

    fn fields(reply: Reply) -> String {
        match reply {
            Reply::Status(status) => status.fields().map(|(_, value)| value).join("|"),
            other => panic!("{other:?}"),
        }
    }

    /// Both forms of parts of `answer`, each with its first part first.
    fn parts(answer: &[u8], at: usize) -> [[Vec<u8>; 2]; 2] {
        let (first, second) = answer.split_at(at.min(answer.len()));
        let part = |head: &[u8], rest: &[u8]| [&SPLIT, &[7, 0, 0, 0], head, rest].concat();
        [
            [
                part(&[2, 0, 0xe0, 4], first),
                part(&[2, 1, 0xe0, 4], second),
            ],
            [part(&[0x02], first), part(&[0x12], second)],
        ]
    }

    #[test]
    fn the_number_is_sent_back_and_kept() {
        let mut exchange = Exchange::default();
        assert_eq!(exchange.question(), QUESTION);
        let asked = [QUESTION, &[1, 2, 3, 4]].concat();
        let number = b"\xff\xff\xff\xffA\x01\x02\x03\x04";
        assert_eq!(exchange.receive(number), Reply::Send(asked.clone()));
        exchange.again();
        assert_eq!(exchange.question(), asked);
        // It has grown old; but nobody is played with for long.
        assert_eq!(exchange.receive(number), Reply::Send(asked.clone()));
        assert_eq!(exchange.receive(number), Reply::Send(asked));
        assert!(matches!(exchange.receive(number), Reply::Wrong(_)));
    }

    #[test]
    fn an_answer_becomes_a_status() {
        let all = "3|12|1.38.8.1|Friday \u{e4}cycles|csgo|oasis||yes|17";
        assert_eq!(fields(receive(FULL)), all);
        let Reply::Status(status) = receive(FULL) else {
            panic!()
        };
        assert_eq!((status.bots, status.port), (Some(2), Some(27017)));
        assert_eq!(
            fields(receive(OLD)),
            "3|12||Friday cycles|cstrike|oasis||yes|47"
        );
    }

    #[test]
    fn servers_of_rust_count_beyond_a_byte() {
        let at = FULL.windows(4).position(|word| word == b"csgo").unwrap();
        let rust = [&FULL[..at], b"rust", &FULL[at + 4..]].concat();
        assert!(fields(receive(&rust)).starts_with("321|500|"));
    }

    #[test]
    fn an_answer_may_end_after_its_version_and_nowhere_else() {
        let end = FULL.windows(3).position(|bytes| bytes == b".1\0").unwrap() + 3;
        for length in 5..FULL.len() {
            let reply = receive(&FULL[..length]);
            assert_eq!(
                matches!(reply, Reply::Status(_)),
                length >= end,
                "{length}: {reply:?}"
            );
        }
    }

    #[test]
    fn parts_may_come_in_any_order_and_twice() {
        for [first, second] in parts(FULL, 60) {
            for order in [
                [&first, &second, &second],
                [&second, &second, &first],
                [&first, &first, &second],
            ] {
                let mut exchange = Exchange::default();
                let replies = order.map(|part| exchange.receive(part));
                let whole = replies.iter().position(|reply| *reply != Reply::Part);
                assert_eq!(replies[whole.unwrap()], receive(FULL));
            }
        }
    }

    #[test]
    fn what_cannot_be_put_together_is_said() {
        let compressed = [&SPLIT[..], &[7, 0, 0, 0x80, 1, 0, 0xe0, 4], b"BZh9"].concat();
        for (datagram, part) in [
            (&compressed[..], "compressed"),
            (&SPLIT[..], "breaks off"),
            (&[&SPLIT[..], &[0; 5000]].concat(), "too long"),
        ] {
            let Reply::Wrong(who) = receive(datagram) else {
                panic!()
            };
            assert!(who.contains(part), "{who}");
        }
    }

    #[test]
    fn it_is_said_who_else_answers() {
        for (answer, part) in [
            (QUESTION, "sends back"),
            (b"\xff\xff\xff\xffinfoResponse\n\\a\\b", "'quake3'"),
            (b"HTTP/1.1 400 Bad Request\r\n", "no game"),
            (b"\xff\xff\xff\xffdisconnect", "does not know"),
            (b"\xff\xff\xff\xffA\x01", "breaks off"),
        ] {
            let Reply::Wrong(who) = receive(answer) else {
                panic!("{answer:?}")
            };
            assert!(who.contains(part), "{who}");
        }
        assert_eq!(receive(b"\xff\xff\xff\xffD\0"), Reply::Stray);
        assert_eq!(receive(b""), Reply::Stray);
    }

    quickcheck! {
        fn nothing_panics(datagrams: Vec<Vec<u8>>) -> bool {
            let mut exchange = Exchange::default();
            datagrams.iter().all(|rest| {
                let starts = [&b"\xff\xff\xff\xffI"[..], &SPLIT, b"\xff\xff\xff\xffm"];
                starts.iter().all(|start| exchange.receive(&[start, &rest[..]].concat()) != Reply::Stray)
            })
        }

        fn an_answer_in_parts_is_the_whole_one(at: usize) -> bool {
            parts(FULL, 4 + at % FULL.len()).iter().all(|[first, second]| {
                let mut exchange = Exchange::default();
                exchange.receive(second);
                exchange.receive(first) == receive(FULL)
            })
        }
    }
}
