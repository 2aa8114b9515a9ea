//! Whatever arrives gets a clear answer, and everything else goes on as before.

use crate::harness::{PASSWORD, Peer, TrackerProcess, outcome};
use crate::tools::need;
use gltracker::protocol::refusal::{HTTP_HEAD, NOT_A_WEB_SERVER};
use std::net::SocketAddr;
use std::process::{Command, Output};

/// A tracker with one listed game server, which must be there, unchanged, in the end.
struct Witness {
    tracker: TrackerProcess,
    game_server: Peer,
}

impl Witness {
    fn new() -> Self {
        let tracker = TrackerProcess::start();
        let game_server = tracker.log_in(23460, "nbplayers=1");
        Self {
            tracker,
            game_server,
        }
    }

    /// Sends `bytes` over a new connection; everything the tracker answers until it closes.
    fn answer_to(&self, port: SocketAddr, bytes: &[u8]) -> String {
        let mut peer = Peer::connect(port);
        peer.send_raw(bytes);
        peer.half_close();
        peer.read_to_end()
    }

    /// The answer to `bytes` in place of a first line, on both ports: one ERR with `code`.
    fn refuses(&self, bytes: &[u8], code: &str) {
        for port in [self.tracker.servers, self.tracker.clients] {
            let answer = self.answer_to(port, bytes);
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
            assert!(
                answer.starts_with(&format!("ERR {code} ")),
                "{shown:?}: {answer:?}"
            );
            assert_eq!(answer.lines().count(), 1, "{shown:?}: {answer:?}");
        }
    }

    fn assert_unharmed(mut self) {
        assert_eq!(self.game_server.ask("PING well"), "PONG well");
        assert_eq!(
            self.tracker.list(),
            ["INFOS ip=127.0.0.1 port=23460 nbplayers=1"]
        );
        let log = self.tracker.log().join("\n");
        assert!(!log.contains("panic"), "{log}");
        assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log:?}");
    }
}

#[test]
fn lines_of_every_length() {
    let witness = Witness::new();
    for (length, fits) in [(1023, true), (1024, true), (1025, false), (1 << 20, false)] {
        // Spaces make a PING as long as it is to be; the length is that with the LF.
        let mut line = b"PING".to_vec();
        line.resize(length - 2, b' ');
        line.extend_from_slice(b"x\n");
        assert_eq!(line.len(), length);
        line.extend_from_slice(b"QUIT\n");
        if fits {
            let answer = witness.answer_to(witness.tracker.clients, &line);
            assert_eq!(answer, "PONG x\nOK bye\n", "{length}");
        } else {
            witness.refuses(&line, "line-too-long");
        }
    }
    witness.assert_unharmed();
}

#[test]
fn a_line_that_is_too_long_costs_a_listed_one_nothing_but_the_line() {
    let mut witness = Witness::new();
    witness.game_server.send_raw(&vec![b'x'; 1 << 20]);
    witness.game_server.send_raw(b"\nPING 1\n");
    assert!(witness.game_server.line().starts_with("ERR line-too-long"));
    assert_eq!(witness.game_server.line(), "PONG 1");
    witness.assert_unharmed();
}

#[test]
fn what_is_not_text() {
    let witness = Witness::new();
    for bytes in [
        &b"LI\0ST\n"[..],
        b"\xff\xfe\n",
        b"LIST \xc0\xaf\n",
        b"LIST \xed\xa0\x80\n",
        b"LIST \xf5\x80\x80\x80\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x80\xff\n",
    ] {
        witness.refuses(bytes, "not-text");
    }
    witness.refuses(b"\x1b[2J\x1b[H\n", "unknown-command");
    witness.refuses("\u{202e}TSIL\n".as_bytes(), "unknown-command");
    witness.refuses(b"LI\rST\n", "unknown-command");
    witness.assert_unharmed();
}

#[test]
fn a_web_browser_on_either_port() {
    let witness = Witness::new();
    let get = "GET /?INFOS HTTP/1.1\r\nHost: tracker:23470\r\n\r\n".to_owned();
    let body = format!("LOGIN {PASSWORD}\nLIST\n");
    let post = format!(
        "POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let told = format!("{HTTP_HEAD}\nERR unknown-command {NOT_A_WEB_SERVER}\n");
    for request in [get, post] {
        for port in [witness.tracker.servers, witness.tracker.clients] {
            assert_eq!(witness.answer_to(port, request.as_bytes()), told);
        }
    }
    witness.assert_unharmed();
}

#[test]
fn curl_shows_what_a_web_browser_is_told() {
    if !need("curl") {
        return;
    }
    let tracker = TrackerProcess::start();
    for port in [tracker.servers, tracker.clients] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*"]);
        // More than is read at once.
        curl.args(["--header", &format!("Cookie: {}", "x".repeat(20_000))]);
        curl.arg(format!("http://{port}/"));
        let Output {
            status,
            stdout,
            stderr,
        } = outcome(curl);
        let (said, errors) = (
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr),
        );
        assert!(status.success() && errors.is_empty(), "{errors}");
        assert_eq!(said, format!("ERR unknown-command {NOT_A_WEB_SERVER}\n"));
    }
}

#[test]
fn values_that_a_game_server_may_not_have() {
    let mut witness = Witness::new();
    let many = (0..33).fold(String::new(), |fields, n| format!("{fields} k{n}=v"));
    let long = format!("description={}", "d".repeat(256));
    let gathered = "a".repeat(250);
    for (fields, code) in [
        ("description=\"open", "bad-syntax"),
        ("description=\"a\"b", "bad-syntax"),
        ("description=\"\\n\"", "bad-syntax"),
        ("nbplayers=1 nbplayers=1", "bad-syntax"),
        ("nbplayers", "bad-challenge"),
        ("Port=1", "bad-syntax"),
        (&many, "bad-value"),
        (&long, "bad-value"),
        ("port=0", "bad-value"),
        ("port=65536", "bad-value"),
        ("port=", "bad-value"),
        ("nbplayers=-1", "bad-value"),
        ("erase=perhaps", "bad-value"),
        ("description=\"a\u{1b}[31mb\"", "bad-value"),
        ("description=a\rb", "bad-value"),
        ("description=\u{202e}evil", "bad-value"),
        ("description=\u{2028}", "bad-value"),
        ("stale=yes", "bad-value"),
        ("ip=localhost", "bad-value"),
        (
            &format!(
                "x={gathered} y={gathered} z={gathered} w={}",
                "w".repeat(195)
            ),
            "bad-value",
        ),
    ] {
        // Whoever is silent for long is dropped, and this may take long.
        assert_eq!(witness.game_server.ask("PING 1"), "PONG 1");
        // Twenty mistakes are forgiven on one connection, so each is made on its own.
        let mut peer = witness.tracker.log_in(1, "");
        let answer = peer.ask(&format!("INFOS {fields}"));
        assert!(
            answer.starts_with(&format!("ERR {code} ")),
            "{fields}: {answer}"
        );
        assert_eq!(peer.ask("PING 1"), "PONG 1", "{fields}");
        let list = witness.tracker.list();
        assert!(
            list.contains(&"INFOS ip=127.0.0.1 port=1".to_owned()),
            "{fields}: {list:?}"
        );
        drop(peer);
        witness.tracker.wait_for_list(|list| list.len() == 1);

        let mut peer = Peer::connect(witness.tracker.servers);
        let number = peer.challenge();
        let first = if fields.contains("port=") {
            ""
        } else {
            "port=2"
        };
        let code = if fields == "nbplayers" {
            "bad-syntax"
        } else {
            code
        };
        peer.send(&format!("INFOS {number} {first} {fields}"));
        let answer = peer.read_to_end();
        assert!(
            answer.starts_with(&format!("ERR {code} ")),
            "{fields}: {answer}"
        );
        assert_eq!(answer.lines().count(), 1, "{fields}: {answer}");
    }
    assert_eq!(witness.game_server.ask("INFOS"), "OK");
    witness.assert_unharmed();
}

#[test]
fn an_address_that_is_not_its_own() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let mut honest = tracker.log_in(1, "");
    let told = honest.ask("INFOS ip=127.0.0.2");
    let moved = "ERR bad-value the ip that you are listed at cannot change on this connection; log in again";
    assert_eq!(told, moved);
    assert_eq!(honest.ask("INFOS ip="), "OK", "its own it has anyway");
    assert_eq!(honest.ask("INFOS ip=127.0.0.1 nbplayers=1"), "OK");
    for ip in ["0.0.0.0", "::", "255.255.255.255", "224.0.0.1"] {
        let mut liar = Peer::connect(tracker.servers);
        let number = liar.challenge();
        liar.send(&format!("INFOS {number} port=2 ip={ip}"));
        let answer = liar.read_to_end();
        let told = format!("ERR bad-ip nobody can be at {ip};");
        assert!(answer.starts_with(&told), "{answer}");
    }
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=1 nbplayers=1"]);
}

#[test]
fn numbers_that_are_wrong_old_or_repeated() {
    let witness = Witness::new();
    let challenged = || {
        let mut peer = Peer::connect(witness.tracker.servers);
        let number = peer.challenge();
        (peer, number)
    };
    let (mut one, number_of_one) = challenged();
    let (mut two, number_of_two) = challenged();
    assert_ne!(number_of_one, number_of_two);
    two.send(&format!("INFOS {number_of_one} port=2"));
    assert!(
        two.read_to_end().starts_with("ERR bad-challenge"),
        "another connection's number"
    );

    let (mut three, _) = challenged();
    three.send(&format!("INFOS {number_of_two} port=3"));
    assert!(
        three.read_to_end().starts_with("ERR bad-challenge"),
        "the number of a closed one"
    );

    one.send(&format!("INFOS {number_of_one} port=1"));
    assert_eq!(one.line(), "OK listed 127.0.0.1:1");
    let answer = one.ask(&format!("INFOS {number_of_one} port=9"));
    assert!(
        answer.starts_with("ERR bad-challenge"),
        "used twice: {answer}"
    );
    assert_eq!(one.ask("QUIT"), "OK bye");
    witness.tracker.wait_for_list(|list| list.len() == 1);
    witness.assert_unharmed();
}

#[test]
fn commands_in_the_wrong_place() {
    let witness = Witness::new();
    let servers = witness.tracker.servers;
    for (bytes, code) in [
        (format!("INFOS port=1\nLOGIN {PASSWORD}\n"), "not-logged-in"),
        ("PONG 1\n".to_owned(), "not-logged-in"),
        ("LIST\n".to_owned(), "unknown-command"),
        ("LOGIN wrong\nLOGIN secret\n".to_owned(), "bad-password"),
    ] {
        let answer = witness.answer_to(servers, bytes.as_bytes());
        assert!(
            answer.starts_with(&format!("ERR {code} ")),
            "{bytes:?}: {answer}"
        );
        assert_eq!(answer.lines().count(), 1, "{bytes:?}: {answer}");
    }
    let twice = format!("LOGIN {PASSWORD}\nLOGIN {PASSWORD}\n");
    let answer = witness.answer_to(servers, twice.as_bytes());
    assert!(answer.starts_with("CHALLENGE ") && answer.contains("\nERR bad-syntax already"));
    witness.assert_unharmed();
}

#[test]
fn peers_that_vanish_in_the_middle() {
    let witness = Witness::new();
    for (port, bytes) in [
        (witness.tracker.servers, &b"LOG"[..]),
        (witness.tracker.servers, b"LOGIN secret\n"),
        (witness.tracker.clients, b""),
        (witness.tracker.clients, b"LIST\nLIST\nLIST\n"),
    ] {
        for _ in 0..20 {
            let mut peer = Peer::connect(port);
            peer.send_raw(bytes);
            // Closing with unread bytes resets the connection.
            drop(peer);
        }
    }
    witness.tracker.wait_for_stat("pending", "0/10");
    witness.tracker.wait_for_stat("client", "1/20");
    witness.assert_unharmed();
}
