//! Slots are bounded, and a full class costs only those who want a slot of it.

use crate::harness::{KEYS, PASSWORD, Peer, TrackerProcess, outcome};
use crate::patience::wait_until;
use gltracker::protocol::hmac::mac;
use gltracker::protocol::text::parse_number;
use std::net::SocketAddr;

#[test]
fn a_full_class_says_busy_and_others_go_on() {
    // pending 2, listed 8, client 4, watcher 2
    let tracker = TrackerProcess::start_with(&["--max-slots", "16"]);
    let _game_server = tracker.log_in(1, "");
    let mut idle: Vec<Peer> = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::connect(tracker.clients);
        assert_eq!(peer.ask("PING 1"), "PONG 1");
        idle.push(peer);
    }
    // Twelve of them are heard for a while, and say nothing.
    let more: Vec<Peer> = (0..50).map(|_| Peer::connect(tracker.clients)).collect();
    for mut peer in more {
        assert_eq!(
            peer.line(),
            "ERR busy all 4 client slots are in use, try again soon"
        );
        assert_eq!(peer.line(), "", "and the door is free again");
    }
    let mut more = tracker.log_in(2, "");
    assert_eq!(more.ask("INFOS nbplayers=1"), "OK");
    assert!(idle[0].ask("LIST").starts_with("INFOS"));
    let mut place = idle.pop().unwrap();
    assert_eq!(place.ask("QUIT"), "OK bye");
    assert_eq!(place.line(), "");
    assert_eq!(tracker.list().len(), 2);
    let line = tracker.wait_for_log("event=denied");
    assert!(
        line.contains("class=client slots=4/4 reason=class-full code=busy"),
        "{line}"
    );
}

#[test]
fn whoever_has_its_list_keeps_nobody_from_getting_one() {
    // client 4, and places for 6 guests; all of them are trusted, so that nobody else makes way.
    let tracker = TrackerProcess::start_with(&["--max-slots", "16"]);
    let mut far: Vec<Peer> = Vec::new();
    for _ in 0..30 {
        let mut peer = Peer::connect(tracker.clients);
        let answer = peer.ask("LIST");
        assert!(answer.starts_with("END count=0 "), "{answer}");
        far.push(peer);
    }
    tracker.wait_for_log("code=busy text=\"others need the slot, and you have your list\"");
    // Two that came before it was crowded may have been given threads, and the last two may stay.
    assert!(tracker.stats()["guests"] == "0");
}

#[test]
fn a_host_that_has_all_it_may_have_costs_no_other_host_its_slot() {
    // client 40
    let arguments = ["--max-slots", "160", "--proxied", "127.0.0.0/8"];
    let tracker = TrackerProcess::start_distrustful(&arguments);
    let port = SocketAddr::new(tracker.servers.ip(), tracker.clients.port());
    let come = |host: u32| {
        let mut peer = Peer::connect(port);
        peer.send_raw(format!("PROXY TCP4 192.0.2.{host} 127.0.0.1 5001 23471\r\n").as_bytes());
        peer
    };
    let mut greedy: Vec<Peer> = (0..8).map(|_| come(1)).collect();
    for peer in &mut greedy {
        assert_eq!(peer.ask("PING 1"), "PONG 1");
    }
    // More than half of the slots are in use now.
    let mut others: Vec<Peer> = (16..32).map(|number| come(number / 8)).collect();
    for peer in &mut others {
        assert!(peer.ask("LIST").starts_with("END count=0 "));
    }
    let refused = "ERR too-many one address has at most 8 client connections at a time";
    assert_eq!(come(1).line(), refused);
    for peer in &mut others {
        assert_eq!(peer.ask("PING 2"), "PONG 2");
    }
    drop(greedy);
}

#[test]
fn who_says_what_it_wants_is_served_without_a_slot() {
    // pending 2, listed 8, client 4; those who hold them are trusted, so nobody makes way.
    let tracker = TrackerProcess::start_with(&["--max-slots", "16", "--keys-file", KEYS]);
    let mut silent: Vec<Peer> = Vec::new();
    for (port, count) in [(tracker.clients, 4), (tracker.servers, 2)] {
        for _ in 0..count {
            let mut peer = Peer::connect(port);
            assert_eq!(peer.ask("PING 1"), "PONG 1");
            silent.push(peer);
        }
    }
    // On a busy machine what is said may come too late: then it is said again.
    let mut listed = wait_until("it is listed", || {
        let mut peer = Peer::connect(tracker.servers);
        let answer = peer.ask("LOGIN secret");
        let Some(number) = answer.strip_prefix("CHALLENGE ") else {
            assert!(answer.starts_with("ERR busy"), "{answer}");
            return None;
        };
        let answer = peer.ask(&format!("INFOS {number} port=7"));
        if answer.starts_with("ERR busy") {
            return None;
        }
        assert_eq!(answer, "OK listed 127.0.0.1:7");
        Some(peer)
    });
    // Nor is who has a key kept out, or who is so far away that others come and go meanwhile.
    let mut by_key = wait_until("it is listed by its key", || {
        let mut peer = Peer::connect(tracker.servers);
        assert!(tracker.ask("LIST\nQUIT\n").ends_with("OK bye\n"));
        let answer = peer.ask("LOGIN name=alice");
        let number = answer.strip_prefix("CHALLENGE ")?;
        let mac = mac("between us", parse_number(number).unwrap(), "alice", 8);
        let answer = peer.ask(&format!("INFOS {number} port=8 mac={mac}"));
        (answer == "OK listed 127.0.0.1:8").then_some(peer)
    });
    assert_eq!(by_key.ask("INFOS nbplayers=2"), "OK");
    let answer = wait_until("it is answered", || {
        let answer = tracker.ask("LIST port=7\nPING x\nQUIT\n");
        (!answer.starts_with("ERR busy")).then_some(answer)
    });
    assert!(
        answer.contains("INFOS ip=127.0.0.1 port=7\nEND count=1 rev="),
        "{answer}"
    );
    assert!(answer.ends_with("PONG x\nOK bye\n"), "{answer}");
    // Silence, nonsense and wrong passwords find no place.
    assert!(
        Peer::connect(tracker.clients)
            .line()
            .starts_with("ERR busy")
    );
    for (port, line, answer) in [
        (tracker.clients, "NONSENSE", "ERR unknown-command"),
        (tracker.servers, "LOGIN wrong", "ERR bad-password"),
    ] {
        let mut peer = Peer::connect(port);
        let said = peer.ask(line);
        assert!(
            said.starts_with(answer) || said.starts_with("ERR busy"),
            "{said}"
        );
        assert_eq!(peer.line(), "");
    }
    // The guest that got on the list has a slot there, and stays.
    assert_eq!(listed.ask("INFOS nbplayers=1"), "OK");
    for peer in &mut silent {
        assert_eq!(peer.ask("PING 2"), "PONG 2");
    }
    // All the others have to wait for a slot.
    let stats = silent[0].ask("STATS") + " ";
    assert!(stats.contains(" listed=2/8 "), "{stats}");
    let guests = stats.split(" guests=").nth(1).unwrap();
    let guests: u32 = guests.split(' ').next().unwrap().parse().unwrap();
    assert!(guests >= 3, "{stats}");
}

#[test]
fn pending_slots_are_given_back_by_those_who_get_on_the_list() {
    // pending 1, listed 4
    let tracker = TrackerProcess::start_with(&["--max-slots", "8"]);
    let mut listed: Vec<Peer> = (1..=4).map(|port| tracker.log_in(port, "")).collect();
    let mut fifth = Peer::connect(tracker.servers);
    let number = fifth.challenge();
    let mut sixth = Peer::connect(tracker.servers);
    assert!(sixth.line().starts_with("ERR busy all 1 pending slots"));
    fifth.send(&format!("INFOS {number} port=5"));
    assert_eq!(
        fifth.line(),
        "ERR busy all 4 listed slots are in use, try again soon"
    );
    assert_eq!(fifth.line(), "");
    assert_eq!(tracker.list().len(), 4);

    // One that comes back for its own ip:port needs no slot more than its ghost has.
    let mut again = tracker.log_in(4, "nbplayers=7");
    assert!(listed.pop().unwrap().line().starts_with("ERR taken"));
    assert_eq!(again.ask("PING 1"), "PONG 1");
    assert_eq!(tracker.list().len(), 4);
    assert_eq!(tracker.stats()["listed"], "4/4");
}

#[test]
fn slots_come_back_whatever_way_a_connection_ends() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "16"]);
    for round in 0..40 {
        let mut peer = Peer::connect(tracker.servers);
        let number = peer.challenge();
        match round % 5 {
            0 => peer.send("QUIT"),
            1 => peer.send("NONSENSE"),
            2 => peer.send(&format!("INFOS {number} port=0")),
            3 => {
                peer.send(&format!("INFOS {number} port=1\nLOGIN {PASSWORD}\nQUIT"));
            }
            _ => peer.half_close(),
        }
        peer.read_to_end();
        drop(peer);
        // The peer sees the end a moment before the slot is free.
        tracker.wait_for_stat("pending", "0/2");
        tracker.wait_for_stat("listed", "0/8");
    }
}

#[test]
fn a_machine_that_does_not_allow_the_slots_is_told_which_limit() {
    let run = |limit: &str, slots: &str| {
        let arguments = "--servers 127.0.0.1:0 --clients 127.0.0.1:0";
        let script = format!("ulimit {limit}; exec \"$0\" {arguments} {slots}");
        let program = crate::harness::gltracker();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script, program]);
        let output = outcome(shell);
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run("-n 200", "--max-slots 1000");
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("--max-slots 1000 is more than this machine allows"),
        "{said}"
    );
    assert!(
        said.contains("open files are needed and this process may have 200"),
        "{said}"
    );
    assert!(said.contains("ulimit -n 1242"), "{said}");
}

#[test]
fn without_being_told_how_many_it_takes_what_the_machine_allows() {
    let mut command = std::process::Command::new("sh");
    command.args([
        "-c",
        "ulimit -n 200; exec \"$0\" --servers 127.0.0.1:0 --clients 127.0.0.1:0",
        crate::harness::gltracker(),
    ]);
    let tracker = TrackerProcess::run(command);
    let line = tracker.wait_for_log("event=fewer-slots");
    assert!(line.contains("instead-of=1024"), "{line}");
    assert_eq!(tracker.list().len(), 0);
}
