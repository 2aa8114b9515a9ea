//! Deadlines over real sockets, with timings short enough to wait for. How the sessions count is
//! tested on a pretend clock; this is about threads that wake up and connections that close.

use crate::harness::{PASSWORD, Peer};
use crate::patience::{NEVER, PATIENCE, wait_until};
use gltracker::tracker::log::{Level, Log};
use gltracker::tracker::session::Timings;
use gltracker::tracker::session::limits::{LONGEST, MAX_MISTAKES, SHORTEST};
use gltracker::tracker::{Config, Tracker};
use std::io::Write;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(50);

/// A tracker in this process whose clock is a hundred times faster than usual or more where
/// `hurry` says so. All other deadlines are never met, however busy the machine is.
fn tracker(hurry: impl FnOnce(&mut Timings)) -> Tracker {
    let mut timings = Timings {
        step: NEVER,
        login_step_crowded: NEVER,
        first_command_crowded: NEVER,
        look_again: TICK,
        ping_after: NEVER,
        drop_after: 2 * NEVER,
        guest: NEVER,
        proof_again: NEVER,
        proof_answer: NEVER,
        proof_every: NEVER,
        batch_gap: TICK,
        sign_of_life: NEVER,
        write: NEVER,
        write_bytes_per_second: 1 << 24,
        farewell: TICK,
    };
    hurry(&mut timings);
    Tracker::start(config(timings), errors_to(std::io::stderr())).unwrap()
}

fn config(timings: Timings) -> Config {
    Config {
        servers: Some("127.0.0.1:0".parse().unwrap()),
        clients: Some("127.0.0.1:0".parse().unwrap()),
        passwords: vec![PASSWORD.to_owned()],
        max_slots: Some(80),
        trusted: vec!["127.0.0.0/8".parse().unwrap()],
        timings,
        ..Config::default()
    }
}

fn errors_to(target: impl std::io::Write + Send + 'static) -> Log {
    Log::start(Level::Error, target).unwrap()
}

/// The silent are asked, and let alone.
fn asks(timings: &mut Timings) {
    timings.ping_after = 3 * TICK;
}

/// The silent are asked, and dropped.
fn drops(timings: &mut Timings) {
    timings.ping_after = 3 * TICK;
    timings.drop_after = 6 * TICK;
}

/// Those who are to say something have little time for it.
fn presses(timings: &mut Timings) {
    timings.step = 12 * TICK;
}

fn listed(tracker: &Tracker, port: u16) -> Peer {
    let mut peer = Peer::connect(tracker.servers());
    let number = peer.challenge();
    assert!(
        peer.ask(&format!("INFOS {number} port={port}"))
            .starts_with("OK listed")
    );
    peer
}

fn count(tracker: &Tracker) -> usize {
    let answer = {
        let mut peer = Peer::connect(tracker.clients());
        peer.send("LIST\nQUIT");
        peer.read_to_end()
    };
    answer
        .lines()
        .filter(|line| line.starts_with("INFOS "))
        .count()
}

#[test]
fn a_silent_game_server_is_asked_and_then_dropped() {
    let start = Instant::now();
    let patient = tracker(asks);
    let mut silent = listed(&patient, 1);
    assert_eq!(silent.line(), "PING 1");
    assert!(start.elapsed() >= 3 * TICK);
    assert_eq!(count(&patient), 1);

    let start = Instant::now();
    let tracker = tracker(drops);
    let mut silent = listed(&tracker, 1);
    assert_eq!(silent.line(), "PING 1");
    assert!(silent.line().starts_with("ERR timeout"));
    assert!(start.elapsed() >= 6 * TICK);
    assert_eq!(silent.line(), "");
    assert_eq!(count(&tracker), 0);
}

#[test]
fn many_who_fall_silent_at_once_are_all_told_why() {
    // More than there are workers, so that nobody is waited for while they are dropped.
    let tracker = tracker(drops);
    let mut silent: Vec<Peer> = (1..=35).map(|port| listed(&tracker, port)).collect();
    for peer in &mut silent {
        assert_eq!(peer.line(), "PING 1");
        assert!(peer.line().starts_with("ERR timeout"));
        assert_eq!(peer.line(), "");
    }
    assert_eq!(count(&tracker), 0);
}

#[test]
fn one_that_answers_stays() {
    let tracker = tracker(asks);
    let mut alive = listed(&tracker, 1);
    for n in 1..=6 {
        assert_eq!(alive.line(), format!("PING {n}"));
        alive.send(&format!("PONG {n}"));
    }
    assert_eq!(count(&tracker), 1);
}

/// Sends a byte now and then, never a whole line, until the tracker has had enough.
fn dribble(peer: &mut Peer) -> String {
    let start = Instant::now();
    peer.socket().set_read_timeout(Some(TICK / 2)).unwrap();
    loop {
        assert!(start.elapsed() < PATIENCE, "each byte gives it new time");
        peer.send_raw(b"x");
        let mut byte = [0];
        if peer.socket().peek(&mut byte).is_ok() {
            break;
        }
    }
    peer.socket().set_read_timeout(Some(PATIENCE)).unwrap();
    peer.read_to_end()
}

#[test]
fn a_byte_now_and_then_moves_no_deadline() {
    let dropping = tracker(drops);
    let mut listed = listed(&dropping, 1);
    let answer = dribble(&mut listed);
    assert!(answer.starts_with("PING 1\nERR timeout"), "{answer}");
    assert_eq!(count(&dropping), 0);
    let pressing = tracker(presses);
    for port in [pressing.servers(), pressing.clients()] {
        let mut peer = Peer::connect(port);
        let answer = dribble(&mut peer);
        assert!(answer.starts_with("ERR timeout"), "{answer}");
    }
}

#[test]
fn bytes_without_a_pause_move_no_deadline() {
    let tracker = tracker(presses);
    for port in [tracker.servers(), tracker.clients()] {
        let start = Instant::now();
        let mut peer = Peer::connect(port);
        peer.socket().set_nonblocking(true).unwrap();
        // The socket is never quiet for long enough for a wait on it to run out.
        for n in 1.. {
            assert!(start.elapsed() < PATIENCE, "the slot is held for ever");
            peer.send_raw(if n % 1000 == 0 { b"\n" } else { b" " });
            if peer.socket().peek(&mut [0]).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        peer.socket().set_nonblocking(false).unwrap();
        let answer = peer.read_to_end();
        assert!(answer.starts_with("ERR timeout"), "{answer}");
    }
}

#[test]
fn who_says_nothing_goes_and_in_a_crowd_sooner() {
    let pressing = tracker(presses);
    for port in [pressing.servers(), pressing.clients()] {
        let start = Instant::now();
        let mut alone = Peer::connect(port);
        assert!(alone.line().starts_with("ERR timeout"));
        assert!(start.elapsed() >= 12 * TICK);
    }

    let crowded = tracker(|timings| {
        timings.login_step_crowded = 2 * TICK;
        timings.first_command_crowded = 2 * TICK;
    });
    // All but two of the 10 pending or the 20 client slots; more than half is a crowd.
    for (port, slots) in [(crowded.servers(), 10), (crowded.clients(), 20)] {
        let come = |_| (Instant::now(), Peer::connect(port));
        let mut crowd: Vec<(Instant, Peer)> = (2..slots).map(come).collect();
        // However slowly they come and are looked at, until it is no crowd any more some go.
        wait_until("it is no crowd any more", || {
            crowd.retain_mut(|(came, peer)| {
                let goes = peer.has_heard();
                if goes {
                    assert!(peer.line().starts_with("ERR timeout"));
                    assert!(came.elapsed() >= 2 * TICK);
                }
                !goes
            });
            (crowd.len() <= slots / 2).then_some(())
        });
    }
}

#[test]
fn an_idle_client_that_is_refused_has_time_to_read_why() {
    let tracker = tracker(|timings| timings.farewell = NEVER);
    let mut client = Peer::connect(tracker.clients());
    assert!(client.ask("LIST").starts_with("END count=0 "));
    client.send_raw("DANCE\n".repeat(MAX_MISTAKES as usize + 1).as_bytes());
    assert!(client.read_to_end().contains("\nERR too-many "));
    // A socket that was closed would take the line back for this.
    for _ in 0..100 {
        std::thread::yield_now();
        client.socket().write_all(b"DANCE\n").unwrap();
    }
}

#[test]
fn a_client_that_never_reads_is_let_go() {
    let tracker = tracker(|timings| timings.write = 4 * TICK);
    let filler = format!("a={0} b={0} c={0}", "x".repeat(250));
    let servers: Vec<Peer> = (1..=20)
        .map(|port| {
            let mut peer = listed(&tracker, port);
            assert_eq!(peer.ask(&format!("INFOS {filler}")), "OK");
            peer
        })
        .collect();
    let mut greedy = Peer::connect(tracker.clients());
    let start = Instant::now();
    // 3,000 answers of 16 KB are more than any two socket buffers hold.
    greedy.send_raw("LIST\n".repeat(3000).as_bytes());
    greedy.wait_to_hear();
    loop {
        assert!(start.elapsed() < PATIENCE, "the slot never came back");
        let mut peer = Peer::connect(tracker.clients());
        if peer.ask("STATS").contains(" client=1/") {
            break;
        }
    }
    assert!(start.elapsed() >= 4 * TICK);
    drop(servers);
}

/// Everything at its longest or shortest, which is to be told from what a tracker does not start
/// with.
fn extreme(time: Duration, write_bytes_per_second: u32) -> Timings {
    Timings {
        step: time,
        login_step_crowded: time,
        first_command_crowded: time,
        look_again: time,
        ping_after: time,
        drop_after: time,
        guest: time,
        proof_again: time,
        proof_answer: time,
        proof_every: time,
        batch_gap: time,
        sign_of_life: time,
        write: time,
        write_bytes_per_second,
        farewell: time,
    }
}

#[test]
fn the_longest_timings_and_the_largest_numbers_serve() {
    let timings = Timings {
        ping_after: LONGEST - SHORTEST,
        batch_gap: Duration::ZERO,
        ..extreme(LONGEST, 1)
    };
    let config = Config {
        listed_per_host: Some(usize::MAX),
        listed_per_key: Some(usize::MAX),
        trusted: Vec::new(),
        ..config(timings)
    };
    let (errors, said) = channel();
    let tracker = Tracker::start(config, errors_to(Lines(errors))).unwrap();
    let mut game_server = listed(&tracker, 5000);
    let mut watcher = Peer::connect(tracker.clients());
    watcher.send("WATCH");
    assert!(watcher.line().starts_with("INFOS ") && watcher.line().starts_with("END count=1 "));
    assert_eq!(game_server.ask("INFOS nbplayers=1"), "OK");
    assert!(watcher.line().ends_with(" nbplayers=1"));
    assert_eq!(count(&tracker), 1);
    assert_eq!(said.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn the_shortest_timings_leave_time_for_nothing_and_panic_nowhere() {
    let timings = Timings {
        drop_after: 2 * SHORTEST,
        batch_gap: Duration::ZERO,
        farewell: Duration::ZERO,
        ..extreme(SHORTEST, u32::MAX)
    };
    let (errors, said) = channel();
    let tracker = Tracker::start(config(timings), errors_to(Lines(errors))).unwrap();
    for _ in 0..3 {
        let mut watcher = Peer::connect(tracker.clients());
        watcher.send("WATCH");
        for at in [tracker.clients(), tracker.servers()] {
            let told = Peer::connect(at).read_to_end();
            assert!(told.starts_with("ERR timeout "), "{told}");
        }
        // It may be late for any step of this, and is late for a PING.
        let mut game_server = Peer::connect(tracker.servers());
        let challenge = game_server.ask("LOGIN secret");
        let number = challenge.strip_prefix("CHALLENGE ").unwrap_or_default();
        game_server.send(&format!("INFOS {number} port=5000"));
        let _ = game_server.read_to_end();
        watcher.half_close();
        let _ = watcher.read_to_end();
    }
    assert_eq!(said.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_tracker_does_not_start_with_what_it_cannot_work_with() {
    let refusal = |timings: Timings| {
        let log = errors_to(std::io::sink());
        let refused = Tracker::start(config(timings), log).expect_err("it does not start");
        assert!(refused.is_wrong_usage());
        refused.to_string()
    };
    let slow = refusal(extreme(TICK, 0));
    assert!(slow.starts_with("the timings cannot be used: "), "{slow}");
    let patient = refusal(Timings {
        drop_after: Duration::MAX,
        ..Timings::default()
    });
    assert!(patient.contains("drop_after is "), "{patient}");
    let config = Config {
        max_slots: Some(usize::MAX),
        ..config(Timings::default())
    };
    // Where the limits of a process are known, the one that is met is named.
    if cfg!(target_os = "linux") {
        let refused = Tracker::start(config, errors_to(std::io::sink())).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("is more than this machine allows"),
            "{refused}"
        );
    }
}

/// Where a log goes of which a test reads each piece.
struct Lines(Sender<String>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
