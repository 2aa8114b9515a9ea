//! The door as a state machine: datagrams and the time in, what is to be done out.

use super::act::{Act, Event, Rules, WORD};
use crate::base::random::RANDOM;
use crate::bridge::desk::{Listing, Wanted};
use crate::bridge::hall::address::plain;
use crate::bridge::hall::{Counter, Counters};
use crate::bridge::quake::budgets::Budgets;
use crate::bridge::quake::challenge::{Challenges, Claim, LONGEST, SHORTEST};
use crate::bridge::quake::games::Tag;
use crate::bridge::quake::list::{Question, Shelf};
use crate::bridge::quake::register::{Admitted, Due, Register};
use crate::bridge::quake::response;
use crate::protocol::scope::Scope;
use crate::query::quake3::{self, InfoString};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// A heartbeat has so many bytes, and its word.
const HEARTBEAT_BYTES: usize = b"\xff\xff\xff\xffheartbeat ".len();

/// It is answered by no more bytes than it has: these and the challenge.
const ASK_BYTES: usize = b"\xff\xff\xff\xffgetinfo ".len();

/// Those who were listed by an earlier run are asked so far apart: 4,096 of them in 8 s.
const APART: Duration = Duration::from_millis(2);

/// The most questions at one look, of which there are fifty a second. Their answers have to fit into the
/// socket's buffer, which has room for a hundred on Linux.
const AT_ONCE: usize = 50;

/// The door.
#[derive(Debug)]
pub struct Master {
    rules: Rules,
    challenges: Challenges,
    register: Register,
    shelf: Shelf,
    budgets: Budgets,
    counts: Counts,
}

/// What is counted.
#[derive(Debug)]
struct Counts {
    heartbeats: Counter,
    unknown_heartbeats: Counter,
    questions: Counter,
    answers: Counter,
    strays: Counter,
    refused: Counter,
    lists: Counter,
    list_bytes: Counter,
    throttled: Counter,
}

impl Counts {
    fn of(counters: &Counters) -> Self {
        Self {
            heartbeats: counters.of("quake-heartbeats"),
            unknown_heartbeats: counters.of("quake-unknown-heartbeats"),
            questions: counters.of("quake-questions"),
            answers: counters.of("quake-answers"),
            strays: counters.of("quake-strays"),
            refused: counters.of("quake-refused"),
            lists: counters.of("quake-lists"),
            list_bytes: counters.of("quake-list-bytes"),
            throttled: counters.of("quake-throttled"),
        }
    }
}

impl Master {
    /// A door where nobody has registered yet.
    pub fn new(rules: Rules, counters: &Counters, now: Instant) -> Self {
        Self {
            challenges: Challenges::new(now),
            register: Register::new(rules.most, rules.most_of_host),
            shelf: Shelf::default(),
            budgets: Budgets::new(rules.per_host, rules.in_all, now),
            counts: Counts::of(counters),
            rules,
        }
    }

    /// Has those asked whom an earlier run listed, each with what was to be remembered of it.
    pub fn remember(&mut self, all: impl Iterator<Item = (SocketAddr, String)>, mut now: Instant) {
        for (address, tag) in all {
            let pair = tag.rsplit_once('@');
            let pair = pair.and_then(|(word, ip)| Some((word, ip.parse().ok()?)));
            let (word, ip) = pair.unwrap_or_else(|| (&tag, self.first_mapped_to(address.ip())));
            if let Some(Tag::Known(tag)) = self.rules.games.tag(word.as_bytes()) {
                self.register
                    .remember(SocketAddr::new(ip, address.port()), tag, now);
                now += APART;
            }
        }
    }

    /// Takes a datagram. What is listed now is in `listing`.
    pub fn receive(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        listing: &Listing,
        out: &mut Vec<Act>,
    ) {
        let Some((name, rest)) = quake3::command(datagram) else {
            return self.counts.strays.add_one();
        };
        match name {
            b"getservers" => self.question(from, rest, false, now, listing, out),
            b"getserversExt" => self.question(from, rest, true, now, listing, out),
            b"heartbeat" => self.heartbeat(plain(from), rest, datagram.len(), now, out),
            b"infoResponse" => self.response(plain(from), InfoString(rest), now, out),
            _ => self.counts.strays.add_one(),
        }
    }

    /// Asks those whose time has come.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Act>) {
        for _ in 0..AT_ONCE {
            match self.register.due(now) {
                None => return,
                Some(Due::Ask(address, tag)) => self.ask(address, tag, LONGEST, now, out),
                Some(Due::Lost(address, has_said)) => {
                    let listed_at = self.listed_at(address);
                    out.push(Act::Unlist(listed_at));
                    out.push(Act::Say(listed_at, Event::Gone(has_said)));
                }
            }
        }
    }

    fn ask(&self, to: SocketAddr, tag: u8, length: usize, now: Instant, out: &mut Vec<Act>) {
        self.counts.questions.add_one();
        let word = self.challenges.word(to, tag, length, now);
        out.push(Act::Ask(to, quake3::question("getinfo", &word)));
    }

    fn question(
        &mut self,
        from: SocketAddr,
        rest: &[u8],
        is_extended: bool,
        now: Instant,
        listing: &Listing,
        out: &mut Vec<Act>,
    ) {
        let scope = Scope::of(from.ip()).filter(|_| from.port() > 0);
        let question = Question::read(rest, is_extended);
        let (Some(scope), Some(question)) = (scope, question) else {
            return self.counts.strays.add_one();
        };
        let games = &self.rules.games;
        if question
            .game(games)
            .is_some_and(|game| !games.is_welcome(game))
        {
            return self.counts.strays.add_one();
        }
        let answer = self.shelf.answer(&question, scope, games, listing);
        if !self.budgets.allows(from.ip(), answer.bytes, now) {
            return self.counts.throttled.add_one();
        }
        self.counts.lists.add_one();
        self.counts.list_bytes.add(answer.bytes as u64);
        out.push(Act::Answer(answer));
    }

    fn heartbeat(
        &mut self,
        from: SocketAddr,
        rest: &[u8],
        length: usize,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        self.counts.heartbeats.add_one();
        let words = rest.split(|byte| byte.is_ascii_whitespace() || *byte == 0);
        let word = words.into_iter().find(|word| !word.is_empty());
        let Some(tag) = self.rules.games.tag(word.unwrap_or_default()) else {
            return self.counts.unknown_heartbeats.add_one();
        };
        if let Err(reason) = self.may_register(from) {
            return self.refuse(from, reason.to_owned(), out);
        }
        let is_known = self.register.heartbeat(from, tag, now);
        let room = length.saturating_sub(ASK_BYTES);
        match tag {
            Tag::Known(tag) if !is_known && room >= SHORTEST => {
                self.ask(from, tag, room, now, out);
            }
            _ => {}
        }
    }

    fn response(
        &mut self,
        from: SocketAddr,
        info: InfoString<'_>,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        let word = info.get("challenge").unwrap_or_default();
        let claim = self.challenges.check(from, word, now);
        // Shorter ones than were sent would be guessed sooner.
        let claim = claim.filter(|claim| word.len() >= self.shortest(claim.tag));
        let read = claim.and_then(|claim| Some((claim, self.read(from, info, claim.tag)?)));
        let Some((claim, read)) = read else {
            return self.counts.strays.add_one();
        };
        // Anybody can send a heartbeat in its name. What it says of itself may still agree with the word by
        // which it was listed.
        let by_old_word = || self.read(from, info, self.register.tag(from)?)?.ok();
        match read.or_else(|reason| by_old_word().ok_or(reason)) {
            Err(reason) => self.refuse(from, reason, out),
            Ok((tag, wanted)) => {
                let claim = Claim { tag, ..claim };
                self.admit(from, claim, wanted, now, out);
            }
        }
    }

    /// The fewest characters of a challenge for a heartbeat with the word at this place.
    fn shortest(&self, tag: u8) -> usize {
        let word = self.rules.games.tag_at(tag).map_or("", |(word, _)| word);
        (HEARTBEAT_BYTES + word.len() - ASK_BYTES).min(LONGEST)
    }

    /// What an answer says of one whose heartbeat has the word at this place, if there is one there.
    fn read(
        &self,
        from: SocketAddr,
        info: InfoString<'_>,
        tag: u8,
    ) -> Option<Result<(u8, Wanted), String>> {
        let games = &self.rules.games;
        let (word, game) = games.tag_at(tag)?;
        let wanted = |infos| Wanted {
            door: WORD,
            tag: self.memory(from, word),
            infos,
        };
        Some(response::read(info, game, games).map(|infos| (tag, wanted(infos))))
    }

    /// Has one listed that has answered, if there is room.
    fn admit(
        &mut self,
        from: SocketAddr,
        claim: Claim,
        wanted: Wanted,
        now: Instant,
        out: &mut Vec<Act>,
    ) {
        let Claim { tag, step } = claim;
        let spread = RANDOM.chance();
        match self.register.answered(from, tag, step, spread, now) {
            Admitted::Stale => self.counts.strays.add_one(),
            Admitted::Full(most) => {
                let reason = format!("{most} game servers are listed (--max-servers)");
                self.refuse(from, reason, out);
            }
            Admitted::HostFull(most) => {
                let reason = format!("{most} of its host are listed (--per-host)");
                self.refuse(from, reason, out);
            }
            admitted => {
                self.counts.answers.add_one();
                let listed_at = self.listed_at(from);
                let game = wanted.infos.get("game").unwrap_or_default().into_owned();
                out.push(Act::List(listed_at, wanted));
                if admitted == Admitted::New {
                    out.push(Act::Say(listed_at, Event::Registered(game)));
                }
            }
        }
    }

    fn refuse(&self, address: SocketAddr, reason: String, out: &mut Vec<Act>) {
        self.counts.refused.add_one();
        out.push(Act::Say(address, Event::Refused(reason)));
    }

    /// Checks that a game server can be at this address.
    fn may_register(&self, address: SocketAddr) -> Result<(), &'static str> {
        let has_zone = matches!(address, SocketAddr::V6(v6) if v6.scope_id() != 0);
        let listed = Scope::of(self.listed_at(address).ip());
        match Scope::of(address.ip()) {
            Some(_) if address.port() == 0 => Err("port 0 is nobody's"),
            Some(_) if has_zone => Err("a link-local address cannot be listed"),
            Some(_) if listed == Some(Scope::Machine) && !self.rules.loopback => {
                Err("only this machine reaches it (--no-loopback)")
            }
            Some(_) => Ok(()),
            None => Err("the address is nobody's"),
        }
    }

    /// What is to be remembered of a game server: the word of its heartbeat, and behind an `@` from where it
    /// registers, unless that can be told from where it is listed.
    fn memory(&self, from: SocketAddr, word: &str) -> String {
        match self.first_mapped_to(self.listed_at(from).ip()) {
            ip if ip == from.ip() => word.to_owned(),
            _ => format!("{word}@{}", from.ip()),
        }
    }

    /// The first address that is listed as this one, which may be that itself.
    fn first_mapped_to(&self, ip: IpAddr) -> IpAddr {
        let mut maps = self.rules.maps.iter();
        maps.find(|(_, to)| *to == ip).map_or(ip, |(from, _)| *from)
    }

    /// Where a game server is listed.
    fn listed_at(&self, address: SocketAddr) -> SocketAddr {
        let mut maps = self.rules.maps.iter();
        let map = maps.find(|(from, _)| *from == address.ip());
        SocketAddr::new(map.map_or(address.ip(), |(_, to)| *to), address.port())
    }
}

#[cfg(test)]
mod tests;
