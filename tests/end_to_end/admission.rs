//! Caps, rates and penalties of one host that nobody vouches for, at the real doors.

use crate::harness::{Peer, TrackerProcess};
use std::net::SocketAddr;

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
    for _ in 0..4 {
        let answer = Peer::connect(tracker.servers).ask("LOGIN wrong");
        assert!(answer.starts_with("ERR bad-password"), "{answer}");
    }
    tracker.wait_for_stat("penalties", "1");
    for line in ["LOGIN wrong", "LOGIN password"] {
        let answer = Peer::connect(tracker.servers).ask(line);
        let penalty = "ERR too-many too many failed logins from your address; wait ";
        assert!(answer.starts_with(penalty), "{answer}");
    }
    // Who has the right one is let in, whatever his neighbours have tried.
    let mut neighbour = tracker.log_in(7, "");
    assert_eq!(neighbour.ask("INFOS nbplayers=1"), "OK");
    assert!(stranger(&tracker).ask("LIST").starts_with("INFOS "));
    tracker.wait_for_stat("in-penalty", "2");
    assert_eq!(
        tracker.stats()["penalties"],
        "1",
        "nothing is added meanwhile"
    );
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
}

#[test]
fn one_host_connects_so_fast_and_no_faster() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "160"]);
    let mut refused = 0;
    // 100 at once and 50 a second: 400 take three seconds of a fast host and less of this one.
    for _ in 0..400 {
        let mut peer = stranger(&tracker);
        let answer = peer.ask("PING 1");
        match answer.as_str() {
            "PONG 1" => {}
            "ERR too-many your address makes client connections too fast" => refused += 1,
            // The slot of the one before is freed a moment after it hung up.
            _ => assert!(
                answer.starts_with("ERR too-many one address has at most 8"),
                "{answer}"
            ),
        }
    }
    assert!(refused > 0, "nobody connects 400 times in six seconds");
}
