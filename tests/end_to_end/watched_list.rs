//! What a client is told, as the client's own list takes it, is its part of the true list.
//!
//! Every answer is read by the code of the client, and held against the game servers that satisfy
//! the filter one by one: nothing here compares a text with one that the same code wrote.

use gltracker::client::KnownList;
use gltracker::protocol::fields::Request;
use gltracker::protocol::fields::filter::Filter;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::protocol::refusal::Refusal;
use gltracker::protocol::revision::Revision;
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker::tracker::session::answer::{Answer, Batch, Question};
use gltracker::tracker::session::client::{self, ClientSession};
use gltracker::tracker::session::watcher::{self, WatcherSession};
use gltracker::tracker::session::{Chunk, Ending, Outbox, Session, Setting};
use quickcheck::quickcheck;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILTERS: [&str; 5] = [
    "",
    "notempty",
    "notfull map=arena",
    "nbplayers>=2",
    "map!=arena",
];

struct World(RefCell<Registry>);

impl client::Services for &World {
    fn answer(&self, request: &Request, _: Instant) -> Result<Answer, Refusal> {
        let registry = self.0.borrow();
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
    fn is_trusted(&self) -> bool {
        true
    }
    fn stats(&self) -> Option<String> {
        None
    }
}

impl watcher::Services for &World {
    fn revision(&self) -> Revision {
        self.0.borrow().list().revision()
    }
    fn batch(&self, question: Question) -> Arc<Batch> {
        let registry = self.0.borrow();
        let since = question.unchanged_until;
        let recent = since.and_then(|since| registry.since(since));
        Arc::new(Batch::new(&question, &registry.list(), recent))
    }
}

impl World {
    /// One of sixteen game servers comes, changes or leaves.
    fn change(&self, what: u8, players: u8) {
        let (owner, mut registry) = (u64::from(what % 16), self.0.borrow_mut());
        if players % 8 == 7 {
            registry.remove(owner);
            return;
        }
        let map = ["arena", "town"][usize::from(what / 16 % 2)];
        // Now and then it moves, maybe to where another was.
        let port = 1 + owner + u64::from(players % 8 == 6);
        let said = format!(
            "port={port} nbplayers={} maxplayers=3 map={map}",
            players % 4
        );
        let infos = Infos::default().with(&Changes::parse(&said).unwrap());
        let ip = "192.0.2.1".parse().unwrap();
        let entry = Entry::new(ip, infos, Credential::Password(0)).unwrap();
        registry.put(owner, entry).unwrap();
    }

    /// Who satisfies the filter now.
    fn matching(&self, filter: &str) -> Vec<(SocketAddr, Infos)> {
        let (filter, list) = (Filter::parse(filter).unwrap(), self.0.borrow().list());
        let matching = list.entries().filter(|entry| filter.matches(&entry.infos));
        let mut found: Vec<_> = matching.map(|e| (e.address, e.infos.clone())).collect();
        found.sort_by_key(|(address, _)| *address);
        found
    }
}

/// A client that reads what it is sent.
struct Reader {
    filter: &'static str,
    known: KnownList,
}

impl Reader {
    fn new(filter: &'static str) -> Self {
        let known = KnownList::default();
        Self { filter, known }
    }

    fn read(&mut self, out: &mut Outbox) {
        let chunks = out.take();
        let bytes: Vec<u8> = chunks
            .iter()
            .flat_map(Chunk::pieces)
            .flatten()
            .copied()
            .collect();
        for line in String::from_utf8(bytes).unwrap().lines() {
            self.known
                .take(line)
                .expect("an answer that a client understands");
        }
    }

    fn knows(&self, world: &World) -> bool {
        let known: Vec<_> = self
            .known
            .iter()
            .map(|(at, infos)| (at, infos.clone()))
            .collect();
        known == world.matching(self.filter)
    }

    /// Says `verb`, with the revision that it was told last.
    fn ask(&mut self, world: &World, verb: &str, now: Instant) -> Outbox {
        let since = self.known.revision().unwrap_or_default();
        let line = format!("{verb} since={since} {}", self.filter);
        let mut out = Outbox::default();
        ClientSession::new(world, &Setting::default(), now).on_line(Ok(&line), now, &mut out);
        self.read(&mut out);
        out
    }
}

quickcheck! {
    fn a_watcher_has_its_part_of_the_list(changes: Vec<(u8, u8, u8)>) -> bool {
        let (world, setting) = (World(RefCell::new(Registry::new(7))), Setting::default());
        let mut now = Instant::now();
        let mut watchers = FILTERS.map(|filter| {
            let mut reader = Reader::new(filter);
            let Some(Ending::Watching(watch)) = reader.ask(&world, "WATCH", now).ending else {
                panic!("it does not watch");
            };
            (reader, WatcherSession::new(&world, &setting, watch))
        });
        for (what, players, pause) in changes {
            world.change(what, players);
            // Nothing, a batch, or a sign of life; and some of them are slow and told of nothing.
            now += Duration::from_millis([0, 100, 30_000][usize::from(pause % 3)]);
            for (at, (reader, session)) in watchers.iter_mut().enumerate() {
                let is_slow = usize::from(pause / 3) % FILTERS.len() == at;
                if is_slow || session.next_deadline() > now {
                    continue;
                }
                let mut out = Outbox::default();
                session.on_deadline(now, &mut out);
                reader.read(&mut out);
                assert!(session.next_deadline() > now && reader.knows(&world));
            }
        }
        now += Duration::from_secs(30);
        watchers.iter_mut().all(|(reader, session)| {
            let mut out = Outbox::default();
            session.on_deadline(now, &mut out);
            assert!(!out.is_empty(), "a sign of life at the least");
            reader.read(&mut out);
            let newest = world.0.borrow().list().revision().to_string();
            reader.knows(&world) && reader.known.revision() == Some(&newest)
        })
    }

    fn a_client_that_asks_again_has_its_part_of_the_list(changes: Vec<(u8, u8, u8)>) -> bool {
        let (world, now) = (World(RefCell::new(Registry::new(7))), Instant::now());
        let mut readers = FILTERS.map(Reader::new);
        changes.into_iter().all(|(what, players, who)| {
            world.change(what, players);
            let reader = &mut readers[usize::from(who) % FILTERS.len()];
            reader.ask(&world, "LIST", now);
            reader.knows(&world)
        })
    }
}
