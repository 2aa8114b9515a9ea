//! The session with a game server, on a pretend clock.

mod login;

mod listing;

mod proof;

mod named_address;

use super::{GameServerSession, Services, taken};
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::common::Session;
use crate::tracker::session::limits::Setting;
use crate::tracker::session::outbox::{Ending, Outbox};
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A tracker of one connection.
struct Alone {
    registry: RefCell<Registry>,
    crowded: Cell<bool>,
    listed_slots: Cell<u32>,
    trusted: Cell<bool>,
    numbers: Cell<u64>,
    datagrams: RefCell<Vec<(u64, SocketAddr)>>,
    proofs: RefCell<Vec<bool>>,
}

impl Services for &Alone {
    fn peer_ip(&self) -> IpAddr {
        "::ffff:198.51.100.7".parse().unwrap()
    }
    fn verify(&self, password: &str) -> Option<Credential> {
        (password == "secret").then_some(Credential::Password(0))
    }
    fn is_trusted(&self) -> bool {
        self.trusted.get()
    }
    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let expected = crate::protocol::hmac::mac("between us", number, name, port);
        (name == "alice" && mac == expected).then_some(Credential::Key(1))
    }
    fn send_proof(&self, number: u64, target: SocketAddr, _: Instant) -> bool {
        self.datagrams.borrow_mut().push((number, target));
        true
    }
    fn proven(&self, _: SocketAddr, is_reachable: bool) {
        self.proofs.borrow_mut().push(is_reachable);
    }
    fn leave(&self) {
        self.registry.borrow_mut().remove(1);
    }
    fn challenge_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get() - 1
    }
    fn is_crowded(&self) -> bool {
        self.crowded.get()
    }
    fn entry(&self) -> Option<Arc<Entry>> {
        self.registry.borrow().entry_of(1)
    }
    fn absent(&self, entry: &Entry) -> Option<Arc<Entry>> {
        self.registry.borrow().absent_before(entry)
    }
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let replaced = self.registry.borrow().replaced(1, entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }
    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        if self.listed_slots.get() == 0 {
            return Err(Refusal::new(ErrorCode::Busy, "full"));
        }
        let taken = |_| Refusal::new(ErrorCode::Taken, "taken");
        self.registry
            .borrow_mut()
            .put(1, entry)
            .map(|_| ())
            .map_err(taken)
    }
    fn stats(&self) -> Option<String> {
        None
    }
}

/// The address that the game server is seen at.
fn own(port: u16) -> SocketAddr {
    ([198, 51, 100, 7], port).into()
}

fn alone() -> Alone {
    Alone {
        registry: RefCell::new(Registry::new(1)),
        crowded: Cell::new(false),
        listed_slots: Cell::new(1),
        trusted: Cell::new(false),
        numbers: Cell::new(0x2a),
        datagrams: RefCell::default(),
        proofs: RefCell::default(),
    }
}

fn say(
    session: &mut GameServerSession<'_, &Alone>,
    line: &str,
    now: Instant,
) -> (String, Option<Ending>) {
    let mut out = Outbox::default();
    session.on_line(Ok(line), now, &mut out);
    let text = out.take_text();
    (text, out.ending)
}

const NUMBER: &str = "000000000000002a";

fn listed<'a>(
    tracker: &'a Alone,
    setting: &'a Setting,
    now: Instant,
) -> GameServerSession<'a, &'a Alone> {
    tracker.numbers.set(0x2a);
    let mut session = GameServerSession::new(tracker, setting, now);
    assert_eq!(
        say(&mut session, "LOGIN secret", now).0,
        format!("CHALLENGE {NUMBER}\n")
    );
    let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} port=23460"), now);
    assert_eq!(
        (answer.as_str(), closing),
        ("OK listed 198.51.100.7:23460\n", None)
    );
    session
}

/// Lets time pass until `until`; what was sent on the connection meanwhile.
fn wait(session: &mut GameServerSession<'_, &Alone>, until: Instant) -> (String, Option<Ending>) {
    let mut out = Outbox::default();
    while session.next_deadline() <= until && out.ending.is_none() {
        session.on_deadline(session.next_deadline(), &mut out);
    }
    (out.take_text(), out.ending)
}
