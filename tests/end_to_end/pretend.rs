//! The bare sessions on a pretend clock: a wire without sockets, threads or waiting.

use crate::harness::PASSWORD;
use crate::transcript::{Port, Wire};
use gltracker::protocol::fields::Request;
use gltracker::protocol::refusal::Refusal;
use gltracker::protocol::revision::Revision;
use gltracker::protocol::text::format_number;
use gltracker::tracker::access::identity::ConnectionId;
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::access::keys::Keys;
use gltracker::tracker::access::passwords::Passwords;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker::tracker::session::answer::{Answer, Batch, Question};
use gltracker::tracker::session::client::{self, ClientSession};
use gltracker::tracker::session::game_server::{self, GameServerSession, taken, taken_over};
use gltracker::tracker::session::watcher::{self, WatcherSession};
use gltracker::tracker::session::{Chunk, Ending, Outbox, Session, Setting};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all connections share: the pure parts of a tracker.
struct World {
    registry: RefCell<Registry>,
    passwords: Passwords,
    keys: Keys,
    numbers: Cell<u64>,
    /// The last number that was sent to each connection's port.
    datagrams: RefCell<HashMap<ConnectionId, u64>>,
    /// Connections whose entry was taken over, and why.
    dismissed: RefCell<HashMap<ConnectionId, Refusal>>,
}

/// One connection's view of the world.
struct Desk {
    world: &'static World,
    id: ConnectionId,
    ip: IpAddr,
}

impl game_server::Services for Desk {
    fn peer_ip(&self) -> IpAddr {
        self.ip
    }
    fn verify(&self, password: &str) -> Option<Credential> {
        self.world.passwords.verify(password)
    }
    fn is_trusted(&self) -> bool {
        false
    }
    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        self.world.keys.verify(name, number, port, mac)
    }
    fn send_proof(&self, number: u64, _: SocketAddr, _: Instant) -> bool {
        self.world.datagrams.borrow_mut().insert(self.id, number);
        true
    }
    fn proven(&self, _: SocketAddr, _: bool) {}
    fn leave(&self) {
        self.world.registry.borrow_mut().remove(self.id);
    }
    fn challenge_number(&self) -> u64 {
        self.world.numbers.set(
            self.world
                .numbers
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                + 1,
        );
        self.world.numbers.get()
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn entry(&self) -> Option<Arc<Entry>> {
        self.world.registry.borrow().entry_of(self.id)
    }
    fn absent(&self, entry: &Entry) -> Option<Arc<Entry>> {
        self.world.registry.borrow().absent_before(entry)
    }
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let replaced = self.world.registry.borrow().replaced(self.id, entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }
    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        let address = entry.address;
        let put = self.world.registry.borrow_mut().put(self.id, entry);
        if let Some(ghost) = put.map_err(|why| taken(address, why))? {
            self.world
                .dismissed
                .borrow_mut()
                .insert(ghost, taken_over(address));
        }
        Ok(())
    }
    fn stats(&self) -> Option<String> {
        self.ip.is_loopback().then(|| "uptime=0".to_owned())
    }
}

impl client::Services for Desk {
    fn is_trusted(&self) -> bool {
        false
    }
    fn answer(&self, request: &Request, _: Instant) -> Result<Answer, Refusal> {
        let registry = self.world.registry.borrow();
        let recent = request.since.and_then(|since| registry.since(since));
        Ok(Answer::new(request, registry.list(), recent))
    }
    fn work(&self, _: &Request) -> Duration {
        Duration::ZERO
    }
    fn watch(&self) -> Result<(), Refusal> {
        Ok(())
    }
    fn is_crowded(&self) -> bool {
        false
    }
    fn stats(&self) -> Option<String> {
        game_server::Services::stats(self)
    }
}

impl watcher::Services for Desk {
    fn revision(&self) -> Revision {
        self.world.registry.borrow().list().revision()
    }
    fn batch(&self, question: Question) -> Arc<Batch> {
        let registry = self.world.registry.borrow();
        let since = question.unchanged_until;
        let recent = since.and_then(|since| registry.since(since));
        Arc::new(Batch::new(&question, &registry.list(), recent))
    }
}

struct Connection {
    id: ConnectionId,
    /// `None` once the tracker has closed.
    session: Option<Box<dyn Session>>,
    ip: IpAddr,
    received: VecDeque<String>,
}

pub(crate) struct Pretend {
    world: &'static World,
    setting: &'static Setting,
    now: Instant,
    connections: HashMap<String, Connection>,
    opened: ConnectionId,
}

impl Pretend {
    pub(crate) fn new(require_check: bool) -> Self {
        // Leaked, so that sessions can borrow it: a transcript is short and so is a test.
        let (keys, wrong) = Keys::default().renewed(include_str!("keys.txt"));
        assert_eq!(wrong, []);
        let world = Box::leak(Box::new(World {
            keys,
            datagrams: RefCell::default(),
            registry: RefCell::new(Registry::new(0xc0ffee)),
            passwords: Passwords::new(vec![PASSWORD.to_owned()]).unwrap(),
            numbers: Cell::new(0x5f1c_9a3e_77b0_4d21),
            dismissed: RefCell::default(),
        }));
        let setting = Box::leak(Box::new(Setting {
            game_server_port: 23470,
            client_port: 23471,
            require_check,
            ..Setting::default()
        }));
        Self {
            world,
            setting,
            now: Instant::now(),
            connections: HashMap::new(),
            opened: 0,
        }
    }

    /// Lets one connection's session do something, and does what the threads would do then.
    fn act(&mut self, name: &str, act: impl FnOnce(&mut dyn Session, Instant, &mut Outbox)) {
        let mut out = Outbox::default();
        let connection = self.connections.get_mut(name).unwrap();
        if let Some(session) = &mut connection.session {
            act(session.as_mut(), self.now, &mut out);
        }
        connection.hear(&mut out);
        let watching = |ending: &mut Ending| matches!(ending, Ending::Watching(_));
        if let Some(Ending::Watching(watch)) = out.ending.take_if(watching) {
            let desk = Desk {
                world: self.world,
                id: connection.id,
                ip: connection.ip,
            };
            connection.session = Some(Box::new(WatcherSession::new(desk, self.setting, watch)));
        } else if out.is_over() {
            self.close(name);
        }
        let dismissed: Vec<_> = self.world.dismissed.borrow_mut().drain().collect();
        for (id, why) in dismissed {
            let ghost = self
                .connections
                .iter_mut()
                .find(|(_, connection)| connection.id == id);
            let (name, connection) = ghost.expect("who is dismissed is connected");
            connection.received.push_back(why.to_string());
            let name = name.clone();
            self.close(&name);
        }
    }

    fn close(&mut self, name: &str) {
        let connection = self.connections.get_mut(name).unwrap();
        connection.session = None;
        self.world.registry.borrow_mut().remove(connection.id);
    }
}

impl Connection {
    fn hear(&mut self, out: &mut Outbox) {
        let chunks = out.take();
        let bytes = chunks.iter().flat_map(Chunk::pieces).flatten().copied();
        let text = String::from_utf8(bytes.collect()).unwrap();
        self.received.extend(text.lines().map(str::to_owned));
    }
}

impl Wire for Pretend {
    fn translate(&self, text: &str) -> String {
        text.to_owned()
    }

    fn connect(&mut self, name: &str, port: Port, from: IpAddr) {
        self.opened += 1;
        let id = self.opened;
        let desk = Desk {
            world: self.world,
            id,
            ip: from,
        };
        let setting = self.setting;
        let session: Box<dyn Session> = match port {
            Port::GameServer => Box::new(GameServerSession::new(desk, setting, self.now)),
            Port::Client => Box::new(ClientSession::new(desk, setting, self.now)),
        };
        let connection = Connection {
            id,
            session: Some(session),
            ip: from,
            received: VecDeque::new(),
        };
        self.connections.insert(name.to_owned(), connection);
    }

    fn send(&mut self, name: &str, line: &str) {
        self.act(name, |session, now, out| {
            session.on_line(Ok(line), now, out)
        });
    }

    fn half_close(&mut self, name: &str) {
        self.act(name, |session, _, out| session.on_end(false, out));
    }

    fn receive(&mut self, name: &str) -> Option<String> {
        if self.connections.get(name)?.received.is_empty() {
            // Something may be due: a batch of news is at the most that late.
            self.advance(self.setting.timings.batch_gap)?;
        }
        self.connections.get_mut(name)?.received.pop_front()
    }

    fn datagram(&mut self, name: &str) -> Option<String> {
        // The thread of the connection would wake up at once.
        self.advance(Duration::ZERO)?;
        let number = self
            .world
            .datagrams
            .borrow_mut()
            .remove(&self.connections[name].id)?;
        Some(format!("CHALLENGE {}", format_number(number)))
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let connection = &self.connections[name];
        connection.session.is_none() && connection.received.is_empty()
    }

    fn advance(&mut self, time: Duration) -> Option<()> {
        let end = self.now + time;
        loop {
            let deadlines = self.connections.iter().filter_map(|(name, connection)| {
                Some((connection.session.as_ref()?.next_deadline(), name.clone()))
            });
            match deadlines.min().filter(|(deadline, _)| *deadline <= end) {
                None => break,
                Some((deadline, name)) => {
                    // A change may make one due that has waited long already.
                    self.now = self.now.max(deadline);
                    self.act(&name, |session, now, out| session.on_deadline(now, out));
                }
            }
        }
        self.now = end;
        Some(())
    }

    fn left_over(&mut self, name: &str) -> Option<String> {
        self.receive(name)
    }
}
