//! Answers that are ready: what is listed, by game and protocol, and the datagrams of each question.
//!
//! Both are made when the first client asks after a change. What strangers ask for chooses what is kept,
//! so there is a bound, and what nobody has is not kept at all.

use super::answer::Answer;
use super::question::{Question, number};
use crate::bridge::desk::Listing;
use crate::bridge::hall::address::plain;
use crate::bridge::quake::games::Games;
use crate::protocol::fields::Infos;
use crate::protocol::scope::Scope;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The most bytes of answers that are kept: 4,000 game servers take 28 kB for each question.
const MAX_KEPT: usize = 8 * 1024 * 1024;

/// What an answer takes besides its datagrams, in bytes.
const AROUND: usize = 256;

/// The mode of those who say none.
const NO_MODE: &str = "0";

/// Which of a game's servers are wanted, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    /// The number of the mode.
    mode: Option<usize>,
    empty: bool,
    full: bool,
    v4: bool,
    v6: bool,
    is_extended: bool,
    /// Within which the client asks.
    scope: Scope,
}

/// What is listed, and what has been made of it.
#[derive(Debug, Default)]
pub(in crate::bridge::quake) struct Shelf {
    version: Option<u64>,
    games: BTreeMap<String, BTreeMap<i32, Group>>,
    kept: usize,
}

/// Those of one game and protocol.
#[derive(Debug, Default)]
struct Group {
    rows: Vec<Row>,
    modes: BTreeMap<String, usize>,
    answers: BTreeMap<Wish, Arc<Answer>>,
}

#[derive(Debug)]
struct Row {
    address: SocketAddr,
    scope: Scope,
    mode: usize,
    is_empty: bool,
    is_full: bool,
}

impl Shelf {
    /// The answer to a question of somebody within `scope`: nobody is told what he cannot reach.
    pub(in crate::bridge::quake) fn answer(
        &mut self,
        question: &Question,
        scope: Scope,
        games: &Games,
        listing: &Listing,
    ) -> Arc<Answer> {
        if self.version != Some(listing.version) {
            self.fill(listing, games);
        }
        if self.kept > MAX_KEPT {
            self.forget();
        }
        let group = self.group(question, games);
        let known = group.and_then(|(group, is_whole)| {
            let mode = question.mode.as_deref();
            let mode = mode.map(|mode| group.modes.get(mode).copied());
            let wish = Wish {
                // A mode that nobody has leaves nobody.
                mode: mode.map(|mode| mode.ok_or(())).transpose().ok()?,
                empty: question.empty || is_whole,
                full: question.full || is_whole,
                v4: question.v4,
                v6: question.v6,
                is_extended: question.is_extended,
                scope,
            };
            Some((group, wish))
        });
        let Some((group, wish)) = known else {
            return Arc::new(Answer::of([].into_iter(), question.is_extended));
        };
        if let Some(answer) = group.answers.get(&wish) {
            return Arc::clone(answer);
        }
        let answer = Arc::new(group.encode(&wish));
        group.answers.insert(wish, Arc::clone(&answer));
        self.kept += answer.bytes + AROUND;
        answer
    }

    /// Those who are asked for, and whether all of them are wanted though the question does not say so.
    fn group(&mut self, question: &Question, games: &Games) -> Option<(&mut Group, bool)> {
        let protocol = question.protocol;
        let has_some = |game: &&str| {
            let game = self.games.get(*game);
            game.is_some_and(|game| game.contains_key(&protocol))
        };
        let name = question.game(games);
        let name = name.or_else(|| games.of_tags().find(has_some))?;
        let group = self.games.get_mut(name)?.get_mut(&protocol)?;
        Some((group, games.is_whole(name)))
    }

    /// Sorts what is listed.
    fn fill(&mut self, listing: &Listing, games: &Games) {
        *self = Self {
            version: Some(listing.version),
            ..Self::default()
        };
        for (address, infos) in &listing.servers {
            self.add(*address, infos, games);
        }
    }

    fn add(&mut self, address: SocketAddr, infos: &Infos, games: &Games) -> Option<()> {
        let (mut game, mut protocol, mut mode) = (None, None, None);
        let (mut players, mut most) = (None, None);
        for (key, value) in infos.iter() {
            match key {
                "game" => game = Some(value),
                "protocol" => protocol = number(value.as_bytes()),
                "mode" => mode = Some(value),
                "nbplayers" => players = value.parse::<u16>().ok(),
                "maxplayers" => most = value.parse::<u16>().ok(),
                _ => {}
            }
        }
        let game = game.as_deref().map(|game| games.name(game))?;
        let address = plain(address);
        let scope = Scope::of(address.ip())?;
        let of_game = match self.games.get_mut(game) {
            Some(of_game) => of_game,
            None => self.games.entry(game.to_owned()).or_default(),
        };
        let group = of_game.entry(protocol?).or_default();
        let mode = group.mode(mode.as_deref().unwrap_or(NO_MODE));
        group.rows.push(Row {
            address,
            scope,
            mode,
            is_empty: players == Some(0),
            is_full: players.is_some_and(|players| most.is_some_and(|most| players >= most)),
        });
        Some(())
    }

    /// Forgets the answers.
    fn forget(&mut self) {
        self.kept = 0;
        for group in self.games.values_mut().flat_map(BTreeMap::values_mut) {
            group.answers.clear();
        }
    }
}

impl Group {
    /// The number of a mode.
    fn mode(&mut self, name: &str) -> usize {
        if let Some(known) = self.modes.get(name) {
            return *known;
        }
        self.modes.insert(name.to_owned(), self.modes.len());
        self.modes.len() - 1
    }

    fn encode(&self, wish: &Wish) -> Answer {
        let wanted = self.rows.iter().filter(|row| row.satisfies(wish));
        Answer::of(wanted.map(|row| row.address), wish.is_extended)
    }
}

impl Row {
    fn satisfies(&self, wish: &Wish) -> bool {
        let is_v4 = self.address.is_ipv4();
        (wish.empty || !self.is_empty)
            && (wish.full || !self.is_full)
            && wish.mode.is_none_or(|mode| mode == self.mode)
            && ((wish.v4 && is_v4) || (wish.v6 && !is_v4))
            && self.scope >= wish.scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;
    use std::ops::RangeInclusive;

    fn listing(version: u64, servers: &[&str]) -> Listing {
        let server = |line: &&str| {
            let (address, infos) = line.split_once(' ').unwrap();
            let infos = Infos::default().with(&Changes::parse(infos).unwrap());
            (address.parse().unwrap(), infos)
        };
        Listing {
            version,
            servers: servers.iter().map(server).collect(),
        }
    }

    const SERVERS: [&str; 9] = [
        "198.51.100.1:1 game=Quake3Arena protocol=68 nbplayers=0 maxplayers=8 mode=0",
        "198.51.100.2:2 game=Quake3Arena protocol=68 nbplayers=8 maxplayers=8 mode=4",
        "198.51.100.3:3 game=Quake3Arena protocol=68 nbplayers=3 maxplayers=8",
        "198.51.100.4:4 game=Quake3Arena protocol=71 nbplayers=1",
        "[2001:db8::5]:5 game=Quake3Arena protocol=68 nbplayers=1 maxplayers=8 mode=ctf",
        "198.51.100.6:6 game=etlegacy protocol=84 nbplayers=0 maxplayers=8",
        "192.168.1.7:7 game=Xonotic protocol=3",
        "127.0.0.1:8 game=Xonotic protocol=3",
        "198.51.100.9:9 game=Xonotic nbplayers=3",
    ];

    /// The ports of those in the answer, which tell them apart.
    fn ports(answer: &Answer) -> String {
        let [datagram] = &answer.datagrams[..] else {
            panic!("one datagram has room for all")
        };
        let mut rest = datagram
            .splitn(2, |byte| b"\\/".contains(byte))
            .nth(1)
            .unwrap();
        let mut ports = String::new();
        while rest != b"EOT\0\0\0" {
            let end = rest
                .iter()
                .skip(6)
                .position(|byte| b"\\/".contains(byte))
                .unwrap()
                + 6;
            ports.push_str(&rest[end - 1].to_string());
            rest = &rest[end + 1..];
        }
        ports
    }

    #[test]
    fn a_question_finds_those_that_it_asks_for() {
        let mut games = Games::default();
        games.add_alias("etlegacy=et").unwrap();
        let (mut shelf, listing) = (Shelf::default(), listing(1, &SERVERS));
        let mut ask = |text: &str, scope| {
            let (name, rest) = text.split_once(' ').unwrap();
            let question = Question::read(rest.as_bytes(), name != "getservers").unwrap();
            ports(&shelf.answer(&question, scope, &games, &listing))
        };
        for (text, right) in [
            ("getservers 68 empty full", "123"),
            ("getservers 68", "3"),
            ("getservers 68 empty", "13"),
            ("getservers Quake3Arena 68 full", "23"),
            ("getservers 68 full ctf", "2"),
            ("getservers 68 full empty gametype=0", "13"),
            ("getservers 68 full empty gametype=7", ""),
            ("getserversExt Quake3Arena 68 empty full", "1235"),
            ("getserversExt Quake3Arena 68 ipv6", "5"),
            ("getserversExt Quake3Arena 68 ipv4", "3"),
            ("getservers 71", "4"),
            ("getservers 84", "6"),
            ("getservers et 84", "6"),
            ("getservers etlegacy 84", "6"),
            ("getservers 3 empty full", ""),
            ("getservers Unheard 3 empty full", ""),
        ] {
            assert_eq!(ask(text, Scope::World), right, "{text}");
            assert_eq!(ask(text, Scope::World), right, "{text}, once more");
        }
        assert_eq!(ask("getservers Xonotic 3", Scope::World), "");
        assert_eq!(ask("getservers Xonotic 3", Scope::Network), "7");
        assert_eq!(ask("getservers Xonotic 3", Scope::Machine), "78");
    }

    #[test]
    fn a_change_of_the_list_changes_the_answer() {
        let (mut shelf, games) = (Shelf::default(), Games::default());
        let question = Question::read(b"68 full empty", false).unwrap();
        let mut ask = |listing: &Listing| {
            let answer = shelf.answer(&question, Scope::World, &games, listing);
            ports(&answer)
        };
        assert_eq!(ask(&listing(0, &[])), "");
        assert_eq!(ask(&listing(1, &SERVERS)), "123");
        assert_eq!(ask(&listing(2, &SERVERS[1..])), "23");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        const MODES: RangeInclusive<u32> = 1..=2000;
        let servers = MODES.map(|n| {
            let infos = format!("game=et protocol=84 mode={}", n % 500);
            let infos = Infos::default().with(&Changes::parse(&infos).unwrap());
            (
                SocketAddr::from(((n + (198 << 24)).to_be_bytes(), 1)),
                infos,
            )
        });
        let listing = Listing {
            version: 1,
            servers: servers.collect(),
        };
        let (mut shelf, games) = (Shelf::default(), Games::default());
        for n in 0..5000 {
            let text = format!("et 84 {} gametype={}", ["", "ipv4", "ipv6"][n % 3], n % 700);
            let question = Question::read(text.as_bytes(), n % 2 == 0).unwrap();
            shelf.answer(&question, Scope::World, &games, &listing);
            let question = Question::read(b"et 84", n % 2 == 0).unwrap();
            shelf.answer(&question, Scope::World, &games, &listing);
            assert!(shelf.kept <= MAX_KEPT + AROUND + listing.servers.len() * 8);
        }
        shelf.forget();
        assert!(shelf.kept == 0 && shelf.games["et"][&84].answers.is_empty());
    }
}
