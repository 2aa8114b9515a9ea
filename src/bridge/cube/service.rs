//! The thread of a door: it looks at one UDP socket, one listener and all connections, in turns.

use super::connections::{Connection, Connections, MOST};
use super::dialect::{Dialect, Registration, Request, WORD};
use super::lists::Lists;
use super::roll::{Act, Roll};
use crate::base::io_error::in_words;
use crate::base::random::RANDOM;
use crate::bridge::desk::Wanted;
use crate::bridge::hall::{Counter, Hall, address};
use crate::protocol::fields::Infos;
use crate::protocol::scope::Scope;
use crate::query::Status;
use std::cell::LazyCell;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

/// The length of a turn: how long the thread waits for datagrams before it looks at the connections.
const TURN: Duration = Duration::from_millis(20);

/// The most connections that are accepted in one turn.
const ACCEPTED: usize = 64;

/// The longest datagram that is looked at. Those of the games are of a few hundred bytes.
const MAX_DATAGRAM: usize = 2048;

/// What is counted.
#[derive(Debug)]
struct Counts {
    registrations: Counter,
    refused: Counter,
    answers: Counter,
    strays: Counter,
    lists: Counter,
    others: Counter,
}

impl Counts {
    fn of(hall: &Hall) -> Self {
        let of = |name| hall.counters.of(name);
        Self {
            registrations: of("cube-registrations"),
            refused: of("cube-refused"),
            answers: of("cube-answers"),
            strays: of("cube-strays"),
            lists: of("cube-lists"),
            others: of("cube-others"),
        }
    }
}

/// A door at one address.
#[derive(Debug)]
pub(super) struct Service {
    hall: Hall,
    counts: Counts,
    listener: TcpListener,
    socket: UdpSocket,
    /// Where both listen.
    at: SocketAddr,
    /// The game of those who come, if it is not that of their dialect.
    game: Option<String>,
    roll: Roll,
    lists: Lists,
    connections: Connections,
}

impl Service {
    /// A door with these sockets, which are at one port; `is_alone` if there are no others. Those who were
    /// listed before are asked first.
    pub(super) fn new(
        hall: &Hall,
        listener: TcpListener,
        socket: UdpSocket,
        is_alone: bool,
        game: Option<String>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        socket.set_read_timeout(Some(TURN))?;
        let mut service = Self {
            hall: hall.clone(),
            counts: Counts::of(hall),
            at: listener.local_addr()?,
            listener,
            socket,
            game,
            roll: Roll::default(),
            lists: Lists::default(),
            connections: Connections::new(MOST),
        };
        let now = Instant::now();
        for (address, tag) in hall.desk.remembered(WORD) {
            let own = |dialect: &Dialect| tag == service.tag(*dialect);
            if !address::is_for(service.at, is_alone, address.ip()) {
                continue;
            }
            if let Some(dialect) = Dialect::ALL.into_iter().find(own) {
                service.roll.remember(address, dialect, now);
            }
        }
        Ok(service)
    }

    /// Takes one turn.
    pub(super) fn turn(&mut self) {
        let mut acts = Vec::new();
        self.hear(&mut acts);
        self.accept();
        let now = Instant::now();
        self.look(now, &mut acts);
        let desk = &self.hall.desk;
        let number = || RANDOM.number() as u32;
        self.roll
            .tick(now, number, |address| desk.outcome(address), &mut acts);
        for act in acts {
            self.act(act, now);
        }
    }

    /// Takes the datagrams that come in one turn.
    fn hear(&mut self, acts: &mut Vec<Act>) {
        let start = Instant::now();
        let mut buffer = [0; MAX_DATAGRAM];
        while start.elapsed() < TURN {
            match self.socket.recv_from(&mut buffer) {
                Ok((count, from)) => {
                    let from = address::plain(from);
                    let (now, chance) = (Instant::now(), RANDOM.chance());
                    let is_answer =
                        self.roll
                            .on_datagram(from, &buffer[..count], now, chance, acts);
                    let counter = if is_answer {
                        &self.counts.answers
                    } else {
                        &self.counts.strays
                    };
                    counter.add_one();
                }
                Err(error) if is_nothing(error.kind()) => {}
                // Such as that somebody does not listen who was asked.
                Err(_) => std::thread::sleep(TURN),
            }
        }
    }

    fn accept(&mut self) {
        let listed = LazyCell::new(|| self.roll.listed_connections());
        for _ in 0..ACCEPTED {
            let (stream, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if is_nothing(error.kind()) => return,
                Err(error) => {
                    let why = in_words(&error);
                    self.hall.log.debug("cube-accept", &[("error", &why)]);
                    return;
                }
            };
            let peer = peer.ip().to_canonical();
            if stream.set_nonblocking(true).is_err()
                || !self
                    .connections
                    .let_in(stream, peer, |id| listed.contains(&id), Instant::now())
            {
                self.counts.refused.add_one();
            }
        }
    }

    /// Looks at the connections, and does what is asked there.
    fn look(&mut self, now: Instant, acts: &mut Vec<Act>) {
        let mut requests = Requests {
            hall: &self.hall,
            counts: &self.counts,
            game: self.game.as_deref(),
            roll: &mut self.roll,
            lists: &mut self.lists,
            now,
        };
        let take = |connection: &mut Connection, request| requests.take(connection, request);
        let closed = self.connections.look(now, take);
        if !closed.is_empty() {
            self.roll.on_closed(&closed, now, acts);
        }
    }

    fn act(&mut self, act: Act, now: Instant) {
        match act {
            Act::Ask(info, question) => {
                // Whoever cannot be reached does not answer, and is told so.
                let _ = self
                    .socket
                    .send_to(question.bytes(), address::at_socket(self.at, info));
            }
            Act::List(address, dialect, status) => self.list(address, dialect, &status),
            Act::Unlist(address, why) => {
                self.hall.desk.unlist(WORD, address);
                self.hall.log_gone(WORD, address, why);
            }
            Act::Tell(connection, text) => self.connections.tell(connection, &text, now),
        }
    }

    fn list(&self, address: SocketAddr, dialect: Dialect, status: &Status) {
        let game = dialect.game(self.game.as_deref());
        let infos = infos(status, game);
        if !self.hall.desk.is_wanted(address) {
            self.hall.log_registered(WORD, address, game);
        }
        let wanted = Wanted {
            door: WORD,
            tag: self.tag(dialect),
            infos,
        };
        self.hall.desk.list(address, wanted);
    }

    /// By which a game server of this dialect is remembered.
    fn tag(&self, dialect: Dialect) -> String {
        format!("{}/{}", dialect.word(), dialect.game(self.game.as_deref()))
    }
}

/// What requests are answered with.
struct Requests<'a> {
    hall: &'a Hall,
    counts: &'a Counts,
    game: Option<&'a str>,
    roll: &'a mut Roll,
    lists: &'a mut Lists,
    now: Instant,
}

impl Requests<'_> {
    /// Does what is asked on a connection.
    fn take(&mut self, connection: &mut Connection, request: Request) {
        let now = self.now;
        match request {
            Request::Register(dialect, said) => self.register(connection, dialect, said),
            Request::List(dialect) => {
                self.counts.lists.add_one();
                let game = dialect.game(self.game);
                // Who is nobody is told what everybody is told.
                let scope = Scope::of(connection.peer).unwrap_or(Scope::World);
                let listing = self.hall.desk.listing();
                let list = self.lists.answer(dialect, game, scope, &listing);
                connection.answer(list, now);
            }
            Request::Identify(answer) => connection.say(&answer, now),
            Request::Other(_) if connection.is_quiet() => self.counts.others.add_one(),
            Request::Other(word) => {
                self.counts.others.add_one();
                connection.say(&stranger(&word), now);
                connection.leave(now);
            }
            Request::Nothing => {}
        }
    }

    fn register(&mut self, connection: &mut Connection, dialect: Dialect, said: Registration) {
        let (peer, port, now) = (connection.peer, said.port.clone(), self.now);
        let registered = self.roll.register(peer, dialect, said, connection.id, now);
        match registered {
            Ok(address) => {
                connection.stay();
                self.counts.registrations.add_one();
                connection.say(&dialect.registered(address), now);
            }
            Err(why) => {
                self.counts.refused.add_one();
                let fields: [(_, &dyn Display); 4] = [
                    ("door", &WORD),
                    ("peer", &peer),
                    ("port", &port),
                    ("why", &why),
                ];
                self.hall.log.debug("refused", &fields);
                connection.say(&dialect.refused(why), now);
            }
        }
    }
}

/// What a game server's answer makes of it.
fn infos(status: &Status, game: &str) -> Infos {
    let mut infos = Infos::default();
    for (key, value) in status.fields() {
        // A value that the tracker would refuse is left out.
        let _ = infos.set(key, &value);
    }
    let _ = infos.set("game", game);
    infos
}

/// True if nothing has come.
fn is_nothing(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// What somebody is told who speaks another protocol.
fn stranger(word: &str) -> String {
    Dialect::RedEclipse.refused(format_args!(
        "unknown command '{word}': this is a master of Cube 2, Red Eclipse and AssaultCube; game servers say \
         regserv or server, players list or update"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn whose_registration_is_refused_may_not_stay() {
        let hall = Hall::of_test();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut service = Service::new(&hall, listener, socket, true, None).unwrap();
        let [mut refused, mut taken] = ["5", "28785"].map(|port| {
            let mut stream = TcpStream::connect(at).unwrap();
            writeln!(stream, "regserv {port}").unwrap();
            stream
        });
        let is_done = |counts: &Counts| counts.registrations.get() > 0 && counts.refused.get() > 0;
        while !is_done(&service.counts) {
            service.turn();
        }
        service.look(Instant::now() + Duration::from_secs(60), &mut Vec::new());
        let patience = Some(Duration::from_secs(10));
        refused.set_read_timeout(patience).unwrap();
        let mut text = String::new();
        refused.read_to_string(&mut text).expect("it is closed");
        assert!(text.starts_with("failreg invalid port '5'"), "{text}");
        taken.set_nonblocking(true).unwrap();
        assert!(taken.read(&mut [0]).is_err(), "it stays");
    }
}
