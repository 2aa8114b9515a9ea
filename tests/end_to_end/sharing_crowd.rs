//! Three trackers, and game servers that come, change, move and leave at random, faster than trackers tell
//! each other.

use crate::engine::{EngineProcess, one_list};
use crate::harness::{Peer, TrackerProcess};
use crate::patience::wait_until;
use crate::sharing_lists::line;
use crate::watching::Known;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long it goes on.
const TIME: Duration = Duration::from_secs(2);

/// Ports of game servers that never leave, but move; those above come and go.
const FAITHFUL: u16 = 6;
const PORTS: u16 = 12;

/// One login, which may be an earlier one of its port that another has taken over.
struct Login {
    peer: Peer,
    fields: String,
}

impl Login {
    fn new(tracker: &TrackerProcess, port: u16, turn: u32) -> Self {
        let fields = format!("turn={turn}");
        let peer = tracker.log_in(port, &fields);
        Self { peer, fields }
    }

    /// False if it has been told that another has its place.
    fn change(&mut self, turn: u32) -> bool {
        let fields = format!("turn={turn}");
        let is_taken = self.peer.ask(&format!("INFOS {fields}")) != "OK";
        self.fields = fields;
        !is_taken
    }
}

/// Everybody who is logged in, by port; of each port the latest comes last.
struct Crowd<'a> {
    trackers: &'a [TrackerProcess],
    logins: BTreeMap<u16, Vec<Login>>,
    chance: Chance,
}

/// Numbers that look like chance.
struct Chance(u32);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as usize % limit
    }
}

impl Crowd<'_> {
    fn act(&mut self, turn: u32) {
        let port = 1 + self.chance.below(usize::from(PORTS)) as u16;
        let (action, at) = (self.chance.below(8), self.chance.below(self.trackers.len()));
        let tracker = &self.trackers[at];
        let logins = self.logins.entry(port).or_default();
        match (action, logins.last_mut()) {
            (0..=1, _) | (_, None) => logins.push(Login::new(tracker, port, turn)),
            (2, Some(_)) if port > FAITHFUL => {
                // All of them, so that nobody is left who was told nothing yet.
                for mut login in logins.drain(..) {
                    login.peer.send("QUIT");
                    login.peer.read_to_end();
                }
            }
            (_, Some(login)) => {
                login.change(turn);
            }
        }
    }

    /// Of each port the one login that is left in the end, as the list shows it.
    fn settle(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (port, logins) in &mut self.logins {
            wait_until("one login of a port is left", || {
                // It is told nothing else.
                logins.retain(|login| !login.peer.has_heard());
                (logins.len() <= 1).then_some(())
            });
            if let Some(login) = logins.last() {
                lines.push(line(*port, &format!(" {}", login.fields)));
            }
            assert!(*port > FAITHFUL || !logins.is_empty(), "nobody has {port}");
        }
        lines.sort();
        lines
    }
}

/// Watches until then and one batch more, and sees that nobody who never leaves is missing.
fn look_on(mut peer: Peer, mut known: Known, until: Instant) {
    while Instant::now() < until {
        known.read_batch(&mut peer);
        for port in 1..=FAITHFUL {
            let start = line(port, " ");
            let is_there = known.lines().any(|line| line.starts_with(&start));
            assert!(is_there, "{port} is not among {known:?}");
        }
    }
}

#[test]
fn whatever_game_servers_do_all_trackers_agree_soon_after() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let trackers = ["a", "b", "c"].map(|name| engine.tracker(name, &[]));
    for tracker in &trackers {
        tracker.wait_for_stat("sharing-trackers", "3/3");
    }
    let mut crowd = Crowd {
        trackers: &trackers,
        logins: BTreeMap::new(),
        chance: Chance(std::process::id()),
    };
    for port in 1..=FAITHFUL {
        let login = Login::new(&trackers[0], port, 0);
        crowd.logins.insert(port, vec![login]);
    }
    let all = trackers.each_ref();
    one_list(&all, |list| list.len() == usize::from(FAITHFUL));
    std::thread::scope(|scope| {
        let until = Instant::now() + TIME;
        let watchers = all.map(|tracker| {
            let mut peer = Peer::connect(tracker.clients);
            peer.send("WATCH");
            let mut known = Known::default();
            known.read_batch(&mut peer);
            scope.spawn(move || look_on(peer, known, until))
        });
        let mut turn = 0;
        while Instant::now() < until {
            turn += 1;
            crowd.act(turn);
        }
        eprintln!("{turn} turns");
        let expected = crowd.settle();
        one_list(&all, |list| list == expected);
        // One change more, which ends the watchers' wait too.
        for login in crowd.logins.values_mut().flatten() {
            assert!(login.change(turn + 1), "it has its place");
        }
        let expected = crowd.settle();
        one_list(&all, |list| list == expected);
        for watcher in watchers {
            watcher.join().unwrap();
        }
    });
}

/// What values are made of: all that has to be quoted, and letters of every length.
const PIECES: [&str; 14] = [
    "a", "B", "7", "-", "=", " ", "\"", "\\", "{}", "é", "漢", "😀", "\u{feff}", "\u{a0}",
];
const KEYS: [&str; 6] = ["description", "map", "nbplayers", "x", "x-", "y_1"];

/// Anything that a game server may say of itself reads the same at every tracker, or else its owner's whole
/// list would be read anew again and again.
#[test]
fn whatever_game_servers_say_arrives_as_it_is() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut chance = Chance(std::process::id());
    let mut game_servers: Vec<Peer> = (1..=10).map(|port| a.log_in(port, "")).collect();
    for turn in 0..400 {
        let at = chance.below(game_servers.len());
        let mut said = "INFOS".to_owned();
        for key in KEYS {
            let pieces = (0..chance.below(20)).map(|_| PIECES[chance.below(PIECES.len())]);
            let value: String = match key {
                "nbplayers" => chance.below(10_000).to_string(),
                _ => pieces.collect(),
            };
            if chance.below(2) == 0 {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                said += &format!(" {key}=\"{value}\"");
            }
        }
        assert_eq!(game_servers[at].ask(&said), "OK", "{said}");
        if turn % 40 == 0 {
            one_list(&[&a, &b], |list| list.len() == game_servers.len());
        }
    }
    one_list(&[&a, &b], |list| list.len() == game_servers.len());
    assert_eq!(engine.keys("*:mend:*"), [""; 0], "nothing was wrong");
}
