//! The connections of a door: sockets that nobody waits for.

use super::dialect::Request;
use super::session::Session;
use crate::bridge::hall::address::host;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// The most connections in all that are not those of listed game servers, and the most of one host. All
/// doors together should leave most of the open files, of which there are often 1,024, to game servers.
/// That of a host is what the games' own masters allow, since players share addresses with each other and
/// with game servers.
pub(super) const MOST: (usize, usize) = (100, 16);

/// The bytes that are read at a time.
const READ: usize = 4096;

/// The lines that are taken of one in a turn. Game servers say one an hour, and one for each player who
/// comes with a name.
const LINES: usize = 8;

/// Those on which next to nothing happens are looked at in every so many turns, which is once a second.
const QUIET: u64 = 50;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its number.
    pub(super) id: u64,
    /// From where it comes.
    pub(super) peer: IpAddr,
    stream: TcpStream,
    session: Session,
    /// The peer has said that it will say nothing more.
    has_ended: bool,
    is_shut: bool,
}

impl Connection {
    /// Sends `text`.
    pub(super) fn say(&mut self, text: &str, now: Instant) {
        self.session.say(text, now);
    }

    /// Sends the list, and closes.
    pub(super) fn answer(&mut self, list: Arc<[u8]>, now: Instant) {
        self.session.answer(list, now);
    }

    /// Closes once everything is sent.
    pub(super) fn leave(&mut self, now: Instant) {
        self.session.leave(now);
    }

    /// It is a game server's.
    pub(super) fn stay(&mut self) {
        self.session.stay();
    }

    /// True if it has become a game server's.
    pub(super) fn is_quiet(&self) -> bool {
        self.session.is_quiet()
    }

    /// False if it is over.
    fn look(&mut self, now: Instant, take: &mut dyn FnMut(&mut Self, Request)) -> bool {
        // What is not taken yet is not added to: the rest waits at the peer.
        let is_reading = !self.has_ended && !self.session.has_line();
        if is_reading && !self.read() {
            return false;
        }
        for _ in 0..LINES {
            let Some(request) = self.session.next(now) else {
                break;
            };
            take(self, request);
        }
        self.send(now)
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; READ];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.has_ended = true,
            Ok(count) => self.session.on_bytes(&buffer[..count]),
            Err(error) if is_patient(error.kind()) => {}
            Err(_) => return false,
        }
        true
    }

    /// False if it is over.
    fn send(&mut self, now: Instant) -> bool {
        while !self.session.to_send().is_empty() {
            match self.stream.write(self.session.to_send()) {
                Ok(0) => return false,
                Ok(count) => self.session.on_sent(count),
                Err(error) if is_patient(error.kind()) => break,
                Err(_) => return false,
            }
        }
        if self.session.has_said_all() && !self.is_shut {
            self.is_shut = true;
            // The peer may have closed it already.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        let has_hung_up = self.has_ended && self.session.to_send().is_empty();
        !has_hung_up && !self.session.is_late(now)
    }
}

/// True if a socket has nothing to give or to take right now.
fn is_patient(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The first of those of the host that has the most, with the `newcomer` to it: so the connections of few
/// hosts, however many they are, keep out none of another.
fn of_greediest(all: &[(usize, IpAddr)], newcomer: IpAddr) -> Option<(usize, IpAddr)> {
    let mut counts = HashMap::from([(newcomer, 1)]);
    for (_, of) in all {
        *counts.entry(*of).or_insert(0) += 1;
    }
    let most = all.iter().map(|(_, of)| counts[of]).max()?;
    all.iter().find(|(_, of)| counts[of] == most).copied()
}

/// All of them, the oldest first.
#[derive(Debug)]
pub(super) struct Connections {
    most: (usize, usize),
    all: Vec<Connection>,
    /// The numbers of those that made room since the last look.
    closed: Vec<u64>,
    last: u64,
    turn: u64,
}

impl Connections {
    /// None yet, and at most so many: in all, and of one host.
    pub(super) const fn new(most: (usize, usize)) -> Self {
        Self {
            most,
            all: Vec::new(),
            closed: Vec::new(),
            last: 0,
            turn: 0,
        }
    }

    /// Lets one in. When there are too many, one makes way that is none of those who are `listed`. False
    /// if it is not let in, since all of its host are of those.
    pub(super) fn let_in(
        &mut self,
        stream: TcpStream,
        peer: IpAddr,
        listed: impl Fn(u64) -> bool,
        now: Instant,
    ) -> bool {
        let (most, most_of_host) = self.most;
        let of_host = self.all.iter().filter(|one| host(one.peer) == host(peer));
        let is_host_full = of_host.count() >= most_of_host;
        if is_host_full || self.all.len() >= most {
            let all = self.all.iter().map(|one| host(one.peer)).enumerate();
            let others: Vec<_> = all.filter(|&(at, _)| !listed(self.all[at].id)).collect();
            let victim = match is_host_full {
                true => others.iter().find(|(_, of)| *of == host(peer)).copied(),
                false if others.len() >= most => of_greediest(&others, host(peer)),
                false => None,
            };
            match victim {
                Some((at, _)) => self.closed.push(self.all.remove(at).id),
                None if is_host_full => return false,
                None => {}
            }
        }
        self.last += 1;
        self.all.push(Connection {
            id: self.last,
            peer,
            stream,
            session: Session::new(now),
            has_ended: false,
            is_shut: false,
        });
        true
    }

    /// Looks at those whose turn it is. Requests are given to `take`; returns the numbers of those that are
    /// closed since the last look, whoever closed them, in order.
    pub(super) fn look(
        &mut self,
        now: Instant,
        mut take: impl FnMut(&mut Connection, Request),
    ) -> Vec<u64> {
        self.turn += 1;
        let mut closed = std::mem::take(&mut self.closed);
        self.all.retain_mut(|connection| {
            let is_its_turn = (connection.id + self.turn).is_multiple_of(QUIET);
            let is_open = match connection.is_quiet() && !is_its_turn {
                true => connection.send(now),
                false => connection.look(now, &mut take),
            };
            if !is_open {
                closed.push(connection.id);
            }
            is_open
        });
        closed.sort_unstable();
        closed
    }

    /// Sends `text` to one, if it is still there.
    pub(super) fn tell(&mut self, id: u64, text: &str, now: Instant) {
        if let Some(connection) = self.all.iter_mut().find(|one| one.id == id) {
            connection.say(text, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::TcpListener;
    use std::time::Duration;

    /// Connections that nobody uses, of hosts that this test makes up.
    struct Scene {
        listener: TcpListener,
        connections: Connections,
        listed: HashSet<u64>,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                listener: TcpListener::bind("127.0.0.1:0").unwrap(),
                connections: Connections::new(MOST),
                listed: HashSet::new(),
            }
        }

        /// One comes from `peer`: its number, if it is let in.
        fn come(&mut self, peer: &str) -> Option<u64> {
            let address = self.listener.local_addr().unwrap();
            let _peer = TcpStream::connect(address).unwrap();
            let (stream, _) = self.listener.accept().unwrap();
            let listed = |id| self.listed.contains(&id);
            let peer = peer.parse().unwrap();
            let is_in = self
                .connections
                .let_in(stream, peer, listed, Instant::now());
            is_in.then_some(self.connections.last)
        }

        fn has(&self, id: u64) -> bool {
            self.connections.all.iter().any(|one| one.id == id)
        }
    }

    #[test]
    fn those_of_few_hosts_keep_nobody_else_out() {
        let mut scene = Scene::new();
        let player = scene.come("198.51.100.7").unwrap();
        let other = scene.come("2001:db8:1::7").unwrap();
        for n in 0..20 * MOST.0 {
            // Half of them come from one /64 each, however many addresses they use there.
            let peer = match n % 40 {
                host @ 0..20 => format!("192.0.2.{host}"),
                host => format!("2001:db8:2:{host}::{n:x}"),
            };
            assert!(scene.come(&peer).is_some());
        }
        assert_eq!(scene.connections.all.len(), MOST.0);
        assert!(scene.has(player) && scene.has(other));
    }

    #[test]
    fn a_host_that_comes_again_makes_way_itself_where_all_have_as_many() {
        let mut scene = Scene::new();
        let all: Vec<_> = (0..MOST.0)
            .map(|n| scene.come(&format!("192.0.{}.{}", n / 50, n % 50)).unwrap())
            .collect();
        scene.come("192.0.0.9").unwrap();
        assert!(scene.has(all[0]) && !scene.has(all[9]));
        assert_eq!(scene.connections.closed, [all[9]]);
        // Among hosts that are all alike the oldest makes way.
        scene.come("198.51.100.7").unwrap();
        assert!(!scene.has(all[0]) && scene.has(all[1]));
    }

    #[test]
    fn listed_game_servers_never_make_way_and_do_not_count() {
        let mut scene = Scene::new();
        for _ in 0..MOST.1 {
            let id = scene.come("192.0.2.1").unwrap();
            scene.listed.insert(id);
        }
        assert_eq!(scene.come("192.0.2.1"), None);
        for n in 0..MOST.0 {
            scene
                .come(&format!("198.51.{}.{}", n / 50, n % 50))
                .unwrap();
        }
        assert_eq!(scene.connections.all.len(), MOST.0 + MOST.1);
        scene.come("203.0.113.1").unwrap();
        assert_eq!(scene.connections.all.len(), MOST.0 + MOST.1);
        assert!(scene.listed.iter().all(|&id| scene.has(id)));
    }

    #[test]
    fn whoever_closes_a_connection_it_is_said_once_and_in_order() {
        let mut scene = Scene::new();
        let address = scene.listener.local_addr().unwrap();
        let now = Instant::now();
        let mut come = || {
            let peer = TcpStream::connect(address).unwrap();
            let (stream, _) = scene.listener.accept().unwrap();
            stream.set_nonblocking(true).unwrap();
            let listed = |_| false;
            assert!(scene.connections.let_in(stream, address.ip(), listed, now));
            peer
        };
        let silent: Vec<_> = (0..=MOST.1).map(|_| come()).collect();
        let connections = &mut scene.connections;
        assert_eq!(connections.look(now, |_, _| ()), [1], "it made room");
        assert_eq!(connections.look(now, |_, _| ()), []);
        let late = now + Duration::from_secs(3600);
        let all: Vec<u64> = (2..=silent.len() as u64).collect();
        assert_eq!(connections.look(late, |_, _| ()), all);
        assert!(connections.all.is_empty());
    }

    #[test]
    fn few_lines_of_one_are_taken_in_a_turn_and_none_is_lost() {
        let mut scene = Scene::new();
        let address = scene.listener.local_addr().unwrap();
        let mut peer = TcpStream::connect(address).unwrap();
        let (stream, _) = scene.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let now = Instant::now();
        let connections = &mut scene.connections;
        connections.let_in(stream, address.ip(), |_| false, now);
        let lines: String = (0..2000).map(|n| format!("reqauth {n} me\n")).collect();
        peer.write_all(lines.as_bytes()).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let (mut taken, mut before) = (Vec::new(), 0);
        while connections.look(now, |_, one| taken.push(one)).is_empty() {
            assert!(taken.len() <= before + LINES);
            before = taken.len();
            assert!(now.elapsed() < Duration::from_secs(30), "{before} lines");
        }
        let all = (0..2000).map(|n| Request::Identify(format!("failauth {n}\n")));
        assert_eq!(taken, all.collect::<Vec<_>>());
    }
}
