//! Caps, rates and penalties of one host that nobody vouches for, at the real doors.

use crate::harness::{PASSWORD, Peer, TrackerProcess};
use crate::patience::{PATIENCE, wait_until};
use gltracker::tracker::access::rate_limits::CLIENT_RATE;
use std::net::SocketAddr;
use std::time::Instant;

fn stranger(tracker: &TrackerProcess) -> Peer {
    Peer::connect(SocketAddr::new(
        "127.0.0.1".parse().unwrap(),
        tracker.clients.port(),
    ))
}

#[test]
fn one_host_holds_eight_client_and_four_pending_slots() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "160"]);
    let mut inside: Vec<Peer> = (0..8).map(|_| stranger(&tracker)).collect();
    for peer in &mut inside {
        assert_eq!(peer.ask("PING 1"), "PONG 1");
    }
    assert_eq!(
        stranger(&tracker).read_to_end(),
        "ERR too-many one address has at most 8 client connections at a time\n"
    );
    let mut pending: Vec<Peer> = (0..4).map(|_| Peer::connect(tracker.servers)).collect();
    for peer in &mut pending {
        assert_eq!(peer.ask("PING 1"), "PONG 1");
    }
    assert_eq!(
        Peer::connect(tracker.servers).read_to_end(),
        "ERR too-many one address has at most 4 pending connections at a time\n"
    );
    assert_eq!(tracker.stats()["host-full"], "2");
    let line = tracker.wait_for_log("reason=host-full");
    assert!(
        line.contains("event=denied peer=127.0.0.1:") && line.contains("slots="),
        "{line}"
    );
    assert_eq!(inside[7].ask("QUIT"), "OK bye");
    drop(inside.pop());
    tracker.wait_for_stat("client", "8/40");
    assert_eq!(stranger(&tracker).ask("PING 1"), "PONG 1");
}

#[test]
fn wrong_passwords_shut_a_host_out_of_the_login_and_not_out_of_the_list() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "160"]);
    let is_shut_out = |answer: &String| {
        answer.starts_with("ERR too-many too many failed logins from your address; wait ")
    };
    // The slot of the one before is freed a moment after it hung up.
    let log_in = |_| {
        wait_until("there is a slot", || {
            let answer = Peer::connect(tracker.servers).ask("LOGIN wrong");
            let is_full = answer.starts_with("ERR too-many one address has at most 4");
            (!is_full).then_some(answer)
        })
    };
    // The fourth is one too many, and on a slow machine, where they run off meanwhile, a later one.
    let wrong = (0..12)
        .map(log_in)
        .take_while(|answer| !is_shut_out(answer))
        .inspect(|answer| assert!(answer.starts_with("ERR bad-password"), "{answer}"))
        .count();
    assert!((4..12).contains(&wrong), "{wrong}");
    assert_ne!(tracker.stats()["penalties"], "0");
    assert!(stranger(&tracker).ask("LIST").starts_with("END count=0"));
    tracker.wait_for_stat("in-penalty", "1");
    // Of what is denied one line a second is written, which may be of a slot that was not free yet.
    wait_until("the log has the reason", || {
        Peer::connect(tracker.servers).ask("LOGIN wrong");
        let is_said = |line: &String| line.contains(" reason=in-penalty ");
        tracker.log().iter().any(is_said).then_some(())
    });
    // Who has the right one is let in, whatever his neighbours have tried. On a slow machine these have
    // connected so often by now that he has to wait for his turn.
    let (mut neighbour, answer) = wait_until("the host may connect", || {
        let mut peer = Peer::connect(tracker.servers);
        let answer = peer.ask(&format!("LOGIN {PASSWORD}"));
        let is_too_fast = answer.starts_with("ERR too-many your address makes pending");
        (!is_too_fast).then_some((peer, answer))
    });
    let number = answer.strip_prefix("CHALLENGE ").unwrap();
    let answer = neighbour.ask(&format!("INFOS {number} port=7"));
    assert_eq!(answer, "OK listed 127.0.0.1:7");
    assert_eq!(neighbour.ask("INFOS nbplayers=1"), "OK");
    tracker.wait_for_log("event=penalty peer=127.0.0.1:");
}

#[test]
fn one_host_has_so_many_game_servers_on_the_list() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "160", "--per-host", "2"]);
    let _two = [tracker.log_in(1, ""), tracker.log_in(2, "")];
    let mut third = Peer::connect(tracker.servers);
    let number = third.challenge();
    third.send(&format!("INFOS {number} port=3"));
    assert_eq!(
        third.read_to_end(),
        "ERR too-many one address has at most 2 game servers on the list\n"
    );
    // Its own ghost does not count.
    let _again = tracker.log_in(2, "nbplayers=1");
    assert_eq!(tracker.list().len(), 2);
    assert_eq!(tracker.stats()["over-share"], "1");
    tracker.wait_for_log(" reason=over-share ");
}

#[test]
fn one_host_connects_so_fast_and_no_faster() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "160"]);
    let (per_second, at_once) = CLIENT_RATE;
    let start = Instant::now();
    let (mut let_in, mut is_refused) = (0, false);
    // A machine that is too slow for this says nothing about it.
    while !is_refused && start.elapsed() < PATIENCE {
        // As many as it may hold, since one after the other they wait for each other.
        let mut peers: Vec<Peer> = (0..8).map(|_| stranger(&tracker)).collect();
        peers.iter_mut().for_each(|peer| peer.send("PING 1"));
        for peer in &mut peers {
            let answer = peer.line();
            match answer.as_str() {
                "PONG 1" => let_in += 1,
                "ERR too-many your address makes client connections too fast" => is_refused = true,
                // The slot of the one before is freed a moment after it hung up.
                _ => assert!(
                    answer.starts_with("ERR too-many one address has at most 8"),
                    "{answer}"
                ),
            }
        }
        let most = at_once + (start.elapsed().as_secs_f64() * f64::from(per_second)) as u32 + 1;
        assert!(let_in <= most, "{let_in} of {most}");
    }
    eprintln!("{let_in} were let in before one was refused: {is_refused}");
}
