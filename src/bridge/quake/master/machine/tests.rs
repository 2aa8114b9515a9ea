//! Lives of game servers in bytes, on a pretend clock.

mod mapped;

use super::*;
use crate::protocol::fields::{Changes, Infos};
use quickcheck::quickcheck;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A master, whom it has listed, and the time.
struct World {
    master: Master,
    counters: Counters,
    listing: Listing,
    now: Instant,
    said: Vec<String>,
    /// What a later run is to remember.
    memories: BTreeMap<SocketAddr, String>,
}

impl World {
    fn new(rules: Rules) -> Self {
        let (counters, now) = (Counters::default(), Instant::now());
        Self {
            master: Master::new(rules, &counters, now),
            counters,
            listing: Listing::default(),
            now,
            said: Vec::new(),
            memories: BTreeMap::new(),
        }
    }

    /// What is sent in answer to a datagram: to whom, and what.
    fn receive(&mut self, from: &str, datagram: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let (mut acts, from) = (Vec::new(), from.parse().unwrap());
        let listing = &self.listing;
        self.master
            .receive(from, datagram, self.now, listing, &mut acts);
        self.master.tick(self.now, &mut acts);
        self.perform(acts, from)
    }

    /// Lets time pass; what is sent meanwhile.
    fn wait(&mut self, seconds: u64) -> Vec<(SocketAddr, Vec<u8>)> {
        let (end, mut acts) = (self.now + Duration::from_secs(seconds), Vec::new());
        while self.now < end {
            self.now += Duration::from_millis(20);
            self.master.tick(self.now, &mut acts);
        }
        self.perform(acts, ([0, 0, 0, 0], 0).into())
    }

    /// The word of the next question by itself, and after how many seconds it is asked.
    fn next_question(&mut self, to: &str) -> (String, u64) {
        let (start, mut acts) = (self.now, Vec::new());
        while acts.is_empty() {
            self.now += Duration::from_millis(20);
            self.master.tick(self.now, &mut acts);
        }
        let sent = self.perform(acts, to.parse().unwrap());
        (word_for(&sent, to), (self.now - start).as_secs())
    }

    fn perform(&mut self, acts: Vec<Act>, from: SocketAddr) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut sent = Vec::new();
        for act in acts {
            match act {
                Act::Ask(to, question) => sent.push((to, question)),
                Act::Answer(answer) => {
                    let datagrams = answer.datagrams.iter();
                    sent.extend(datagrams.map(|datagram| (from, datagram.to_vec())));
                }
                Act::List(address, wanted) => {
                    self.change(address);
                    self.memories.insert(address, wanted.tag);
                    self.listing.servers.push((address, wanted.infos));
                }
                Act::Unlist(address) => self.change(address),
                Act::Say(address, event) => self.said.push(format!("{address} {event:?}")),
            }
        }
        sent
    }

    fn change(&mut self, address: SocketAddr) {
        self.listing.version += 1;
        self.listing.servers.retain(|(other, _)| *other != address);
    }

    /// A heartbeat and the right answer to the question that it causes. The word is returned.
    fn register(&mut self, from: &str, tag: &str, info: &str) -> String {
        let heartbeat = format!("heartbeat {tag}\n");
        let sent = self.receive(from, &out_of_band(&heartbeat));
        let word = word_for(&sent, from);
        self.answer(from, info, &word);
        word
    }

    fn answer(&mut self, from: &str, info: &str, word: &str) {
        let answer = format!("infoResponse\n{info}\\challenge\\{word}");
        assert_eq!(self.receive(from, &out_of_band(&answer)), []);
    }

    /// The ports of those that a client is told.
    fn ports(&mut self, from: &str, question: &str) -> Vec<u16> {
        let sent = self.receive(from, &out_of_band(question));
        let [(to, datagram)] = &sent[..] else {
            panic!("{question}: {sent:?}")
        };
        assert_eq!(*to, from.parse().unwrap());
        let list = datagram
            .strip_prefix(b"\xff\xff\xff\xffgetserversResponse")
            .unwrap();
        let list = list.strip_suffix(b"\\EOT\0\0\0").unwrap();
        let port = |entry: &[u8]| u16::from_be_bytes([entry[5], entry[6]]);
        list.chunks(7).map(port).collect()
    }

    fn count(&self, name: &str) -> u64 {
        let all = self.counters.all();
        all.iter()
            .find(|(known, _)| *known == name)
            .map_or(0, |(_, count)| *count)
    }
}

fn out_of_band(text: &str) -> Vec<u8> {
    [b"\xff\xff\xff\xff", text.as_bytes()].concat()
}

/// The word of the only question, which went to `to`.
fn word_for(sent: &[(SocketAddr, Vec<u8>)], to: &str) -> String {
    let [(asked, question)] = sent else {
        panic!("one question is sent: {sent:?}")
    };
    assert_eq!(*asked, to.parse().unwrap());
    let question = String::from_utf8_lossy(&question[4..]).into_owned();
    question.strip_prefix("getinfo ").unwrap().to_owned()
}

const SERVER: &str = "198.51.100.7:27960";
const CLIENT: &str = "203.0.113.9:40000";

const OPENARENA: &str = "\\voip\\opus\\g_needpass\\0\\pure\\1\\gametype\\0\\sv_maxclients\\8\
                         \\g_humanplayers\\0\\clients\\0\\mapname\\oa_dm1\\hostname\\noname\
                         \\protocol\\71\\gamename\\Quake3Arena";

#[test]
fn a_whole_life() {
    let mut world = World::new(Rules::default());
    let word = world.register(SERVER, "QuakeArena-1", OPENARENA);
    assert!((8..=11).contains(&word.len()), "{word}");
    assert_eq!(
        world.said,
        ["198.51.100.7:27960 Registered(\"Quake3Arena\")"]
    );
    let all = "getservers 71 empty full";
    assert_eq!(world.ports(CLIENT, all), [27960]);
    assert_eq!(
        world.ports(CLIENT, "getservers Quake3Arena 71 empty"),
        [27960]
    );
    assert_eq!(world.ports(CLIENT, "getservers 71"), []);
    // A player comes, and is seen at the next question.
    let playing = OPENARENA.replace("g_humanplayers\\0", "g_humanplayers\\3");
    let (word, waited) = world.next_question(SERVER);
    assert!((30..=34).contains(&waited), "{waited} s");
    world.answer(SERVER, &playing, &word);
    assert_eq!(world.ports(CLIENT, "getservers 71"), [27960]);
    assert_eq!(world.said.len(), 1);
    // It falls silent.
    assert_eq!(world.wait(60).len(), 4);
    assert_eq!(world.ports(CLIENT, all), []);
    assert_eq!(world.said[1], "198.51.100.7:27960 Gone(false)");
    // It comes back by itself with the next question that it answers.
    let (word, _) = world.next_question(SERVER);
    world.answer(SERVER, OPENARENA, &word);
    assert_eq!(world.ports(CLIENT, all), [27960]);
}

#[test]
fn nobody_can_pretend_to_be_somebody_else() {
    let mut world = World::new(Rules::default());
    let heartbeat = out_of_band("heartbeat QuakeArena-1\n");
    let sent = world.receive(SERVER, &heartbeat);
    let word = word_for(&sent, SERVER);
    assert!(sent[0].1.len() <= heartbeat.len());
    for other in ["198.51.100.7:27961", "198.51.100.8:27960"] {
        world.answer(other, OPENARENA, &word);
    }
    world.answer(SERVER, OPENARENA, "AAAAAAAAAAA");
    world.answer(SERVER, OPENARENA, "");
    assert_eq!((world.listing.version, world.count("quake-strays")), (0, 4));
    world.wait(3);
    world.answer(SERVER, OPENARENA, &word);
    assert_eq!(world.listing.version, 0, "too late");
    let word = world.register(SERVER, "QuakeArena-1", OPENARENA);
    assert_eq!(world.listing.version, 1);
    world.answer(SERVER, &OPENARENA.replace("oa_dm1", "other"), &word);
    assert_eq!(world.listing.version, 1, "a word is good once");
    // Whoever says for it that it ends has it asked, and it answers.
    world.wait(5);
    let sent = world.receive(SERVER, &out_of_band("heartbeat ETFlatline-1\n"));
    world.answer(SERVER, OPENARENA, &word_for(&sent, SERVER));
    for _ in 0..100 {
        world.receive(SERVER, &out_of_band("heartbeat WolfFlatline-1\n"));
    }
    assert_eq!(world.ports(CLIENT, "getservers 71 empty"), [27960]);
    // One that ends does not. It is asked for ten minutes more, as any other that falls silent.
    world.wait(8);
    let said = world.said.last().unwrap().as_str();
    assert_eq!(said, "198.51.100.7:27960 Gone(true)");
    assert_eq!(world.ports(CLIENT, "getservers 71 empty"), []);
    world.wait(1000);
    assert_eq!(world.wait(1000), []);
}

#[test]
fn what_is_wrong_is_not_listed_and_gets_no_reply() {
    let mut rules = Rules {
        loopback: false,
        ..Rules::default()
    };
    rules.games.admit("!Doom").unwrap();
    let mut world = World::new(rules);
    for datagram in [
        &b""[..],
        b"\xff\xff\xff\xff",
        b"heartbeat QuakeArena-1\n",
        b"\xff\xff\xff\xffheartbeat",
        b"\xff\xff\xff\xffheartbeat Unheard-of-1\n",
        b"\xff\xff\xff\xffheartbeat WolfFlatline-1\n",
        b"\xff\xff\xff\xffgetinfo x",
        b"\xff\xff\xff\xffinfoResponse\n",
        b"\xff\xff\xff\xffgetservers",
        b"\xff\xff\xff\xffgetservers Nexuiz",
        b"\xff\xff\xff\xffgetserversExt 68 empty",
        b"\xff\xff\xff\xffgetservers Doom 3 empty full",
        b"\xff\xff\xff\xffgetserversResponse\\EOT\0\0\0",
    ] {
        assert_eq!(world.receive(SERVER, datagram), [], "{datagram:?}");
    }
    assert_eq!(world.count("quake-unknown-heartbeats"), 2);
    for nobody in [
        "0.0.0.0:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "198.51.100.7:0",
        "127.0.0.1:1",
    ] {
        let heartbeat = out_of_band("heartbeat DarkPlaces\n");
        assert_eq!(world.receive(nobody, &heartbeat), [], "{nobody}");
    }
    assert_eq!(
        world.receive("0.0.0.0:9", &out_of_band("getservers 68")),
        []
    );
    let (xonotic, named) = (OPENARENA, |game: &str| {
        OPENARENA.replace("Quake3Arena", game)
    });
    world.register(SERVER, "EnemyTerritory-1", xonotic);
    world.register(SERVER, "DarkPlaces", &named("Doom"));
    world.register(
        SERVER,
        "DarkPlaces",
        &OPENARENA.replace("sv_maxclients\\8", "sv_maxclients\\0"),
    );
    assert_eq!(
        (world.listing.version, world.count("quake-refused")),
        (0, 8)
    );
    // An older entry stays, until it has been asked three times.
    world.register(SERVER, "DarkPlaces", &named("Xonotic"));
    assert_eq!(world.ports(CLIENT, "getservers Xonotic 71 empty"), [27960]);
    world.wait(3);
    world.register(SERVER, "DarkPlaces", &named("Doom"));
    assert_eq!(world.ports(CLIENT, "getservers Xonotic 71 empty"), [27960]);
    world.wait(60);
    assert_eq!(world.ports(CLIENT, "getservers Xonotic 71 empty"), []);
}

#[test]
fn the_shortest_heartbeat_is_answered_too_and_no_other_by_so_short_a_word() {
    let mut rules = Rules::default();
    rules.games.add_tag("COD-4=cod4").unwrap();
    let mut world = World::new(rules);
    let info = OPENARENA.replace("Quake3Arena", "cod4");
    for (from, end, length) in [(SERVER, "", 7), ("198.51.100.8:27960", "\n", 8)] {
        let heartbeat = out_of_band(&format!("heartbeat COD-4{end}"));
        let sent = world.receive(from, &heartbeat);
        let word = word_for(&sent, from);
        assert_eq!((word.len(), sent[0].1.len()), (length, heartbeat.len()));
        world.answer(from, &info, &word);
    }
    assert_eq!(world.listing.servers.len(), 2);
    let other = "198.51.100.9:27960";
    let sent = world.receive(other, &out_of_band("heartbeat QuakeArena-1"));
    let word = word_for(&sent, other);
    world.answer(other, OPENARENA, &word[..10]);
    assert_eq!(world.count("quake-strays"), 1);
    world.answer(other, OPENARENA, &word);
    assert_eq!(world.listing.servers.len(), 3);
}

#[test]
fn the_latest_heartbeat_counts_and_a_forged_one_renames_nobody_who_says_its_game() {
    let mut world = World::new(Rules::default());
    let beat = |world: &mut World, tag: &str| {
        world.wait(3);
        world.register(SERVER, tag, OPENARENA);
    };
    for tag in ["QuakeArena-1", "EnemyTerritory-1", "EnemyTerritory-1"] {
        beat(&mut world, tag);
    }
    for _ in 0..20 {
        beat(&mut world, "Wolfenstein-1");
    }
    let game = |world: &World| world.listing.servers[0].1.get("game").unwrap().into_owned();
    assert_eq!(game(&world), "Quake3Arena");
    assert_eq!((world.said.len(), world.count("quake-refused")), (1, 0));
    // Another game has come up there.
    world.wait(3);
    let xonotic = OPENARENA.replace("Quake3Arena", "Xonotic");
    world.register(SERVER, "DarkPlaces", &xonotic);
    assert_eq!(game(&world), "Xonotic");
    // One that does not say what it is goes by its latest heartbeat, listed or not.
    let nameless = OPENARENA.replace("\\gamename\\Quake3Arena", "");
    for (tag, right, silence) in [
        ("Wolfenstein-1", "wolfmp", 3),
        ("EnemyTerritory-1", "et", 100),
        ("QuakeArena-1", "Quake3Arena", 3),
    ] {
        world.wait(3);
        world.register(SERVER, tag, &nameless);
        assert_eq!(game(&world), right);
        world.wait(silence);
    }
    let (word, _) = world.next_question(SERVER);
    world.answer(SERVER, &nameless, &word);
    assert_eq!(game(&world), "Quake3Arena");
}

#[test]
fn hosts_have_limits_and_those_who_do_not_answer_take_no_room() {
    let mut world = World::new(Rules {
        most: 40,
        ..Rules::default()
    });
    for n in 0..20_000u32 {
        let from = format!("10.{}.{}.1:27960", n / 200, n % 200);
        world.receive(&from, &out_of_band("heartbeat QuakeArena-1\n"));
    }
    for n in 0..40 {
        world.register(
            &format!("198.51.100.7:{}", 27960 + n),
            "QuakeArena-1",
            OPENARENA,
        );
    }
    assert_eq!(world.listing.servers.len(), 32);
    assert!(
        world
            .said
            .last()
            .unwrap()
            .contains("32 of its host are listed")
    );
    for n in 0..40 {
        world.register(&format!("198.51.101.{n}:27960"), "QuakeArena-1", OPENARENA);
    }
    assert_eq!(world.listing.servers.len(), 40);
    assert!(
        world
            .said
            .last()
            .unwrap()
            .contains("40 game servers are listed")
    );
}

#[test]
fn lists_are_throttled_and_the_others_are_not_concerned() {
    let mut world = World::new(Rules::default());
    for n in 0..4000u32 {
        let address = ([198, 51, (n / 250) as u8, (n % 250) as u8], 27960).into();
        let infos = Changes::parse("game=Quake3Arena protocol=68 nbplayers=1").unwrap();
        world
            .listing
            .servers
            .push((address, Infos::default().with(&infos)));
    }
    world.listing.version = 1;
    let question = out_of_band("getservers 68 empty full");
    let mut ask = |from: &str| world.receive(from, &question).len();
    let lists: Vec<usize> = (0..8).map(|_| ask(CLIENT)).collect();
    assert_eq!(lists, [21, 21, 21, 21, 21, 0, 0, 0]);
    assert_eq!(ask("203.0.113.10:40000"), 21);
    world.now += Duration::from_secs(4);
    assert_eq!(world.receive(CLIENT, &question).len(), 21);
    assert_eq!(world.count("quake-throttled"), 3);
}

#[test]
fn one_socket_may_serve_both_families() {
    let mut world = World::new(Rules::default());
    let heartbeat = out_of_band("heartbeat QuakeArena-1\n");
    let sent = world.receive("[::ffff:198.51.100.7]:27960", &heartbeat);
    let word = word_for(&sent, SERVER);
    world.answer("[::ffff:198.51.100.7]:27960", OPENARENA, &word);
    world.register("[2001:db8::7]:27960", "QuakeArena-1", OPENARENA);
    assert_eq!(world.ports(CLIENT, "getservers 71 empty"), [27960]);
    let all = world.receive(CLIENT, &out_of_band("getserversExt Quake3Arena 71 empty"));
    let right = b"\xff\xff\xff\xffgetserversExtResponse\\\xc6\x33\x64\x07\x6d\x38\
                  /\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x6d\x38\\EOT\0\0\0";
    assert_eq!(all[0].1, right);
}

quickcheck! {
    fn no_datagram_panics_or_is_answered_by_more_than_a_list(datagrams: Vec<(u8, Vec<u8>, u8)>) -> bool {
        let mut world = World::new(Rules::default());
        let heads = ["heartbeat ", "infoResponse\n\\", "getservers ", "getserversExt ", ""];
        datagrams.into_iter().all(|(head, rest, who)| {
            let head = heads[usize::from(head) % heads.len()];
            let datagram = [&out_of_band(head), &rest[..]].concat();
            let sent = world.receive(&format!("198.51.100.{}:27960", who % 4), &datagram);
            let bytes: usize = sent.iter().map(|(_, datagram)| datagram.len()).sum();
            bytes <= datagram.len().max(1400)
        })
    }
}
