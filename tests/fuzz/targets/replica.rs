//! What clients and watchers know, against the list as it is.
//!
//! A step is a line: `+<who><fields>` lists a game server or changes it, `-<who>` takes it off,
//! `*<who><n>` changes it n times, `w<conditions>` begins to watch, `l<conditions>` asks for the
//! list, `?` all who have asked ask again for what has changed, `z<n>` the n-th watcher reads no
//! more or again, `o<n>` it comes back on a new connection, `@<n>` n tenths of a second pass.
#![no_main]

use gltracker::client::KnownList;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::session::client::ClientSession;
use gltracker::tracker::session::watcher::WatcherSession;
use gltracker::tracker::session::{Ending, Outbox, Session, Setting};
use gltracker_fuzz::checks::{ends_count, whole_lines};
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::{grown, number, steps};
use gltracker_fuzz::world::{Desk, World, take_bytes};
use libfuzzer_sys::fuzz_target;
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The most who watch or ask.
const VIEWERS: usize = 6;

/// The most changes of `*` in all: enough for the oldest to be forgotten.
const CHANGES: u64 = 2500;

/// The longest time that may pass at once, in tenths of a second.
const LONGEST: u64 = 700;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let setting = Setting::default();
    let mut scene = Scene {
        world: World::new(),
        setting: &setting,
        viewers: Vec::new(),
        now: Instant::now(),
    };
    let mut changes = 0;
    for (step, rest) in steps(data) {
        let who = u16::from(rest.first().copied().unwrap_or_default());
        let after = rest.get(1..).unwrap_or_default();
        let text = String::from_utf8_lossy(rest);
        match step {
            b'+' => scene.put(who, &String::from_utf8_lossy(after)),
            b'-' => drop(scene.world.registry.borrow_mut().remove(who.into())),
            b'*' => {
                for n in 0..number(after, CHANGES - changes) {
                    scene.put(who, &format!("nbplayers={} silent={n}", n % 3));
                    changes += 1;
                }
            }
            b'w' => scene.view(&text, true),
            b'l' => scene.view(&text, false),
            b'?' => scene.ask_again(),
            b'z' | b'o' if !scene.viewers.is_empty() => {
                let place = number(rest, 1000) as usize % scene.viewers.len();
                let viewer = &mut scene.viewers[place];
                match step {
                    b'z' => viewer.is_reading = !viewer.is_reading,
                    _ if viewer.watch.is_some() => scene.come_back(place),
                    _ => {}
                }
            }
            b'@' => scene.pass(number(rest, LONGEST)),
            _ => {}
        }
    }
    for viewer in &mut scene.viewers {
        viewer.is_reading = true;
    }
    scene.pass(2);
    scene.ask_again();
});

/// A client, and what it knows.
struct Viewer<'a> {
    desk: Desk,
    conditions: String,
    filter: naive::Filter,
    known: KnownList,
    /// The revisions that it was told.
    told: HashSet<String>,
    /// Its session if it watches.
    watch: Option<WatcherSession<'a, Desk>>,
    is_reading: bool,
    /// When it was sent END the last time.
    heard: Instant,
}

struct Scene<'a> {
    world: Rc<World>,
    setting: &'a Setting,
    viewers: Vec<Viewer<'a>>,
    now: Instant,
}

impl<'a> Scene<'a> {
    /// Lists the game server `who`, which may say another port than its own, or changes it.
    fn put(&self, who: u16, text: &str) {
        let peer: IpAddr = "192.0.2.1".parse().expect("an address");
        let Ok(changes) = Changes::parse(text) else {
            return;
        };
        let mut registry = self.world.registry.borrow_mut();
        let mut infos = match registry.entry_of(who.into()) {
            Some(entry) => entry.infos.clone(),
            None => Infos::default(),
        };
        if infos.number("port").is_none() {
            infos.set("port", &(1 + who).to_string()).expect("a port");
        }
        infos = infos.with(&changes);
        infos.set("ip", "").expect("it is the tracker's to say");
        if infos.check_complete().is_ok() {
            let entry = Entry::new(peer, infos, Credential::Password(0)).expect("it has a port");
            // One that takes over another's place takes its entry off too.
            registry
                .put(who.into(), entry)
                .expect("the same credential");
        }
    }

    /// One more client asks or watches.
    fn view(&mut self, conditions: &str, watches: bool) {
        if self.viewers.len() == VIEWERS {
            return;
        }
        let Some(filter) = naive::Filter::parse(conditions) else {
            return;
        };
        // No condition, and too many of them.
        if conditions.contains("since=") || filter.counts().0 > naive::MAX_CONDITIONS {
            return;
        }
        let id = 1000 + self.viewers.len() as u64;
        let peer = "198.51.100.7".parse().expect("an address");
        self.viewers.push(Viewer {
            desk: Desk::new(&self.world, id, peer, true),
            conditions: conditions.to_owned(),
            filter,
            known: KnownList::default(),
            told: HashSet::new(),
            watch: None,
            is_reading: true,
            heard: self.now,
        });
        self.ask(
            self.viewers.len() - 1,
            if watches { "WATCH" } else { "LIST" },
        );
    }

    /// Says `verb` on a new connection, with what the client has already.
    fn ask(&mut self, place: usize, verb: &str) {
        let viewer = &mut self.viewers[place];
        let since = viewer
            .known
            .revision()
            .map(|revision| format!(" since={revision}"));
        let line = format!("{verb}{} {}", since.unwrap_or_default(), viewer.conditions);
        let mut out = Outbox::default();
        let mut session = ClientSession::new(viewer.desk.clone(), self.setting, self.now);
        session.on_line(Ok(&line), self.now, &mut out);
        let watching = |ending: &mut Ending| matches!(ending, Ending::Watching(_));
        let watch = match out.ending.take_if(watching) {
            Some(Ending::Watching(watch)) => Some(watch),
            _ => None,
        };
        assert_eq!(out.ending, None, "{line}");
        assert_eq!(watch.is_some(), verb == "WATCH");
        viewer.watch =
            watch.map(|watch| WatcherSession::new(session.into_services(), self.setting, watch));
        let ends = viewer.hear(&mut out, self.now);
        assert_eq!(ends, 1, "{line}");
        self.check(place);
    }

    fn ask_again(&mut self) {
        for place in 0..self.viewers.len() {
            if self.viewers[place].watch.is_none() {
                self.ask(place, "LIST");
            }
        }
    }

    fn come_back(&mut self, place: usize) {
        self.viewers[place].known.forget_part();
        self.ask(place, "WATCH");
    }

    /// Time passes; whoever reads is told what is due.
    fn pass(&mut self, tenths: u64) {
        let until = self.now + Duration::from_millis(100) * tenths as u32;
        loop {
            let due = self
                .viewers
                .iter()
                .zip(0..)
                .filter(|(viewer, _)| viewer.is_reading);
            let due = due.filter_map(|(viewer, place)| {
                Some((viewer.watch.as_ref()?.next_deadline(), place))
            });
            let Some((at, place)) = due.min().filter(|(at, _)| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            self.tell(place);
        }
        self.now = until;
        let sign_of_life = self.setting.timings.sign_of_life;
        for viewer in self.viewers.iter().filter(|viewer| viewer.is_reading) {
            if viewer.watch.is_some() {
                let silent = self.now - viewer.heard;
                assert!(silent <= sign_of_life, "no sign of life for {silent:?}");
            }
        }
    }

    fn tell(&mut self, place: usize) {
        let viewer = &mut self.viewers[place];
        let Some(session) = &mut viewer.watch else {
            return;
        };
        let mut out = Outbox::default();
        session.on_deadline(self.now, &mut out);
        assert!(
            session.next_deadline() > self.now,
            "it would be woken for ever"
        );
        assert!(session.knows_all());
        viewer.hear(&mut out, self.now);
        self.check(place);
    }

    /// Checks that a client that was told everything knows the list.
    fn check(&self, place: usize) {
        let (viewer, list) = (&self.viewers[place], self.world.registry.borrow().list());
        let entries = list
            .entries()
            .map(|entry| (entry.address, fields_of(&entry.infos)));
        let passing = entries.filter(|(_, fields)| viewer.filter.holds(fields));
        let known = viewer.known.iter();
        let known = known.map(|(address, infos)| (address, fields_of(infos)));
        assert_eq!(
            known.collect::<BTreeMap<SocketAddr, Fields>>(),
            passing.collect(),
            "{}",
            viewer.conditions
        );
    }
}

impl Viewer<'_> {
    /// Reads what it is sent. Returns how many END that were.
    fn hear(&mut self, out: &mut Outbox, now: Instant) -> usize {
        let bytes = take_bytes(out);
        let lines = whole_lines(&bytes);
        ends_count(&lines);
        let mut ends = 0;
        for line in lines {
            if let Some((_, since)) = line.split_once(" since=")
                && line.starts_with("END")
            {
                assert!(
                    self.told.contains(since),
                    "it was never told of {since}: {line}"
                );
            }
            match self.known.take(line) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    ends += 1;
                    self.heard = now;
                    let revision = self.known.revision().expect("END names a revision");
                    self.told.insert(revision.to_owned());
                }
                Err(error) => panic!("{line}: {error}"),
            }
        }
        ends
    }
}

fn fields_of(infos: &Infos) -> Fields {
    naive::said(infos.spelled()).expect("these are fields")
}
