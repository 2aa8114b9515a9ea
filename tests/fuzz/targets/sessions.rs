//! The sessions of several connections on one registry, against a slow model.
//!
//! The first line sets the stage: `r` only checked ports are listed, `c` a crowd, `n` no datagrams
//! may be sent, `s` game servers from before a restart, `l` little room on the list. A step is a
//! line: `<who>:<text>` says a line, `<who>.<text>` a piece of one, `<who>~` hangs up, `<who>#` sends
//! a kilobyte without LF. Who does not have a connection makes one: `a` to `d` are game servers, `e`
//! and `f` clients, `g` a guest of the former and `h` one of the latter. In a text `$` is the number that was sent last, `%` the right mac.
//! `@<n>` lets n tenths of a second pass, `!<n>` makes the tracker stand still for so long.
#![no_main]

use gltracker::protocol::fields::{Changes, Infos};
use gltracker::protocol::hmac::mac;
use gltracker::protocol::line::LineSplitter;
use gltracker::protocol::refusal::{ErrorCode, Refusal};
use gltracker::protocol::text::{format_number, parse_number};
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::session::client::ClientSession;
use gltracker::tracker::session::game_server::GameServerSession;
use gltracker::tracker::session::watcher::WatcherSession;
use gltracker::tracker::session::{Ending, Outbox, Session, Setting, Timings};
use gltracker_fuzz::checks::{MAX_LINE, ends_count, whole_lines};
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::{grown, number, steps};
use gltracker_fuzz::world::{Desk, KEY, World, take_bytes};
use libfuzzer_sys::fuzz_target;
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The longest time that may pass at once, and in all, in tenths of a second.
const LONGEST: u64 = 7000;
const LONGEST_IN_ALL: u64 = 30_000;

/// Owners of those from before a restart, and the port of the one that was checked.
const STALE: u64 = 1 << 32;
const CHECKED: &str = "5001";

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let (stage, script) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(0));
    let has = |letter| stage.contains(&letter);
    let setting = Setting {
        require_check: has(b'r'),
        ..Setting::default()
    };
    let world = World::new();
    world.is_crowded.set(has(b'c'));
    world.lets_send.set(!has(b'n'));
    world.room.set(if has(b'l') { 3 } else { usize::MAX });
    let mut scene = Scene {
        world,
        setting: &setting,
        connections: BTreeMap::new(),
        now: Instant::now(),
        is_on_time: true,
        last_id: 0,
    };
    if has(b's') {
        scene.restore();
    }
    let mut passed = 0;
    for (who, step) in steps(script) {
        match (who, step.split_first()) {
            (b'@' | b'!', _) => {
                let tenths = number(step, LONGEST).min(LONGEST_IN_ALL - passed);
                passed += tenths;
                scene.pass(Duration::from_millis(tenths * 100), who == b'@');
            }
            (b'a'..=b'h', Some((b':', text))) => scene.say(who, text, true),
            (b'a'..=b'h', Some((b'.', text))) => scene.say(who, text, false),
            (b'a'..=b'h', Some((b'#', _))) => scene.hear(who, &[b'x'; MAX_LINE]),
            (b'a'..=b'h', Some((b'~', _))) => scene.hang_up(who),
            _ => {}
        }
        scene.check();
    }
});

/// Whose turn it is to speak.
enum Talk<'a> {
    GameServer(GameServerSession<'a, Desk>),
    Client(ClientSession<'a, Desk>),
    Watcher(WatcherSession<'a, Desk>),
}

impl Talk<'_> {
    fn session(&mut self) -> &mut dyn Session {
        match self {
            Self::GameServer(session) => session,
            Self::Client(session) => session,
            Self::Watcher(session) => session,
        }
    }

    fn is_listed(&self) -> bool {
        matches!(self, Self::GameServer(session) if session.is_listed())
    }
}

/// One connection.
struct Connection<'a> {
    desk: Desk,
    talk: Talk<'a>,
    splitter: LineSplitter,
    /// When its last line came.
    heard: Instant,
    /// What it has said with success.
    said: Fields,
    /// The UDP ports that have sent a number back.
    proven: HashSet<SocketAddr>,
}

struct Scene<'a> {
    world: Rc<World>,
    setting: &'a Setting,
    connections: BTreeMap<u8, Connection<'a>>,
    now: Instant,
    /// The tracker has not stood still so far.
    is_on_time: bool,
    last_id: u64,
}

impl<'a> Scene<'a> {
    /// Lists three game servers from before a restart.
    fn restore(&mut self) {
        for (n, said) in [
            (1, "port=5001 checked=yes"),
            (2, "port=5002"),
            (3, "port=5003"),
        ] {
            let changes = Changes::parse(said).expect("these are fields");
            let infos = Infos::default().with(&changes);
            let peer = "198.51.100.7".parse().expect("an address");
            let entry = Entry::new(peer, infos, Credential::Forgotten).expect("it has a port");
            let until = self.now + Duration::from_secs(60);
            let mut registry = self.world.registry.borrow_mut();
            assert!(registry.restore(STALE + n, entry, until));
        }
    }

    /// The connection of `who`, which is made if there is none.
    fn connection(&mut self, who: u8) -> &mut Connection<'a> {
        let (world, setting, now) = (&self.world, self.setting, self.now);
        let id = &mut self.last_id;
        self.connections.entry(who).or_insert_with(|| {
            *id += 1;
            let peer = match who {
                b'a' | b'b' => "198.51.100.7",
                b'c' => "2001:db8::7",
                b'd' => "::ffff:192.0.2.1",
                _ => "::ffff:198.51.100.7",
            };
            let peer = peer.parse().expect("an address");
            let desk = Desk::new(world, *id, peer, who == b'd');
            let talk = match who {
                b'e' | b'f' => Talk::Client(ClientSession::new(desk.clone(), setting, now)),
                b'g' => {
                    let end = Refusal::new(ErrorCode::Busy, "all slots are in use");
                    let session = GameServerSession::for_guest(desk.clone(), setting, now, end);
                    Talk::GameServer(session)
                }
                b'h' => {
                    let end = Refusal::new(ErrorCode::TooMany, "too many failed logins");
                    Talk::Client(ClientSession::for_guest(desk.clone(), setting, now, end))
                }
                _ => Talk::GameServer(GameServerSession::new(desk.clone(), setting, now)),
            };
            Connection {
                desk,
                talk,
                splitter: LineSplitter::default(),
                heard: now,
                said: Fields::new(),
                proven: HashSet::new(),
            }
        })
    }

    /// `who` says a text, with its LF if it is a line.
    fn say(&mut self, who: u8, text: &[u8], is_line: bool) {
        let number = self.connection(who).desk.last_number();
        let mut bytes = Vec::new();
        for byte in text {
            match byte {
                b'$' => bytes.extend(format_number(number).bytes()),
                b'%' => bytes.extend(mac(KEY.1, number, KEY.0, port_in(text)).bytes()),
                byte => bytes.push(*byte),
            }
        }
        if is_line {
            bytes.push(b'\n');
        }
        // As they would come out of a socket.
        for bytes in bytes.chunks(MAX_LINE) {
            if self.connections.contains_key(&who) {
                self.hear(who, bytes);
            }
        }
    }

    /// Bytes of `who` come in.
    fn hear(&mut self, who: u8, bytes: &[u8]) {
        let now = self.now;
        self.connection(who);
        let Some(mut connection) = self.connections.remove(&who) else {
            return;
        };
        let mut splitter = std::mem::take(&mut connection.splitter);
        let mut is_noise = bytes.len() == MAX_LINE;
        let mut input = bytes;
        let mut is_over = false;
        while !is_over && let Some(line) = splitter.next_line(&mut input) {
            is_noise = false;
            let before = connection.desk.entry();
            let mut out = Outbox::default();
            connection.talk.session().on_line(line, now, &mut out);
            if line != Ok("") {
                connection.heard = now;
            }
            let watching = |ending: &mut Ending| matches!(ending, Ending::Watching(_));
            let watch = match out.ending.take_if(watching) {
                Some(Ending::Watching(watch)) => Some(watch),
                _ => None,
            };
            let (answer, closing) = answer(&mut out);
            if let (Ok(line), false) = (line, before.is_some() && connection.desk.entry().is_none())
            {
                connection.compare(line, &answer, before.as_deref());
            }
            is_over = closing.is_some();
            if let Some(watch) = watch {
                assert!(closing.is_none());
                let desk = connection.desk.clone();
                connection.talk = Talk::Watcher(WatcherSession::new(desk, self.setting, watch));
            }
            self.close_dismissed();
        }
        if is_noise && !is_over {
            let mut out = Outbox::default();
            connection.talk.session().on_noise(now, &mut out);
            is_over = answer(&mut out).1.is_some();
        }
        connection.splitter = splitter;
        match is_over {
            true => self.close(&connection),
            false => drop(self.connections.insert(who, connection)),
        }
    }

    fn hang_up(&mut self, who: u8) {
        if let Some(mut connection) = self.connections.remove(&who) {
            let is_inside = connection.splitter.is_inside_a_line();
            let mut out = Outbox::default();
            connection.talk.session().on_end(is_inside, &mut out);
            assert!(answer(&mut out).1.is_some(), "it goes on without a peer");
            self.close(&connection);
        }
    }

    fn close(&mut self, connection: &Connection) {
        let mut registry = self.world.registry.borrow_mut();
        registry.remove(connection.desk.id());
    }

    /// Closes those whose entries were taken over. The one that has done so may be away.
    fn close_dismissed(&mut self) {
        let dismissed = self.world.dismissed.take();
        self.connections
            .retain(|_, connection| !dismissed.contains(&connection.desk.id()));
    }

    /// Time passes: everybody's deadlines are met when they are due, or after it all.
    fn pass(&mut self, time: Duration, is_on_time: bool) {
        let until = self.now + time;
        self.is_on_time &= is_on_time || time.is_zero();
        if !is_on_time {
            self.now = until;
        }
        loop {
            let forget = self.world.registry.borrow().next_to_forget();
            let deadlines = self.connections.iter_mut();
            let deadlines = deadlines.map(|(who, c)| (c.talk.session().next_deadline(), *who));
            let next = deadlines.min().filter(|(at, _)| *at <= until);
            if let Some(forget) = forget.filter(|at| *at <= until) {
                self.world
                    .registry
                    .borrow_mut()
                    .forget(forget.max(self.now));
            }
            let Some((at, who)) = next else {
                break;
            };
            self.now = self.now.max(at);
            self.meet_deadline(who);
        }
        self.now = self.now.max(until);
    }

    fn meet_deadline(&mut self, who: u8) {
        let Some(mut connection) = self.connections.remove(&who) else {
            return;
        };
        let mut out = Outbox::default();
        let session = connection.talk.session();
        session.on_deadline(self.now, &mut out);
        if answer(&mut out).1.is_some() {
            return self.close(&connection);
        }
        assert!(
            session.next_deadline() > self.now,
            "it would be woken for ever"
        );
        self.connections.insert(who, connection);
    }

    /// Checks what is always true.
    fn check(&self) {
        let registry = self.world.registry.borrow();
        let list = registry.list();
        let (mut addresses, mut stale) = (HashSet::new(), 0);
        for entry in list.entries() {
            assert!(addresses.insert(entry.address), "twice: {}", entry.address);
            let holder = registry
                .holder_of(entry.address)
                .expect("somebody holds it");
            let connection = self.connections.values().find(|c| c.desk.id() == holder);
            match connection {
                Some(connection) => connection.check(entry),
                None => {
                    assert!(
                        holder > STALE && entry.is_stale(),
                        "without a connection: {entry:?}"
                    );
                    stale += 1;
                }
            }
        }
        let listed = self
            .connections
            .values()
            .filter(|c| c.talk.is_listed())
            .count();
        assert_eq!(list.count(), listed + stale);
        for connection in self.connections.values() {
            let is_listed = connection.talk.is_listed();
            assert_eq!(connection.desk.entry().is_some(), is_listed);
            if self.is_on_time {
                connection.check_patience(&self.setting.timings, self.now);
            }
        }
    }
}

impl Connection<'_> {
    /// Checks that the list has what was said, if that was INFOS and `answer` is OK, and that
    /// nothing has changed if it is not.
    fn compare(&mut self, line: &str, answer: &[String], before: Option<&Entry>) {
        let line = line.trim_matches(' ');
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let is_game_server = matches!(self.talk, Talk::GameServer(_));
        if !is_game_server || !verb.eq_ignore_ascii_case("INFOS") {
            return;
        }
        let is_ok = answer.first().is_some_and(|line| line.starts_with("OK"));
        if !is_ok {
            assert_eq!(self.desk.entry().as_deref(), before, "{line}: {answer:?}");
            return;
        }
        let rest = rest.trim_start_matches(' ');
        let (first, fields) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_number = !first.is_empty() && !first.contains(['=', '<', '>', '!', '"']);
        let said = naive::said(if is_number { fields } else { rest });
        let mut said = said.unwrap_or_else(|| panic!("understood: {line}"));
        said.remove("mac");
        naive::merge(&mut self.said, &said);
        let number = Some(first).filter(|_| is_number).and_then(parse_number);
        self.proven
            .extend(number.and_then(|number| self.desk.target_of(number)));
        if let Some(entry) = self.desk.entry()
            && answer[0].starts_with("OK listed")
        {
            assert_eq!(answer[0], format!("OK listed {}", entry.address));
        }
    }

    /// Checks that `entry` is what it has said and what the tracker knows.
    fn check(&self, entry: &Entry) {
        let mut fields = naive::said(entry.infos.spelled()).expect("these are fields");
        let peer = self.desk.peer();
        assert_eq!(entry.peer, peer);
        assert_eq!(fields["ip"], entry.address.ip().to_string());
        assert_eq!(fields["port"], entry.address.port().to_string());
        assert!(!entry.is_stale());
        let port = fields.get("pingport").unwrap_or(&fields["port"]);
        let ip = if self.desk.is_trusted() {
            peer
        } else {
            entry.address.ip()
        };
        let target = SocketAddr::new(ip, port.parse().expect("a number"));
        // What was checked before the restart still counts.
        let is_proven = port == CHECKED || self.proven.contains(&target);
        assert!(is_proven || !fields.contains_key("checked"), "{entry:?}");
        assert!(is_proven || ip == peer, "{entry:?}");
        fields.remove("checked");
        if !self.said.contains_key("ip") {
            fields.remove("ip");
        }
        assert_eq!(fields, self.said);
        whole_lines(entry.line().concat().as_bytes());
    }

    /// Checks that nobody is waited for too long.
    fn check_patience(&self, timings: &Timings, now: Instant) {
        let patience = match self.talk {
            Talk::Watcher(_) => return,
            Talk::GameServer(_) if self.talk.is_listed() => timings.drop_after,
            _ => timings.step,
        };
        assert!(
            now < self.heard + patience,
            "it was silent for {:?}",
            now - self.heard
        );
    }
}

/// The lines that a session has answered, and why it closes. Nothing follows the last line.
fn answer(out: &mut Outbox) -> (Vec<String>, Option<Ending>) {
    let bytes = take_bytes(out);
    let lines = whole_lines(&bytes);
    ends_count(&lines);
    match &out.ending {
        Some(Ending::Refused(refusal)) => assert_eq!(lines.last(), Some(&&*refusal.to_string())),
        Some(Ending::Done) => {
            let last = lines.last().copied().unwrap_or("OK bye");
            assert!(last == "OK bye" || last.starts_with("ERR bad-syntax the last line"));
        }
        Some(other) => panic!("no session ends so: {other:?}"),
        None => {}
    }
    let lines = lines.into_iter().map(str::to_owned).collect();
    (lines, out.ending.clone())
}

/// The number behind ` port=`.
fn port_in(text: &[u8]) -> u16 {
    let key = b" port=";
    let at = text.windows(key.len()).position(|window| window == key);
    at.map_or(0, |at| number(&text[at + key.len()..], 65535) as u16)
}
