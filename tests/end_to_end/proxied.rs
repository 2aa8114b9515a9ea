//! Connections that a proxy passes on. The test is the proxy, at 127.0.0.1; what it wants to know itself
//! it asks from ::1, which is none.

use crate::harness::{PASSWORD, Peer, TrackerProcess};
use crate::patience::wait_until;
use crate::reachability::{number_from, udp};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// How either version says that a connection is `source`'s.
const VERSIONS: [fn(&str) -> Vec<u8>; 2] = [version_1, version_2];

fn version_1(source: &str) -> Vec<u8> {
    let source: SocketAddr = source.parse().unwrap();
    let (family, to) = match source.ip() {
        IpAddr::V4(_) => ("TCP4", "127.0.0.1"),
        IpAddr::V6(_) => ("TCP6", "::1"),
    };
    let (ip, port) = (source.ip(), source.port());
    format!("PROXY {family} {ip} {to} {port} 23471\r\n").into_bytes()
}

fn version_2(source: &str) -> Vec<u8> {
    let source: SocketAddr = source.parse().unwrap();
    let (family, ip) = match source.ip() {
        IpAddr::V4(ip) => (0x11, ip.octets().to_vec()),
        IpAddr::V6(ip) => (0x21, ip.octets().to_vec()),
    };
    let block = [&ip[..], &ip, &source.port().to_be_bytes(), &[0x5b, 0xaf]].concat();
    binary(0x21, family, &block)
}

fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [
        b"\r\n\r\n\0\r\nQUIT\n",
        &[command, family][..],
        &length,
        block,
    ]
    .concat()
}

/// A tracker whose proxy this machine is, with more arguments.
fn tracker(arguments: &[&str]) -> TrackerProcess {
    let mut all = vec!["--max-slots", "160", "--proxied", "127.0.0.0/8"];
    all.extend_from_slice(arguments);
    TrackerProcess::start_distrustful(&all)
}

/// Both ports as the proxy reaches them: for clients, and for game servers.
fn ports(tracker: &TrackerProcess) -> [SocketAddr; 2] {
    let clients = SocketAddr::new(tracker.servers.ip(), tracker.clients.port());
    [clients, tracker.servers]
}

/// A connection that begins with these bytes.
fn come(port: SocketAddr, bytes: &[u8]) -> Peer {
    let mut peer = Peer::connect(port);
    peer.send_raw(bytes);
    peer
}

/// The game server `port` of `source`, which logs in.
fn log_in(tracker: &TrackerProcess, header: &[u8], infos: &str) -> (Peer, String) {
    let mut peer = come(tracker.servers, header);
    let number = peer.challenge();
    let answer = peer.ask(&format!("INFOS {number} {infos}"));
    (peer, answer)
}

#[test]
fn a_header_of_either_version_names_the_peer_on_both_ports() {
    let tracker = tracker(&["--log-level", "debug"]);
    let [clients, _] = ports(&tracker);
    let sources = [
        "127.7.0.1:5001",
        "[2001:db8::7]:5002",
        "[::ffff:127.7.0.2]:5003",
    ];
    let shown = ["127.7.0.1", "[2001:db8::7]", "127.7.0.2"];
    for version in VERSIONS {
        let mut listed = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            let (peer, answer) = log_in(&tracker, &version(source), "port=7");
            assert_eq!(answer, format!("OK listed {}:7", shown[number]));
            listed.push(peer);
            let request = [&version(source)[..], b"LIST\nQUIT\n"].concat();
            let answer = come(clients, &request).read_to_end();
            assert!(
                answer.contains(&format!("END count={} ", number + 1)),
                "{answer}"
            );
            tracker.wait_for_log(&format!(
                "peer={}:500{} class=client",
                shown[number],
                number + 1
            ));
        }
        let mut lines = tracker.list();
        lines.sort();
        let lines_of = |ip| format!("INFOS ip={ip} port=7");
        assert_eq!(
            lines,
            ["127.7.0.1", "127.7.0.2", "2001:db8::7"].map(lines_of)
        );
        for mut peer in listed {
            assert_eq!(peer.ask("QUIT"), "OK bye");
        }
    }
}

#[test]
fn a_header_comes_in_any_pieces_and_what_follows_is_read_after_it() {
    let tracker = tracker(&[]);
    for port in ports(&tracker) {
        for version in VERSIONS {
            let header = version("127.7.0.1:5000");
            let long = [
                &header[..14],
                &[0, 0xff],
                &header[header.len().min(16)..],
                &[0x04; 243],
            ];
            for header in [header.clone(), long.concat()] {
                // The longer one is of version 2, with fields behind the addresses.
                if header[0] == b'P' && header.len() > 107 {
                    continue;
                }
                let mut slow = Peer::connect(port);
                for byte in &header {
                    slow.send_raw(&[*byte]);
                }
                assert_eq!(slow.ask("PING slow"), "PONG slow");
                let mut one_segment = come(port, &[&header[..], b"PING 1\nPI"].concat());
                assert_eq!(one_segment.line(), "PONG 1");
                assert_eq!(one_segment.ask("NG 2"), "PONG 2");
                // Whoever gets an answer from here on has had his header read some time ago.
                let mut two = come(port, &header);
                assert_eq!(
                    come(port, &[&header[..], b"PING 3\n"].concat()).line(),
                    "PONG 3"
                );
                assert_eq!(two.ask("PING 4"), "PONG 4");
                for mut peer in [slow, one_segment, two] {
                    assert_eq!(peer.ask("QUIT"), "OK bye");
                }
            }
        }
    }
}

#[test]
fn limits_count_the_source_and_not_the_proxy() {
    let tracker = tracker(&[]);
    for (port, cap, class) in [(0, 8, "client"), (1, 4, "pending")] {
        let port = ports(&tracker)[port];
        let from = |source: &str| come(port, &[&version_1(source)[..], b"PING 1\n"].concat());
        let mut held: Vec<Peer> = (0..cap).map(|_| from("127.7.0.1:5000")).collect();
        assert!(held.iter_mut().all(|peer| peer.line() == "PONG 1"));
        let said =
            format!("ERR too-many one address has at most {cap} {class} connections at a time\n");
        assert_eq!(from("127.7.0.1:5001").read_to_end(), said);
        tracker.wait_for_log("event=denied peer=127.7.0.1:5001 ");
        // As many again from everywhere else.
        for host in 1..=cap {
            let mut peer = from(&format!("127.7.{host}.1:5000"));
            assert_eq!(peer.line(), "PONG 1");
            held.push(peer);
        }
    }
    assert_eq!(tracker.stats()["host-full"], "2");
    let log = tracker.log().join("\n");
    assert!(!log.contains("peer=127.0.0.1:"), "{log}");
}

#[test]
fn bans_and_penalties_are_the_sources() {
    let bans = std::env::temp_dir().join(format!("gltracker-proxied-bans-{}", std::process::id()));
    std::fs::write(&bans, "127.7.0.1 not here\n").unwrap();
    let tracker = tracker(&["--bans-file", bans.to_str().unwrap()]);
    for port in ports(&tracker) {
        let answer = come(port, &version_1("127.7.0.1:5000")).read_to_end();
        assert_eq!(
            answer,
            "ERR banned the operator has banned your address: not here\n"
        );
    }
    // Not faster than one host may connect, and with time to give back the slots.
    let wrong = |source: &str| {
        let mut peer = come(tracker.servers, &version_2(source));
        peer.ask("LOGIN wrong")
    };
    wait_until("it is shut out", || {
        let answer = wrong("127.7.0.2:5000");
        answer
            .starts_with("ERR too-many too many failed logins")
            .then_some(())
    });
    tracker.wait_for_log("event=penalty peer=127.7.0.2:5000 ");
    assert!(wrong("127.7.0.3:5000").starts_with("ERR bad-password"));
    let (_peer, answer) = log_in(&tracker, &version_1("127.7.0.4:5000"), "port=7");
    assert_eq!(answer, "OK listed 127.7.0.4:7");
    std::fs::remove_file(&bans).unwrap();
}

#[test]
fn the_number_of_a_proof_goes_to_the_source() {
    let tracker = tracker(&["--require-check"]);
    for (host, version) in VERSIONS.into_iter().enumerate() {
        let (game, port) = udp(&format!("127.7.1.{}:0", host + 1));
        let at = game.local_addr().unwrap();
        let header = version(&format!("{}:5000", at.ip()));
        let (mut peer, answer) = log_in(&tracker, &header, &format!("port={port}"));
        assert_eq!(answer, format!("OK checking udp {at}"));
        let number = number_from(&game);
        assert_eq!(
            peer.ask(&format!("INFOS {number}")),
            format!("OK listed {at}")
        );
    }
}

#[test]
fn whoever_has_no_header_or_a_broken_one_is_told_and_costs_nobody_anything() {
    let tracker = tracker(&[]);
    let before = tracker.stats();
    let endless = vec![b'1'; 100_000];
    let missing = "what comes from this address must begin with a PROXY header of version 1 or 2";
    let line = "a PROXY header of version 1 is PROXY TCP4 or TCP6";
    let family = "a PROXY header names TCP over IPv4 (12 bytes of addresses)";
    let broken = [
        (b"LIST\n".to_vec(), missing),
        (format!("LOGIN {PASSWORD}\n").into_bytes(), missing),
        (b"\n".to_vec(), missing),
        (b"PROXY LIST\n".to_vec(), line),
        (
            b"PROXY TCP4 127.7.0.1 127.0.0.1 05 6\r\nLIST\n".to_vec(),
            line,
        ),
        (
            [b"PROXY TCP6 ", &endless[..]].concat(),
            "a PROXY header has at most 107 bytes",
        ),
        (binary(0x21, 0x12, &[9; 12]), family),
        (binary(0x21, 0x31, &[9; 216]), family),
        (binary(0x21, 0x21, &[9; 12]), family),
        (
            binary(0x20, 0x00, &endless[..2000]),
            "a PROXY header has at most 107 bytes",
        ),
        (
            binary(0x41, 0x11, &[9; 12]),
            "a binary PROXY header has version 2",
        ),
        (
            version_1("0.0.0.0:5000"),
            "the source of a PROXY header is the address of one host",
        ),
        (
            version_2("127.7.0.1:0"),
            "the source of a PROXY header is the address of one host",
        ),
    ];
    for port in ports(&tracker) {
        for (bytes, text) in &broken {
            let answer = come(port, bytes).read_to_end();
            assert!(
                answer.starts_with(&format!("ERR bad-syntax {text}")),
                "{bytes:?}: {answer}"
            );
            assert_eq!(answer.lines().count(), 1, "{answer}");
        }
    }
    let said = tracker.wait_for_log("event=bad-header");
    assert!(
        said.contains(" peer=127.0.0.1:") && said.contains(" class=client "),
        "{said}"
    );
    let count = |stats: &std::collections::HashMap<String, String>, name: &str| -> usize {
        stats[name].parse().unwrap()
    };
    let after = tracker.stats();
    assert_eq!(
        count(&after, "refused") - count(&before, "refused"),
        2 * broken.len()
    );
    // The two that asked.
    assert_eq!(count(&after, "accepted"), 2);
    assert_eq!((&*after["pending"], &*after["client"]), ("0/20", "1/40"));
    assert_eq!(
        (
            &*after["penalties"],
            &*after["host-full"],
            &*after["too-fast"]
        ),
        ("0", "0", "0")
    );
    // Of a kind one line a second is written.
    let lines = tracker.log();
    let lines = lines
        .iter()
        .filter(|line| line.contains("event=bad-header"))
        .count();
    assert!(lines < broken.len(), "{lines} lines");
}

#[test]
fn silence_and_a_trickle_end_after_five_seconds() {
    let tracker = tracker(&[]);
    let start = Instant::now();
    let [clients, servers] = ports(&tracker);
    let header = version_1("127.7.0.1:5000");
    let mut late = [
        Peer::connect(clients),
        come(servers, &header[..20]),
        come(clients, &header[..9]),
    ];
    for peer in &mut late[..2] {
        assert_eq!(
            peer.read_to_end(),
            "ERR timeout no whole PROXY header came in 5s\n"
        );
    }
    assert!(
        start.elapsed() >= Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    late[2].send_raw(&header[9..10]);
    assert_eq!(
        late[2].read_to_end(),
        "ERR timeout no whole PROXY header came in 5s\n"
    );
    tracker.wait_for_log("event=bad-header peer=127.0.0.1:");
    assert_eq!(tracker.stats()["penalties"], "0");
}

#[test]
fn health_checks_are_answered_and_leave_no_trace() {
    let tracker = tracker(&["--log-level", "debug"]);
    tracker.stats();
    let before = tracker.stats();
    let own = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 127.7.0.1 1 2\r\n".to_vec(),
        binary(0x20, 0x00, &[]),
        binary(0x20, 0x11, &[9; 12]),
        binary(0x21, 0x00, &[9; 30]),
        version_1("127.0.0.1:5000"),
        version_2("127.0.0.1:5000"),
    ];
    for port in ports(&tracker) {
        // More than one host may have in a second.
        for _ in 0..10 {
            for header in &own {
                // A check of the connection alone, one of the header, and one that asks. Whoever closes
                // with an answer that was not read resets the connection.
                drop(Peer::connect(port));
                drop(come(port, &header[..6]));
                drop(come(port, header));
                let check = come(port, &[&header[..], b"PING well\n"].concat());
                check.wait_to_hear();
                drop(check);
                let mut check = come(port, header);
                assert_eq!(check.ask("PING well"), "PONG well");
                assert_eq!(check.ask("QUIT"), "OK bye");
            }
        }
    }
    let mut after = tracker.stats();
    for changing in ["accepted", "uptime", "bytes-sent", "log-dropped"] {
        after.insert(changing.to_owned(), before[changing].clone());
    }
    assert_eq!(after, before);
    let log = tracker.log();
    let is_loud = |line: &&String| line.contains(" level=warn ") || line.contains(" level=info ");
    let loud: Vec<&String> = log.iter().filter(is_loud).collect();
    assert_eq!(
        loud.len(),
        1,
        "but the line that says where it listens: {loud:?}"
    );
}

#[test]
fn checks_that_hold_on_take_no_slot_and_the_oldest_make_way() {
    let tracker = tracker(&["--max-slots", "16"]);
    let check = [&binary(0x20, 0, &[])[..], b"PING 1\n"].concat();
    let mut held = Vec::new();
    for port in ports(&tracker).into_iter().cycle().take(80) {
        let mut peer = come(port, &check);
        assert_eq!(peer.line(), "PONG 1");
        held.push(peer);
    }
    // Two for game servers that log in, four for clients, of which one is this test's.
    let stats = tracker.stats();
    assert_eq!((&*stats["pending"], &*stats["client"]), ("0/2", "1/4"));
    for peer in &mut held[..16] {
        let answer = peer.line();
        assert!(
            answer.starts_with("ERR busy this proxy's machine"),
            "{answer}"
        );
    }
    assert_eq!(held[79].ask("PING 2"), "PONG 2");
    assert_eq!(tracker.stats()["refused"], "0");
}

#[test]
fn who_is_on_the_proxys_machine_is_served() {
    let tracker = tracker(&["--max-slots", "16"]);
    let [clients, servers] = ports(&tracker);
    let own = version_1("127.0.0.1:5000");
    // All slots are taken by others.
    let _others: Vec<Peer> = (0..6)
        .map(|host| {
            let header = version_1(&format!("127.7.{host}.1:5000"));
            let port = if host < 2 { servers } else { clients };
            let mut peer = come(port, &header);
            assert_eq!(peer.ask("PING 1"), "PONG 1");
            peer
        })
        .collect();
    let mut silent = come(clients, &own);
    let (mut game_server, answer) = log_in(&tracker, &own, "port=7");
    assert_eq!(answer, "OK listed 127.0.0.1:7");
    assert_eq!(game_server.ask("INFOS nbplayers=2"), "OK");
    let mut client = come(clients, &own);
    assert_eq!(client.ask("LIST"), "INFOS ip=127.0.0.1 port=7 nbplayers=2");
    assert!(client.line().starts_with("END count=1 "));
    assert!(client.ask("STATS").starts_with("OK "));
    assert_eq!(client.ask("WATCH"), "INFOS ip=127.0.0.1 port=7 nbplayers=2");
    assert!(client.line().starts_with("END count=1 "));
    assert_eq!(game_server.ask("INFOS nbplayers=3"), "OK");
    assert_eq!(client.line(), "INFOS ip=127.0.0.1 port=7 nbplayers=3");
    // Whoever says nothing has 3 s where so many are connected, and is no trouble in the log.
    assert_eq!(
        silent.read_to_end(),
        "ERR timeout no command came in time\n"
    );
    assert_eq!(come(clients, &own).ask("PING 1"), "PONG 1");
    let log = tracker.log().join("\n");
    assert!(!log.contains("code=timeout"), "{log}");
}

#[test]
fn counters_are_for_peers_on_the_trackers_machine() {
    let tracker = tracker(&[]);
    let [clients, servers] = ports(&tracker);
    for port in [clients, servers] {
        let mut own = come(port, &version_1("127.0.0.1:5000"));
        assert!(own.ask("STATS").starts_with("OK uptime="));
        let mut stranger = come(port, &version_1("192.0.2.7:5000"));
        let answer = stranger.ask("STATS");
        assert!(
            answer.starts_with("ERR unknown-command STATS answers peers"),
            "{answer}"
        );
    }
}

#[test]
fn hundreds_that_say_nothing_leave_players_unharmed() {
    let tracker = tracker(&["--max-slots", "16"]);
    let [clients, servers] = ports(&tracker);
    // Without a header, and with that of somebody on the proxy's machine.
    let mut silent: Vec<Peer> = (0..300).map(|_| Peer::connect(servers)).collect();
    silent.extend((0..100).map(|_| come(clients, &version_2("127.0.0.1:5000"))));
    let (_game_server, answer) = log_in(&tracker, &version_1("127.7.0.9:5000"), "port=7");
    assert_eq!(answer, "OK listed 127.7.0.9:7");
    for host in 0..100 {
        let mut player = come(clients, &version_1(&format!("127.7.{host}.1:5000")));
        assert_eq!(player.ask("LIST"), "INFOS ip=127.7.0.9 port=7");
        assert!(player.line().starts_with("END count=1 "));
    }
    // The first of those who came before 256 others is told so.
    let answer = silent[0].read_to_end();
    assert!(
        answer.starts_with("ERR busy too many connections from proxies"),
        "{answer}"
    );
    assert_eq!(tracker.stats()["dropped"], "0");
}

#[test]
fn a_header_that_has_come_is_read_before_too_many_others_wait() {
    let tracker = tracker(&[]);
    let [clients, _] = ports(&tracker);
    let silent = |count| (0..count).map(|_| Peer::connect(clients));
    let mut waiting: Vec<Peer> = silent(256).collect();
    for round in 0..10 {
        // Two threads accept, so that one that came a little earlier may be a little younger.
        let mut oldest: Vec<Peer> = waiting.drain(..16).collect();
        for (host, peer) in oldest.iter_mut().enumerate() {
            let header = version_1(&format!("127.7.{round}.{}:5000", host + 1));
            peer.send_raw(&[&header[..], b"LIST\n"].concat());
        }
        waiting.extend(silent(8));
        for peer in &mut oldest {
            let answer = peer.line();
            assert!(answer.starts_with("END count=0 "), "{round}: {answer}");
        }
        waiting.extend(silent(8));
    }
}

#[test]
fn a_header_from_elsewhere_is_a_mistake() {
    let tracker =
        TrackerProcess::start_distrustful(&["--proxied", "192.0.2.0/24", "--max-slots", "80"]);
    for port in ports(&tracker) {
        let request = [&version_1("127.7.0.1:5000")[..], b"LIST\n"].concat();
        let answer = come(port, &request).read_to_end();
        let hint = "ERR unknown-command 'PROXY' is not understood here; \
                    a PROXY header is what a connection from a network of --proxied begins with\n";
        assert_eq!(answer, hint);
        let request = [&version_2("127.7.0.1:5000")[..], b"LIST\n"].concat();
        let answer = come(port, &request).read_to_end();
        assert!(answer.starts_with("ERR not-text "), "{answer}");
    }
    assert_eq!(tracker.stats()["lists"], "0");
}
