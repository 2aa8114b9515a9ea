//! Datagrams of many hosts to the door for the Quake family, while time passes.
//!
//! Each line of the input is one step: `h` a heartbeat, `i` an answer with the word that was asked last,
//! `q` and `e` questions for the list, `r` any datagram, each followed by the number of a host; `t`
//! and a number lets so many tenths of a second pass.
#![no_main]

use gltracker::bridge::Listing;
use gltracker::bridge::hall::Counters;
use gltracker::bridge::quake::{Act, Answer, Master, Rules};
use gltracker::protocol::fields::Infos;
use gltracker_fuzz::checks::{plain_line, shown};
use gltracker_fuzz::script::{grown, number, steps};
use libfuzzer_sys::fuzz_target;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a word is good, and the steps in which that is counted.
const GOOD_FOR: Duration = Duration::from_millis(2050);

/// The longest datagram.
const MAX_DATAGRAM: usize = 1400;

/// The most game servers, and of one host.
const MOST: (usize, usize) = (6, 3);

#[derive(Default)]
struct Host {
    /// The word that was asked last, and when.
    word: Option<(String, Instant)>,
    /// It has sent a right word back.
    is_proven: bool,
    received: usize,
    sent: usize,
}

struct World {
    master: Master,
    listing: Listing,
    hosts: HashMap<SocketAddr, Host>,
    now: Instant,
}

fuzz_target!(|data: &[u8]| {
    let now = Instant::now();
    let mut rules = Rules {
        most: MOST.0,
        most_of_host: MOST.1,
        per_host: 0,
        in_all: 0,
        ..Rules::default()
    };
    rules.games.add_tag("COD-4=cod4").unwrap();
    rules.games.add_alias("alias=Quake3Arena").unwrap();
    rules.games.admit("!refused").unwrap();
    let mut world = World {
        master: Master::new(rules, &Counters::default(), now),
        listing: Listing::default(),
        hosts: HashMap::new(),
        now,
    };
    for (verb, rest) in steps(data) {
        let (who, rest) = rest
            .split_first()
            .map_or((b'0', rest), |(who, rest)| (*who, rest));
        let from = address(who);
        match verb {
            b't' => world.wait(number(rest, 400)),
            b'h' => world.receive(from, b"heartbeat ", rest),
            b'i' => {
                let word = world.hosts.get(&from).and_then(|host| host.word.clone());
                let word = word.map_or(String::new(), |(word, _)| format!("\\challenge\\{word}"));
                world.receive(from, b"infoResponse\n", &[word.as_bytes(), rest].concat());
            }
            b'q' => world.receive(from, b"getservers ", rest),
            b'e' => world.receive(from, b"getserversExt ", rest),
            b'r' => world.receive(from, b"", rest),
            _ => {}
        }
    }
});

/// Four hosts with several ports each, one of them with IPv6.
fn address(who: u8) -> SocketAddr {
    let (host, port) = (who % 4, 27960 + u16::from(who / 4 % 8));
    match host {
        3 => ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7], port).into(),
        host => ([198, 51, 100, host], port).into(),
    }
}

impl World {
    fn wait(&mut self, tenths: u64) {
        for _ in 0..tenths {
            self.now += Duration::from_millis(100);
            let mut acts = Vec::new();
            self.master.tick(self.now, &mut acts);
            for act in acts {
                match act {
                    Act::Ask(to, question) => self.asked(to, &question),
                    Act::Unlist(address) => assert!(self.remove(address), "it was listed"),
                    Act::Say(_, event) => shown(&format!("{event:?}")),
                    act => panic!("nobody has said anything: {act:?}"),
                }
            }
        }
    }

    fn receive(&mut self, from: SocketAddr, head: &[u8], rest: &[u8]) {
        let datagram = [b"\xff\xff\xff\xff", head, &grown(rest)].concat();
        self.hosts.entry(from).or_default().received += datagram.len();
        let mut acts = Vec::new();
        let (master, listing) = (&mut self.master, &self.listing);
        master.receive(from, &datagram, self.now, listing, &mut acts);
        for act in acts {
            match act {
                Act::Ask(to, question) => {
                    assert_eq!(to, from);
                    self.asked(to, &question);
                }
                Act::Answer(answer) => self.answered(&answer),
                Act::List(address, wanted) => {
                    assert_eq!(address, from);
                    self.listed(address, wanted.infos, &datagram);
                }
                Act::Unlist(_) => panic!("nobody goes at once"),
                Act::Say(address, event) => {
                    assert_eq!(address, from);
                    shown(&format!("{event:?}"));
                }
            }
        }
    }

    /// Who has proved nothing is sent no more than came from there.
    fn asked(&mut self, to: SocketAddr, question: &[u8]) {
        let word = question.strip_prefix(b"\xff\xff\xff\xffgetinfo ").unwrap();
        assert!((7..=11).contains(&word.len()));
        assert!(
            word.iter()
                .all(|c| c.is_ascii_graphic() && !b"\"%/;\\".contains(c))
        );
        let host = self.hosts.get_mut(&to).unwrap();
        host.sent += question.len();
        assert!(host.is_proven || host.sent <= host.received);
        host.word = Some((String::from_utf8(word.to_vec()).unwrap(), self.now));
    }

    /// Who is listed has sent back a word in time, once.
    fn listed(&mut self, address: SocketAddr, mut infos: Infos, datagram: &[u8]) {
        let host = self.hosts.get_mut(&address).unwrap();
        let (word, asked) = host
            .word
            .take()
            .expect("a word was asked, and is good once");
        assert!(self.now.duration_since(asked) <= GOOD_FOR);
        assert!(String::from_utf8_lossy(datagram).contains(&word));
        host.is_proven = true;
        infos.set("port", "65535").unwrap();
        assert_eq!(infos.check_complete(), Ok(()));
        plain_line(&infos.to_string());
        assert!(infos.get("protocol").unwrap().parse::<i32>().is_ok());
        assert!(
            infos
                .get("game")
                .is_some_and(|game| game != "refused" && game != "alias")
        );
        self.remove(address);
        self.listing.version += 1;
        self.listing.servers.push((address, infos));
        let of_host = self.listing.servers.iter();
        let of_host = of_host
            .filter(|(other, _)| other.ip() == address.ip())
            .count();
        assert!(self.listing.servers.len() <= MOST.0 && of_host <= MOST.1);
    }

    fn remove(&mut self, address: SocketAddr) -> bool {
        let before = self.listing.servers.len();
        self.listing.version += 1;
        self.listing.servers.retain(|(other, _)| *other != address);
        self.listing.servers.len() < before
    }

    /// What is told is listed, and comes in whole datagrams.
    fn answered(&self, answer: &Answer) {
        let total: usize = answer.datagrams.iter().map(|datagram| datagram.len()).sum();
        assert_eq!(total, answer.bytes);
        assert!(
            answer
                .datagrams
                .iter()
                .all(|datagram| datagram.len() <= MAX_DATAGRAM)
        );
        let [datagram] = &answer.datagrams[..] else {
            panic!("a few fit into one datagram")
        };
        let list = datagram
            .strip_suffix(b"\\EOT\0\0\0")
            .expect("the mark is the end");
        let list = list.strip_prefix(b"\xff\xff\xff\xffgetservers").unwrap();
        let list = list.strip_prefix(b"Ext").unwrap_or(list);
        let mut rest = list.strip_prefix(b"Response").unwrap();
        let mut told = Vec::new();
        while let Some((sign, after)) = rest.split_first() {
            let (address, after) = after.split_at(if *sign == b'/' { 18 } else { 6 });
            let (ip, port) = address.split_at(address.len() - 2);
            let port = u16::from_be_bytes([port[0], port[1]]);
            let address: SocketAddr = match <[u8; 4]>::try_from(ip) {
                Ok(ip) => (ip, port).into(),
                Err(_) => (<[u8; 16]>::try_from(ip).unwrap(), port).into(),
            };
            assert!(!told.contains(&address), "each is told once");
            assert!(
                self.listing
                    .servers
                    .iter()
                    .any(|(listed, _)| *listed == address)
            );
            told.push(address);
            rest = after;
        }
    }
}
