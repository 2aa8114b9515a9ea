//! The announcer and the tracker, each as it is, with one another.
//!
//! The first line sets the stage: `k` it logs in with a key, `r` only checked ports are listed. A step
//! is a line: `+<fields>` the game server wants to say, `u` datagrams get lost from now on or arrive
//! again, `@<n>` n tenths of a second pass, `~` the connection is lost.
#![no_main]

use gltracker::game_server::Credential;
use gltracker::game_server::session::{Ending, News, Outbox as Said, Session as Announcing};
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::protocol::refusal::ErrorCode;
use gltracker::tracker::session::game_server::GameServerSession;
use gltracker::tracker::session::{Outbox, Session, Setting};
use gltracker_fuzz::checks::whole_lines;
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::{grown, number, steps};
use gltracker_fuzz::world::{Desk, KEY, PASSWORD, World, take_bytes};
use libfuzzer_sys::fuzz_target;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time that may pass at once, in tenths of a second.
const LONGEST: u64 = 700;

/// Time in which all is said that is wanted: five changes of a large set and three datagrams.
const SETTLES: u64 = 50;

/// Lines of one that are answered by the other without a pause.
const MOST_AT_ONCE: usize = 100;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let (stage, script) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(0));
    let setting = Setting {
        require_check: stage.contains(&b'r'),
        ..Setting::default()
    };
    let credential = match stage.contains(&b'k') {
        true => Credential::key(KEY.0, KEY.1),
        false => Credential::password(PASSWORD),
    };
    let credential = Arc::new(credential.expect("a login can carry it"));
    let mut pair = Pair::new(&setting, credential);
    pair.talk();
    for (step, rest) in steps(script) {
        match step {
            b'+' => pair.want(&String::from_utf8_lossy(rest)),
            b'u' => pair.are_lost = !pair.are_lost,
            b'@' => pair.pass(number(rest, LONGEST)),
            b'~' => pair.connect(),
            _ => {}
        }
        pair.talk();
    }
    // A check that has begun while datagrams were lost comes to its end first, and with it, where
    // only checked ports are listed, the connection.
    pair.are_lost = false;
    pair.pass(100);
    pair.pass(SETTLES);
    pair.check();
});

/// A connection from both its ends.
struct Pair<'a> {
    world: Rc<World>,
    setting: &'a Setting,
    credential: Arc<Credential>,
    wanted: Infos,
    announcing: Announcing,
    said: Said,
    session: GameServerSession<'a, Desk>,
    desk: Desk,
    /// Datagrams that were looked at.
    seen: usize,
    are_lost: bool,
    now: Instant,
    last_id: u64,
}

impl<'a> Pair<'a> {
    fn new(setting: &'a Setting, credential: Arc<Credential>) -> Self {
        let (world, now) = (World::new(), Instant::now());
        let changes = Changes::parse("port=23460").expect("these are fields");
        let wanted = Infos::default().with(&changes);
        let desk = desk(&world, 1);
        let mut said = Said::default();
        let announcing = Announcing::new(
            credential.clone(),
            wanted.clone(),
            Vec::new(),
            now,
            &mut said,
        );
        Self {
            session: GameServerSession::new(desk.clone(), setting, now),
            world,
            setting,
            credential,
            wanted,
            announcing,
            said,
            desk,
            seen: 0,
            are_lost: false,
            now,
            last_id: 1,
        }
    }

    /// Both meet on a new connection, and know nothing of the one before.
    fn connect(&mut self) {
        self.world.registry.borrow_mut().remove(self.desk.id());
        self.last_id += 1;
        self.desk = desk(&self.world, self.last_id);
        self.session = GameServerSession::new(self.desk.clone(), self.setting, self.now);
        let (credential, wanted) = (self.credential.clone(), self.wanted.clone());
        self.said = Said::default();
        self.announcing = Announcing::new(credential, wanted, Vec::new(), self.now, &mut self.said);
        self.seen = 0;
    }

    /// Wants something else said, if a game server may say it to this tracker.
    fn want(&mut self, text: &str) {
        let Ok(changes) = Changes::parse(text) else {
            return;
        };
        let wanted = self.wanted.with(&changes);
        let words = ["ip", "checked", "stale", "mac"];
        if words.into_iter().all(|word| changes.get(word).is_none())
            && wanted.check_complete().is_ok()
            && (udp_port(&wanted) >= 1024 || !self.setting.require_check)
        {
            self.wanted = wanted.clone();
            self.announcing.on_change(wanted, self.now, &mut self.said);
        }
    }

    /// Each hears what the other says, until both are silent.
    fn talk(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            for news in self.said.news.drain(..) {
                if let News::NotTaken(fields, refusal) = news {
                    panic!("{fields} were not taken: {refusal}");
                }
            }
            match self.said.ending.take() {
                None => {}
                Some(Ending::LogInAgain) => self.connect(),
                Some(ending) => return self.over(&ending),
            }
            let said = std::mem::take(&mut self.said.text);
            let mut out = Outbox::default();
            for line in whole_lines(said.as_bytes()) {
                self.session.on_line(Ok(line), self.now, &mut out);
            }
            self.hear(out);
            if self.said.text.is_empty() && self.said.ending.is_none() {
                return;
            }
        }
        panic!("they never stop");
    }

    /// The announcer hears what the tracker says, and its datagrams.
    fn hear(&mut self, mut out: Outbox) {
        let bytes = take_bytes(&mut out);
        for line in whole_lines(&bytes) {
            self.announcing.on_line(Ok(line), self.now, &mut self.said);
        }
        let datagrams = self.desk.datagrams();
        for (number, port) in datagrams.into_iter().skip(self.seen) {
            self.seen += 1;
            if !self.are_lost && port == udp_port(&self.wanted) {
                self.announcing.on_number(number, self.now, &mut self.said);
            }
        }
        let is_closed = out.ending.is_some() && self.said.ending.is_none();
        assert!(
            !is_closed,
            "the tracker hangs up and the announcer does not know why"
        );
    }

    /// An honest announcer loses no connection, unless its port does not answer.
    fn over(&mut self, ending: &Ending) {
        let is_unreachable = match ending {
            Ending::Refused(refusal) => refusal.code == Some(ErrorCode::Unreachable),
            _ => false,
        };
        assert!(is_unreachable && self.setting.require_check, "{ending:?}");
        self.connect();
        self.talk();
    }

    /// Time passes, and every deadline of both is met.
    fn pass(&mut self, tenths: u64) {
        let until = self.now + Duration::from_millis(100) * tenths as u32;
        loop {
            let deadlines = [
                self.announcing.next_deadline(),
                self.session.next_deadline(),
            ];
            let at = deadlines[0].min(deadlines[1]);
            if at > until {
                break;
            }
            self.now = self.now.max(at);
            if deadlines[0] <= self.now {
                self.announcing.on_deadline(self.now, &mut self.said);
            }
            if deadlines[1] <= self.now {
                let mut out = Outbox::default();
                self.session.on_deadline(self.now, &mut out);
                self.hear(out);
            }
            self.talk();
        }
        self.now = until;
    }

    /// Checks that the list has all that is wanted, and nothing else.
    fn check(&self) {
        let entry = self.desk.entry().expect("it is listed");
        let mut listed = fields_of(&entry.infos);
        listed.remove("ip");
        listed.remove("checked");
        assert_eq!(listed, fields_of(&self.wanted));
    }
}

fn desk(world: &Rc<World>, id: u64) -> Desk {
    Desk::new(
        world,
        id,
        "198.51.100.7".parse().expect("an address"),
        false,
    )
}

fn udp_port(infos: &Infos) -> u16 {
    let port = infos.number("pingport").or(infos.number("port"));
    port.expect("it has a port")
}

fn fields_of(infos: &Infos) -> Fields {
    naive::said(infos.spelled()).expect("these are fields")
}
