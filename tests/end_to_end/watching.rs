//! WATCH on the real program: what many watchers are told, and what becomes of those who do not
//! read, hang up or are not wanted.

use crate::harness::{Peer, TrackerProcess};
use crate::patience::{PATIENCE, time_of};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, Instant};

/// The list as a watcher knows it: what INFOS said of each ip and port.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    fn take(&mut self, line: &str) {
        let mut words = line.split(' ').skip(1);
        let address = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        match line.split(' ').next() {
            Some("INFOS") => drop(self.0.insert(address, line.to_owned())),
            Some("GONE") => assert!(self.0.remove(&address).is_some(), "{line}"),
            _ => panic!("neither INFOS nor GONE: {line}"),
        }
    }

    /// Reads up to the next END and returns it.
    pub(crate) fn read_batch(&mut self, peer: &mut Peer) -> String {
        let mut lines = Vec::new();
        loop {
            let line = peer.line();
            assert!(!line.is_empty(), "the tracker has closed");
            if !line.starts_with("END ") {
                lines.push(line);
                continue;
            }
            assert!(line.contains(&format!("count={} ", lines.len())), "{line}");
            if !line.contains(" since=") {
                self.0.clear();
            }
            lines.iter().for_each(|line| self.take(line));
            return line;
        }
    }

    /// The lines of the list as it knows it.
    #[cfg(target_os = "linux")]
    pub(crate) fn lines(&self) -> impl Iterator<Item = &String> {
        self.0.values()
    }

    /// Reads until it knows what `list` shows.
    pub(crate) fn catch_up(&mut self, peer: &mut Peer, list: &[String]) {
        let mut expected = Self::default();
        list.iter().for_each(|line| expected.take(line));
        let start = Instant::now();
        while *self != expected {
            assert!(start.elapsed() < PATIENCE, "{self:?} is not {expected:?}");
            self.read_batch(peer);
        }
    }
}

#[test]
fn many_watchers_know_the_list_whatever_happens_to_it() {
    // pending 8, listed 32, client 16, watcher 64
    let arguments = ["--max-slots", "120", "--slot-shares", "1:4:2:8"];
    let tracker = TrackerProcess::start_with(&arguments);
    let mut game_servers: Vec<Peer> = (1..=20).map(|port| tracker.log_in(port, "")).collect();
    let mut watchers: Vec<(Peer, Known)> = (0..60)
        .map(|number| {
            let mut peer = Peer::connect(tracker.clients);
            peer.send(["WATCH", "watch speed!=x", "WATCH since="][number % 3]);
            let mut known = Known::default();
            known.read_batch(&mut peer);
            (peer, known)
        })
        .collect();
    tracker.wait_for_stat("watcher", "60/64");
    tracker.wait_for_stat("client", "1/16");
    let mut chance = 1_u32;
    for turn in 0..400 {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let at = (chance >> 16) as usize % game_servers.len();
        match turn % 10 {
            0 => assert_eq!(game_servers.swap_remove(at).ask("QUIT"), "OK bye"),
            5 => game_servers.push(tracker.log_in(100 + turn, "")),
            6 => {
                let moved = game_servers[at].ask(&format!("INFOS port={}", 1000 + turn));
                assert!(moved.starts_with("OK listed"), "{moved}");
            }
            _ => assert_eq!(
                game_servers[at].ask(&format!("INFOS nbplayers={turn}")),
                "OK"
            ),
        }
    }
    let list = tracker.list();
    assert_eq!(list.len(), 20);
    for (peer, known) in &mut watchers {
        known.catch_up(peer, &list);
    }
    assert_eq!(watchers[0].0.ask("QUIT"), "OK bye");
    assert_eq!(watchers[0].0.line(), "");
    drop(watchers);
    let took = time_of(|| tracker.wait_for_stat("watcher", "0/64"));
    assert!(took < PATIENCE / 2, "hanging up is noticed after {took:?}");
    assert!(tracker.stats()["batches"].parse::<u32>().unwrap() > 0);
}

#[test]
fn what_comes_right_behind_watch_is_heard() {
    let tracker = TrackerProcess::start();
    let answer = tracker.ask("WATCH notempty\nPING 7\nLIST\nQUIT\n");
    let lines: Vec<&str> = answer.lines().collect();
    assert!(lines[0].starts_with("END count=0 rev="), "{answer}");
    assert_eq!(lines[1], "PONG 7");
    assert!(lines[2].starts_with("ERR bad-syntax"), "{answer}");
    assert_eq!(lines[3..], ["OK bye"]);
    // Hanging up in one direction is hanging up.
    let mut peer = Peer::connect(tracker.clients);
    peer.send_raw(b"WATCH\nPING");
    peer.half_close();
    let answer = peer.read_to_end();
    assert!(answer.starts_with("END count=0"), "{answer}");
    assert!(
        answer.contains("ERR bad-syntax the last line did not end"),
        "{answer}"
    );
}

#[test]
fn watchers_have_slots_of_their_own_and_four_of_a_host() {
    // pending 5, listed 20, client 10, watcher 5
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "40"]);
    let stranger = ([127, 0, 0, 1], tracker.clients.port()).into();
    let mut watchers: Vec<Peer> = (0..4)
        .map(|_| {
            let mut peer = Peer::connect(stranger);
            assert!(peer.ask("WATCH").starts_with("END count=0"));
            peer
        })
        .collect();
    let mut fifth = Peer::connect(stranger);
    assert_eq!(fifth.ask("PING"), "PONG");
    let refused = "ERR too-many one address has at most 4 watcher connections at a time";
    assert_eq!(fifth.ask("WATCH"), refused);
    assert!(
        fifth.ask("LIST").starts_with("END count=0"),
        "it is a client still"
    );
    // The trusted take the last slot; then a newcomer's place is made.
    let mut trusted = Peer::connect(tracker.clients);
    assert!(trusted.ask("WATCH").starts_with("END count=0"));
    let mut another = Peer::connect(tracker.clients);
    assert!(another.ask("WATCH").starts_with("END count=0"));
    let youngest = watchers.pop().unwrap().read_to_end();
    assert!(youngest.starts_with("ERR busy "), "{youngest}");
    tracker.wait_for_stat("watcher", "5/5");
    tracker.wait_for_stat("dropped", "1");
    let line = tracker.wait_for_log("event=dropped");
    assert!(line.contains("class=watcher slots=5/5"), "{line}");
}

#[test]
fn who_does_not_read_is_led_to_the_newest_state_or_closed() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "400"]);
    let filling = "x".repeat(200);
    let fields = format!("a={filling} b={filling} c={filling}");
    let mut game_servers: Vec<Peer> = (1..=150)
        .map(|port| tracker.log_in(port, &fields))
        .collect();
    let mut watcher = Peer::connect(tracker.clients);
    watcher.send("WATCH");
    let mut known = Known::default();
    known.read_batch(&mut watcher);
    // A hundred kilobytes of news each time, and nobody who reads them: they wait in the socket
    // until it is full, and nowhere else.
    let start = Instant::now();
    let mut turn = 0;
    while turn < 20 || start.elapsed() < Duration::from_secs(2) {
        turn += 1;
        for game_server in &mut game_servers {
            game_server.send(&format!("INFOS nbplayers={turn}"));
        }
        for game_server in &mut game_servers {
            assert_eq!(game_server.answer(), "OK");
        }
    }
    let list = tracker.list();
    known.catch_up(&mut watcher, &list);
    assert!(list[0].contains(&format!("nbplayers={turn} ")));
}

#[test]
fn a_watcher_that_is_banned_is_told_and_closed() {
    let path = std::env::temp_dir().join(format!("gltracker-ban-watcher-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    let file = path.to_str().unwrap();
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "40", "--bans-file", file]);
    let mut watcher = Peer::connect(([127, 0, 0, 1], tracker.clients.port()).into());
    assert!(watcher.ask("WATCH").starts_with("END count=0"));
    tracker.wait_for_stat("watcher", "1/5");
    std::fs::write(&path, "127.0.0.0/8 too curious\n").unwrap();
    let told = "ERR banned the operator has banned your address: too curious\n";
    assert_eq!(watcher.read_to_end(), told);
    tracker.wait_for_stat("watcher", "0/5");
    let _ = std::fs::remove_file(&path);
}

#[test]
fn news_arrive_while_they_are_news() {
    let tracker = TrackerProcess::start();
    let mut game_server = tracker.log_in(1, "");
    let mut watcher = Peer::connect(tracker.clients);
    watcher.send("WATCH");
    Known::default().read_batch(&mut watcher);
    tracker.wait_for_stat("watcher", "1/10");
    // Of many tries the quickest says what is meant to be; the others what else the machine did.
    let quickest = (0..10).map(|players| {
        let start = Instant::now();
        assert_eq!(game_server.ask(&format!("INFOS nbplayers={players}")), "OK");
        assert!(watcher.line().contains(&format!("nbplayers={players}")));
        assert!(watcher.line().starts_with("END count=1"));
        start.elapsed()
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(150), "{quickest:?}");
    let mut rest = [0];
    watcher.socket().set_nonblocking(true).unwrap();
    assert!(watcher.socket().read(&mut rest).is_err(), "nothing more");
}
