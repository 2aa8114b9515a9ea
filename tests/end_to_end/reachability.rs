//! Proofs over real datagrams, and that they are of no use to anybody else.

use crate::harness::{Peer, TrackerProcess};
use crate::patience::{PATIENCE, uninterrupted};
use std::net::UdpSocket;
use std::time::Instant;

pub(crate) fn udp(address: &str) -> (UdpSocket, u16) {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// The number that comes in a datagram.
pub(crate) fn number_from(socket: &UdpSocket) -> String {
    let mut buffer = [0; 100];
    let received = uninterrupted(|| socket.recv_from(&mut buffer));
    let (length, _) = received.expect("a datagram comes");
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    text.strip_prefix("CHALLENGE ")
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

#[test]
fn who_returns_the_number_is_checked() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let (game, port) = udp("127.0.0.1:0");
    let mut peer = tracker.log_in(port, "");
    let number = number_from(&game);
    assert_eq!(peer.ask(&format!("INFOS {number}")), "OK checked");
    assert_eq!(
        tracker.list(),
        [format!("INFOS ip=127.0.0.1 port={port} checked=yes")]
    );
    let mut stranger = tracker.log_in(1, "");
    let answer = stranger.ask(&format!("INFOS {number}"));
    assert!(
        answer.starts_with("ERR bad-challenge"),
        "another connection's number: {answer}"
    );
    assert_eq!(tracker.stats()["proofs-answered"], "1");
}

#[test]
fn a_pingport_is_asked_in_place_of_the_port_and_a_new_one_again() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let (first, first_port) = udp("127.0.0.1:0");
    let (second, second_port) = udp("127.0.0.1:0");
    let mut peer = tracker.log_in(23460, &format!("pingport={first_port}"));
    let number = number_from(&first);
    assert_eq!(peer.ask(&format!("INFOS pingport={second_port}")), "OK");
    let old = peer.ask(&format!("INFOS {number}"));
    assert!(
        old.starts_with("ERR bad-challenge"),
        "the port from before: {old}"
    );
    let number = number_from(&second);
    assert_eq!(
        peer.ask(&format!("INFOS {number} nbplayers=2")),
        "OK checked"
    );
    let line =
        format!("INFOS ip=127.0.0.1 port=23460 nbplayers=2 pingport={second_port} checked=yes");
    assert_eq!(tracker.list(), [line]);
}

#[test]
fn with_require_check_the_others_are_not_listed() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--require-check"]);
    let (game, port) = udp("127.0.0.1:0");
    let first = |port: u16| {
        let mut peer = Peer::connect(tracker.servers);
        let number = peer.challenge();
        let answer = peer.ask(&format!("INFOS {number} port={port}"));
        (peer, answer)
    };
    let (mut peer, answer) = first(port);
    assert_eq!(answer, format!("OK checking udp 127.0.0.1:{port}"));
    assert_eq!(tracker.list(), [""; 0]);
    let number = number_from(&game);
    assert_eq!(
        peer.ask(&format!("INFOS {number}")),
        format!("OK listed 127.0.0.1:{port}")
    );
    assert_eq!(tracker.list().len(), 1);

    let (_deaf, deaf_port) = udp("127.0.0.1:0");
    let (mut peer, answer) = first(deaf_port);
    assert!(answer.starts_with("OK checking udp"), "{answer}");
    let answer = peer.read_to_end();
    assert!(
        answer.starts_with("ERR unreachable udp 127.0.0.1:"),
        "{answer}"
    );
    assert_eq!(tracker.list().len(), 1);
}

#[test]
fn nobody_can_have_datagrams_sent_to_others_or_many_to_himself() {
    // Everybody is trusted, so that logging in a thousand times meets no other limit.
    let tracker = TrackerProcess::start_with(&["--max-slots", "2000"]);
    // The victim listens on another address of the same machine, with the port that is advertised.
    let (victim, port) = udp("127.0.0.2:0");
    let own = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let start = Instant::now();
    let (mut bytes_in, mut logins) = (0, 0);
    for _ in 0..1000 {
        let mut peer = Peer::connect(tracker.servers);
        let number = peer.challenge();
        let line = format!("INFOS {number} port={port} pingport={port} ip=127.0.0.2");
        bytes_in += line.len() + "LOGIN secret\n".len();
        logins += usize::from(peer.ask(&line).starts_with("OK listed 127.0.0.2:"));
    }
    assert_eq!(logins, 1000);
    let (to_own, to_victim) = (bytes_received(&own), bytes_received(&victim));
    // As long as any of them may have taken to come.
    let seconds = 1 + start.elapsed().as_secs() as usize;
    assert_eq!(
        to_victim, 0,
        "no datagram goes to an address that is only claimed"
    );
    assert!(to_own <= 50 * seconds * DATAGRAM.len(), "{to_own} bytes");
    assert!(to_own < bytes_in, "{to_own} bytes out, {bytes_in} in");
}

#[test]
fn a_host_that_nobody_vouches_for_is_sent_three_datagrams_in_ten_seconds() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let (own, port) = udp("127.0.0.1:0");
    let start = Instant::now();
    for _ in 0..12 {
        let mut peer = Peer::connect(tracker.servers);
        let line = format!("INFOS {} port={port}", peer.challenge());
        assert!(peer.ask(&line).starts_with("OK listed"));
        // Every login is asked once more.
        assert_eq!(peer.ask("PING"), "PONG");
    }
    let received = bytes_received(&own);
    let windows = 1 + (start.elapsed().as_secs() / 10) as usize;
    assert!(
        0 < received && received <= 3 * windows * DATAGRAM.len(),
        "{received} bytes"
    );
}

#[test]
fn who_names_another_address_is_listed_when_it_is_proven() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let (game, port) = udp("127.0.0.2:0");
    let mut peer = Peer::connect(tracker.servers);
    let line = format!("INFOS {} ip=127.0.0.2 port={port}", peer.challenge());
    assert_eq!(peer.ask(&line), format!("OK checking udp 127.0.0.2:{port}"));
    assert_eq!(tracker.list(), [""; 0]);
    let number = number_from(&game);
    assert_eq!(
        peer.ask(&format!("INFOS {number}")),
        format!("OK listed 127.0.0.2:{port}")
    );
    // Another game of the same host with the same port is another entry.
    let _first = tracker.log_in(port, "");
    let mut lines = tracker.list();
    lines.sort();
    let own = format!("INFOS ip=127.0.0.1 port={port}");
    let proven = format!("INFOS ip=127.0.0.2 port={port} checked=yes");
    assert_eq!(lines, [own, proven]);
    // Who does not hear what is sent there is not listed there.
    let (_deaf, deaf_port) = udp("127.0.0.2:0");
    let mut liar = Peer::connect(tracker.servers);
    let line = format!("INFOS {} ip=127.0.0.2 port={deaf_port}", liar.challenge());
    assert!(liar.ask(&line).starts_with("OK checking udp 127.0.0.2:"));
    let guess = liar.ask("INFOS 0123456789abcdef");
    assert!(guess.starts_with("ERR bad-challenge"), "{guess}");
    assert_eq!(tracker.list().len(), 2);
}

#[test]
fn a_host_that_another_names_is_sent_one_datagram_in_ten_seconds() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let (victim, port) = udp("127.0.0.2:0");
    let start = Instant::now();
    let mut peers = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::connect(tracker.servers);
        let line = format!("INFOS {} ip=127.0.0.2 port={port}", peer.challenge());
        assert!(peer.ask(&line).starts_with("OK checking"));
        // Every login is asked once more.
        assert_eq!(peer.ask("PING"), "PONG");
        peers.push(peer);
    }
    let received = bytes_received(&victim);
    let windows = 1 + (start.elapsed().as_secs() / 10) as usize;
    assert!(
        0 < received && received <= windows * DATAGRAM.len(),
        "{received} bytes"
    );
}

#[test]
fn a_banned_address_cannot_be_named() {
    let bans = std::env::temp_dir().join(format!("gltracker-named-{}", std::process::id()));
    std::fs::write(&bans, "127.0.0.2 not here\n").unwrap();
    let path = bans.to_str().unwrap();
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--bans-file", path]);
    let mut peer = Peer::connect(tracker.servers);
    let number = peer.challenge();
    peer.send(&format!("INFOS {number} ip=127.0.0.2 port=23460"));
    let answer = peer.read_to_end();
    assert!(answer.starts_with("ERR banned"), "{answer}");
    assert_eq!(tracker.list(), [""; 0]);
    std::fs::remove_file(&bans).unwrap();
}

/// What the tracker sends over UDP, with some number.
const DATAGRAM: &str = "CHALLENGE 0123456789abcdef";

/// How many bytes have come in. What has gone out has come in: this is one machine.
fn bytes_received(socket: &UdpSocket) -> usize {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 100];
    std::iter::from_fn(|| socket.recv_from(&mut buffer).ok())
        .map(|(length, _)| length)
        .sum()
}

#[test]
fn ten_thousand_numbers_repeat_nothing_and_show_no_simple_pattern() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "800"]);
    let mut numbers: Vec<u64> = Vec::new();
    while numbers.len() < 10_000 {
        let number = Peer::connect(tracker.servers).ask("LOGIN secret");
        let number = number
            .strip_prefix("CHALLENGE ")
            .unwrap_or_else(|| panic!("{number}"));
        numbers.push(u64::from_str_radix(number, 16).unwrap());
    }
    // Each bit is set in half of them, whatever the number before was: 5,000 of 10,000 with a
    // standard deviation of 50; six of them are left to chance.
    for bit in 0..64 {
        let set = numbers
            .iter()
            .filter(|number| *number >> bit & 1 == 1)
            .count();
        let changed = numbers
            .windows(2)
            .filter(|pair| (pair[0] ^ pair[1]) >> bit & 1 == 1)
            .count();
        assert!(
            (4_700..5_300).contains(&set),
            "bit {bit} is set {set} times"
        );
        assert!(
            (4_700..5_300).contains(&changed),
            "bit {bit} changes {changed} times"
        );
    }
    // Bytes are spread evenly: chi-squared of 80,000 bytes in 256 cells, 255 expected.
    let mut cells = [0u32; 256];
    for byte in numbers.iter().flat_map(|number| number.to_be_bytes()) {
        cells[usize::from(byte)] += 1;
    }
    let expected = numbers.len() as f64 * 8.0 / 256.0;
    let chi: f64 = cells
        .iter()
        .map(|&n| (f64::from(n) - expected).powi(2) / expected)
        .sum();
    assert!((130.0..420.0).contains(&chi), "chi-squared {chi}");
    let differences: std::collections::HashSet<u64> = numbers
        .windows(2)
        .map(|pair| pair[1].wrapping_sub(pair[0]))
        .collect();
    assert_eq!(
        differences.len(),
        numbers.len() - 1,
        "no difference comes twice"
    );
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 10_000);
}
