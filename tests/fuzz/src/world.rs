//! A tracker without sockets, threads and slots, for its sessions.

use gltracker::protocol::fields::Request;
use gltracker::protocol::hmac;
use gltracker::protocol::refusal::{ErrorCode, Refusal};
use gltracker::protocol::revision::Revision;
use gltracker::tracker::access::identity::ConnectionId;
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker::tracker::session::answer::{self, Answer, Batch, Question};
use gltracker::tracker::session::game_server::{self, taken, taken_over};
use gltracker::tracker::session::{Chunk, Outbox, client, watcher};
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The password of this tracker.
pub const PASSWORD: &str = "secret";

/// Its one key, and the secret of that.
pub const KEY: (&str, &str) = ("alice", "between us");

/// What all connections share.
#[derive(Debug)]
pub struct World {
    /// Who is listed.
    pub registry: RefCell<Registry>,
    /// Steps must be quick.
    pub is_crowded: Cell<bool>,
    /// Datagrams may be sent.
    pub lets_send: Cell<bool>,
    /// Game servers that may be on the list.
    pub room: Cell<usize>,
    /// Connections whose entries were taken over, and which are to be closed.
    pub dismissed: RefCell<Vec<ConnectionId>>,
    numbers: Cell<u64>,
}

impl World {
    /// An empty list, and room for everybody.
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            registry: RefCell::new(Registry::new(0xc0ffee)),
            is_crowded: Cell::new(false),
            lets_send: Cell::new(true),
            room: Cell::new(usize::MAX),
            dismissed: RefCell::default(),
            numbers: Cell::new(0x2a),
        })
    }
}

/// One connection, as its session sees the tracker.
#[derive(Debug, Clone)]
pub struct Desk(Rc<Connection>);

#[derive(Debug)]
struct Connection {
    world: Rc<World>,
    id: ConnectionId,
    peer: IpAddr,
    is_trusted: bool,
    has_been_listed: Cell<bool>,
    numbers: RefCell<Vec<(u64, Option<SocketAddr>)>>,
}

impl Desk {
    /// The connection `id` from `peer`.
    pub fn new(world: &Rc<World>, id: ConnectionId, peer: IpAddr, is_trusted: bool) -> Self {
        Self(Rc::new(Connection {
            world: Rc::clone(world),
            id,
            peer,
            is_trusted,
            has_been_listed: Cell::new(false),
            numbers: RefCell::default(),
        }))
    }

    /// Names the connection.
    pub fn id(&self) -> ConnectionId {
        self.0.id
    }

    /// Where it comes from.
    pub fn peer(&self) -> IpAddr {
        self.0.peer.to_canonical()
    }

    /// True if it may name another address.
    pub fn is_trusted(&self) -> bool {
        self.0.is_trusted
    }

    /// The last number that it was sent.
    pub fn last_number(&self) -> u64 {
        self.0
            .numbers
            .borrow()
            .last()
            .map_or(0, |(number, _)| *number)
    }

    /// Where this number was sent by UDP.
    pub fn target_of(&self, number: u64) -> Option<SocketAddr> {
        let numbers = self.0.numbers.borrow();
        numbers
            .iter()
            .find_map(|(sent, target)| target.filter(|_| *sent == number))
    }

    /// The numbers that were sent to its UDP ports, the newest last.
    pub fn datagrams(&self) -> Vec<(u64, u16)> {
        let numbers = self.0.numbers.borrow();
        let datagrams = numbers
            .iter()
            .filter_map(|(number, target)| Some((*number, (*target)?.port())));
        datagrams.collect()
    }

    /// Its entry on the list.
    pub fn entry(&self) -> Option<Arc<Entry>> {
        self.0.world.registry.borrow().entry_of(self.0.id)
    }

    fn new_number(&self) -> u64 {
        let numbers = &self.0.world.numbers;
        numbers.set(numbers.get() + 1);
        numbers.get()
    }
}

/// True unless somebody else holds the address of `entry`: nobody but the same game server, started
/// again, takes a place over.
fn is_free_for(registry: &Registry, owner: ConnectionId, entry: &Entry) -> bool {
    let mine = registry.entry_of(owner).map(|mine| mine.address);
    let list = registry.list();
    let there = list.entries().find(|there| there.address == entry.address);
    there.is_none_or(|there| {
        let is_forgotten = there.credential == Credential::Forgotten;
        let is_same = there.credential == entry.credential || is_forgotten;
        let is_at_home = |entry: &Entry| entry.peer == entry.address.ip();
        Some(there.address) == mine
            || is_at_home(entry) && !is_at_home(there)
            || there.peer == entry.peer && is_same
    })
}

/// What is to be sent, and nothing is left of it.
pub fn take_bytes(out: &mut Outbox) -> Vec<u8> {
    let chunks = out.take();
    chunks
        .iter()
        .flat_map(Chunk::pieces)
        .flatten()
        .copied()
        .collect()
}

impl game_server::Services for Desk {
    fn peer_ip(&self) -> IpAddr {
        self.0.peer
    }

    fn is_trusted(&self) -> bool {
        self.0.is_trusted
    }

    fn verify(&self, password: &str) -> Option<Credential> {
        (password == PASSWORD).then_some(Credential::Password(0))
    }

    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let is_right = name == KEY.0 && mac == hmac::mac(KEY.1, number, name, port);
        is_right.then_some(Credential::Key(1))
    }

    fn challenge_number(&self) -> u64 {
        let number = self.new_number();
        self.0.numbers.borrow_mut().push((number, None));
        number
    }

    fn send_proof(&self, number: u64, target: SocketAddr, _: Instant) -> bool {
        let may_send = self.0.world.lets_send.get();
        if may_send {
            assert!(target.port() >= 1024, "a datagram to {target}");
            self.0.numbers.borrow_mut().push((number, Some(target)));
        }
        may_send
    }

    fn proven(&self, _: SocketAddr, _: bool) {}

    fn is_crowded(&self) -> bool {
        self.0.world.is_crowded.get()
    }

    fn entry(&self) -> Option<Arc<Entry>> {
        Desk::entry(self)
    }

    fn absent(&self, entry: &Entry) -> Option<Arc<Entry>> {
        self.0.world.registry.borrow().absent_before(entry)
    }

    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let registry = self.0.world.registry.borrow();
        let replaced = registry.replaced(self.0.id, entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }

    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        let (world, address) = (&self.0.world, entry.address);
        let mut registry = world.registry.borrow_mut();
        let is_update = self.0.has_been_listed.get();
        if is_update && registry.entry_of(self.0.id).is_none() {
            return Err(taken_over(address));
        }
        let may_put = is_free_for(&registry, self.0.id, &entry);
        let replaced = registry.replaced(self.0.id, &entry);
        assert_eq!(replaced.is_ok(), may_put, "{address}");
        let replaced = replaced.map_err(|why| taken(address, why))?;
        let is_more = !is_update && replaced.is_none();
        if is_more && registry.list().count() >= world.room.get() {
            return Err(Refusal::new(ErrorCode::Busy, "there is no free slot"));
        }
        assert_eq!(registry.put(self.0.id, entry), Ok(replaced), "{address}");
        world.dismissed.borrow_mut().extend(replaced);
        self.0.has_been_listed.set(true);
        Ok(())
    }

    fn leave(&self) {
        self.0.world.registry.borrow_mut().remove(self.0.id);
    }

    fn stats(&self) -> Option<String> {
        self.0.is_trusted.then(|| "uptime=0".to_owned())
    }
}

impl client::Services for Desk {
    fn answer(&self, request: &Request, _: Instant) -> Result<Answer, Refusal> {
        let registry = self.0.world.registry.borrow();
        let recent = request.since.and_then(|since| registry.since(since));
        Ok(Answer::new(request, registry.list(), recent))
    }

    fn work(&self, request: &Request) -> Duration {
        let registry = self.0.world.registry.borrow();
        let recent = request.since.and_then(|since| registry.since(since));
        answer::work(&request.filter, &registry.list(), &recent)
    }

    fn watch(&self) -> Result<(), Refusal> {
        match self.0.world.room.get() {
            usize::MAX => Ok(()),
            _ => Err(Refusal::new(ErrorCode::Busy, "there is no free slot")),
        }
    }

    fn is_crowded(&self) -> bool {
        self.0.world.is_crowded.get()
    }

    fn is_trusted(&self) -> bool {
        self.0.is_trusted
    }

    fn stats(&self) -> Option<String> {
        None
    }
}

impl watcher::Services for Desk {
    fn revision(&self) -> Revision {
        self.0.world.registry.borrow().list().revision()
    }

    fn batch(&self, question: Question) -> Arc<Batch> {
        let registry = self.0.world.registry.borrow();
        let since = question.unchanged_until;
        let recent = since.and_then(|since| registry.since(since));
        Arc::new(Batch::new(&question, &registry.list(), recent))
    }
}
