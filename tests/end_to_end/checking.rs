//! `announce --check` and `list --check`: what they find, what they say of it, and that they harm nobody.

use crate::announce::announce;
#[cfg(target_os = "linux")]
use crate::harness::own_address;
use crate::harness::{KEYS, PASSWORD, TrackerProcess, command, free_udp_port, outcome};
use crate::hosts::Network;
use crate::patience::wait_until;
use crate::pretend_games::PretendGame;
use crate::tools::Program;
use gltracker::query::Kind;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

/// What a check has printed, with its lines joined, and whether all was well.
struct Checked {
    text: String,
    is_well: bool,
}

impl Checked {
    fn by(mut command: Command) -> Self {
        command.env("LC_ALL", "C.UTF-8");
        let output = outcome(command);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors, "", "{text}");
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}: {text}");
        let is_too_wide = |line: &&str| line.contains(' ') && line.chars().count() > 80;
        let wide = text.lines().find(|line| is_too_wide(&line.trim()));
        assert_eq!(wide, None, "{text}");
        let has_failed = text.lines().any(|line| line.starts_with('✗'));
        assert_eq!(code == Some(1), has_failed, "{text}");
        Self {
            text: text.replace("\n  ", " "),
            is_well: code == Some(0),
        }
    }

    /// Fails unless all of these are lines of it, or their beginnings.
    #[track_caller]
    fn says(&self, beginnings: &[&str]) -> &Self {
        for beginning in beginnings {
            let mut lines = self.text.lines();
            let found = lines.any(|line| line.starts_with(beginning));
            assert!(found, "no {beginning:?} in\n{}", self.text);
        }
        self
    }

    /// Fails unless it says this somewhere.
    #[track_caller]
    fn has(&self, part: &str) -> &Self {
        assert!(self.text.contains(part), "no {part:?} in\n{}", self.text);
        self
    }
}

/// `announce --check`, which is told the port for players.
fn check(tracker: &TrackerProcess, arguments: &[&str]) -> Checked {
    let mut command = announce(&[tracker.servers], &[]);
    command.arg(format!("--check={}", tracker.clients.port()));
    Checked::by({
        command.args(arguments);
        command
    })
}

fn check_list(tracker: SocketAddr, arguments: &[&str]) -> Checked {
    let mut command = command();
    command.args(["list", "--check", &tracker.to_string()]);
    command.args(arguments);
    Checked::by(command)
}

/// Waits until so many lines of the tracker's log have this; there are no more.
#[track_caller]
fn logged(tracker: &TrackerProcess, part: &str, times: usize) {
    let count = || {
        let log = tracker.log();
        log.iter().filter(|line| line.contains(part)).count()
    };
    wait_until(part, || (count() >= times).then_some(()));
    assert_eq!(count(), times, "{part}");
}

#[test]
fn what_is_right_is_seen_and_checked_and_leaves_nothing_on_the_list() {
    let tracker = TrackerProcess::start();
    let port = free_udp_port();
    let words = ["--port", &port, "--pong", "description=Friday cycles"];
    let checked = check(&tracker, &words);
    let seen = format!(
        "✓ Players who ask 127.0.0.1 (IPv4) see: ip=127.0.0.1 port={port} \
         description=\"Friday cycles\" checked=yes"
    );
    checked.says(&[
        "- The game is not asked what it is",
        "✓ The tracker is named by its address",
        &format!(
            "✓ Port {} of 127.0.0.1, for game servers: it is open.",
            tracker.servers.port()
        ),
        &format!(
            "✓ Port {} of 127.0.0.1, for players: it sends",
            tracker.clients.port()
        ),
        "✓ The password is right",
        "- The tracker sees this host at 127.0.0.1: only players on the same machine",
        &format!("✓ The tracker has listed it as 127.0.0.1:{port}."),
        &seen,
        "✓ It has left the list again.",
        &format!("✓ The tracker's datagram to UDP 127.0.0.1:{port} was answered"),
        &format!("✓ It answers PING at 127.0.0.1:{port}"),
        "All is well: players find it.",
    ]);
    assert!(checked.is_well && tracker.list().is_empty());
    logged(&tracker, "event=listed", 1);
}

#[test]
fn a_list_that_can_be_had_once_only_proves_nothing() {
    let tracker = TrackerProcess::start();
    let once = TcpListener::bind("127.0.0.1:0").unwrap();
    let players = once.local_addr().unwrap().port();
    let clients = tracker.clients;
    let relay = thread::spawn(move || {
        let (mut client, _) = once.accept().unwrap();
        drop(once);
        let mut asked = [0; 512];
        let count = client.read(&mut asked).unwrap();
        let mut there = TcpStream::connect(clients).unwrap();
        there.write_all(&asked[..count]).unwrap();
        there.write_all(b"QUIT\n").unwrap();
        let mut answer = Vec::new();
        there.read_to_end(&mut answer).unwrap();
        client.write_all(&answer).unwrap();
    });
    let mut command = announce(&[tracker.servers], &["--port", "1"]);
    command.arg(format!("--check={players}"));
    let checked = Checked::by(command);
    relay.join().unwrap();
    checked.says(&[
        &format!("✓ Port {players} of 127.0.0.1, for players: it sends"),
        "✓ The tracker has listed it as 127.0.0.1:1.",
        "✗ Players who ask 127.0.0.1 (IPv4) get no list any more: no connection: nobody",
        "✗ Whether it has left the list of 127.0.0.1 cannot be seen: no connection: nobody",
    ]);
    assert!(!checked.is_well);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let tracker = TrackerProcess::start();
    let mut command = announce(&[tracker.servers], &["--port", "1"]);
    command.arg(format!("--check={}", tracker.clients.port()));
    command.env("GLTRACKER_PASSWORD", "not the one");
    let checked = Checked::by(command);
    checked.says(&["✗ The tracker refused (bad-password): that is not a password"]);
    checked
        .has("It is not tried again")
        .has("Check the password (GLTRACKER_PASSWORD");
    tracker.wait_for_log("code=bad-password");
    logged(&tracker, "code=bad-password", 1);
    logged(&tracker, "event=listed", 0);
}

#[test]
fn a_secret_that_cannot_be_read_is_no_answer() {
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let absent = ["--port", "1", "--check", "--password-file", "/none"];
    let output = outcome(announce(&[nowhere], &absent));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("--password-file: /none: "), "{errors}");
    assert_eq!(output.status.code(), Some(3), "the system said no");
}

#[test]
fn a_key_is_proven_by_the_login_that_lists() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "80", "--keys-file", KEYS]);
    let port = free_udp_port();
    let with = |secret: &str| {
        let words = ["--port", &port, "--pong", "--key", "alice"];
        let mut command = announce(&[tracker.servers], &words);
        command.arg(format!("--check={}", tracker.clients.port()));
        Checked::by({
            command.env("GLTRACKER_PASSWORD", secret);
            command
        })
    };
    let right = with("between us");
    right.says(&[
        "✓ The tracker has sent its challenge. Whether the key is right",
        "✓ The key is right: the tracker has listed it as",
    ]);
    assert!(right.is_well);
    with("between them").says(&["✗ The tracker refused (bad-password): there is no such key"]);
    assert!(tracker.list().is_empty());
}

#[test]
fn a_wrong_port_is_told_from_the_one_for_players() {
    let mut tracker = TrackerProcess::start();
    let clients = tracker.clients;
    let mut command = announce(&[clients], &["--port", "1"]);
    command.arg(format!("--check={}", tracker.servers.port()));
    let checked = Checked::by(command);
    checked.says(&[&format!("✗ Port {} is the one for players", clients.port())]);
    checked.has("Game servers log in at another: 23470");
    let of_servers = check_list(tracker.servers, &[]);
    of_servers.says(&[&format!(
        "✗ Port {} of 127.0.0.1, for players: it is the one where game servers log in. Ask another",
        tracker.servers.port()
    )]);
    let mut command = announce(&[tracker.servers], &["--port", "1"]);
    command.arg(format!("--check={}", tracker.servers.port()));
    let checked = Checked::by(command);
    checked.says(&["- It is not listed for a moment: without the list nobody can tell"]);
    logged(&tracker, "event=listed", 0);
    // The port for players is only assumed, and may be anybody's.
    let checked = Checked::by(announce(&[tracker.servers], &["--port", "1", "--check"]));
    checked.has("for players (assumed: the next one)");
    tracker.kill();
    check(&tracker, &["--port", "1"]).says(&[&format!(
        "✗ Port {} of 127.0.0.1, for game servers: nobody listens there. Does the tracker run",
        tracker.servers.port()
    )]);
    check_list(clients, &[]).has("nobody listens there. Does the tracker run");
}

#[test]
fn one_that_runs_is_left_alone() {
    let tracker = TrackerProcess::start();
    let port = free_udp_port();
    let words = ["--port", &port, "--pong", "description=mine"];
    let running = Program::start(announce(&[tracker.servers], &words));
    running.errors.wait_for("has checked the UDP port");
    let checked = check(&tracker, &words);
    checked.says(&[
        "✓ The password is right",
        &format!("- This game server is on the list already, as 127.0.0.1:{port}. So nothing more"),
        &format!(
            "✓ Players who ask 127.0.0.1 (IPv4) see: ip=127.0.0.1 port={port} description=mine"
        ),
        "✓ The tracker's datagram to UDP",
        "✓ It answers PING",
        "All is well",
    ]);
    logged(&tracker, "event=listed", 1);
    assert_eq!(tracker.list().len(), 1);
    assert!(
        !running.errors.text().contains("refused"),
        "it was not disturbed"
    );
    // Another port of the same host is another game server, whose UDP port is taken here.
    let pong = format!("--pong={port}");
    check(&tracker, &["--port", "1", &pong])
        .has("is in use")
        .has("an announce that runs");
}

/// What runs is on the list of one tracker, and the other does not have it.
#[cfg(target_os = "linux")]
#[test]
fn the_port_of_one_that_runs_is_left_to_it() {
    let first = TrackerProcess::start();
    let mut there = own_address();
    let servers = there;
    there.set_port(first.clients.port());
    let second = TrackerProcess::start_at(servers, there, &["--max-slots", "80"]);
    let port = free_udp_port();
    let words = ["--port", &port, "--pong"];
    let running = Program::start(announce(&[first.servers], &words));
    running.errors.wait_for("has checked the UDP port");
    let mut command = announce(&[first.servers, second.servers], &words);
    command.arg(format!("--check={}", first.clients.port()));
    let checked = Checked::by(command);
    checked.says(&[
        "- This game server is on the list already",
        "- The announce that runs answers datagrams, so that nobody here does.",
        &format!("✓ The tracker has listed it as 127.0.0.1:{port}."),
        "- Nobody here answers the tracker's datagram",
        "All is well",
    ]);
    assert!(second.list().is_empty());
    assert_eq!(first.list().len(), 1);
}

/// The port behind the tracker's own, which is assumed, is another tracker's.
#[cfg(target_os = "linux")]
#[test]
fn the_list_of_another_tracker_does_not_say_that_nobody_runs() {
    let at = own_address();
    let there = |port| SocketAddr::new(at.ip(), port);
    let first = TrackerProcess::start_at(there(6000), there(7000), &["--max-slots", "80"]);
    let _second = TrackerProcess::start_at(there(6002), there(6001), &["--max-slots", "80"]);
    let running = first.log_in(1, "");
    let checked = Checked::by(announce(&[first.servers], &["--port", "1", "--check"]));
    checked.says(&[
        "✓ Port 6001 of",
        "✓ The password is right",
        "- It is not listed for a moment: without the list nobody can tell whether it is there \
         already, and a second login would take its place. Name the port for players",
    ]);
    assert_eq!(first.list().len(), 1);
    logged(&first, "event=listed", 1);
    drop(running);
}

#[test]
fn a_game_is_asked_once_and_what_it_says_is_seen() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Quake3);
    let asked = format!("--ask=quake3={}", game.address);
    let checked = check(&tracker, &[&asked]);
    checked.says(&[
        &format!("✓ {} answers: 'Friday cycles', ", game.address),
        "- Nobody here answers the tracker's datagram",
        "✓ It answers the question of its players at ",
        "All is well",
    ]);
    checked
        .has("description=\"Friday cycles\"")
        .has("query=quake3");
    let address = game.address;
    drop(game);
    let checked = check(&tracker, &[&asked]);
    checked.says(&[
        &format!("✗ {address}: nothing listens there"),
        "✓ The password is right",
        "- It is not listed for a moment, as the game does not answer.",
    ]);
    // It would be started by the announcer.
    let checked = check(
        &tracker,
        &[&asked, "--", "sh", "-c", "echo started; exit 7"],
    );
    checked.says(&[
        "- The program behind -- is not started by a check.",
        "What was tried is well.",
    ]);
    assert!(checked.is_well && !checked.text.contains("started\n"));
    let status = ["--port", "1", "--status", "echo map=arena"];
    check(&tracker, &status)
        .has("✓ The command of --status answers.")
        .has("map=arena");
    logged(&tracker, "event=listed", 2);
    assert!(tracker.list().is_empty());
}

#[test]
fn a_game_that_need_not_answer_pings_is_not_blamed_and_nothing_is_proved() {
    let tracker = TrackerProcess::start();
    let port = free_udp_port();
    for (more, why) in [
        (&["game=sauerbraten"][..], "existing games do not know PING"),
        (
            &["--", "sh", "-c", "exit 7"],
            "the program behind -- is the game",
        ),
    ] {
        let checked = check(&tracker, &[&["--port", &port], more].concat());
        checked.has(why).says(&[
            &format!("- PING at 127.0.0.1:{port} is not answered from here."),
            "What was tried is well. What was not, and why, is said above.",
        ]);
        assert!(checked.is_well);
    }
    // It runs, and the list does not say that a datagram has reached it.
    let words = ["--port", &port, "game=sauerbraten"];
    let running = Program::start(announce(&[tracker.servers], &words));
    running.errors.wait_for("listed on");
    let checked = check(&tracker, &words);
    checked.says(&[
        "- This game server is on the list already",
        "What was tried is well.",
    ]);
    assert!(!checked.text.contains("the ip= that you name"));
    check_list(tracker.clients, &[])
        .says(&["- Of 1 game server none answers a ping from here. That says nothing"]);
    drop(running);
}

#[test]
fn a_datagram_that_is_not_answered_is_told() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "80", "--require-check"]);
    let port = free_udp_port();
    let demanded =
        format!("✗ The tracker lists the game server only if its datagram to UDP 127.0.0.1:{port}");
    let checked = check(&tracker, &["--port", &port]);
    checked
        .says(&[&demanded])
        .has("let the game answer CHALLENGE there; if it does not, --pong");
    logged(&tracker, "event=listed", 0);
    let checked = check(&tracker, &["--port", &port, "--pong"]);
    checked.says(&[&format!(
        "✓ The tracker's datagram to UDP 127.0.0.1:{port} was answered"
    )]);
    assert!(checked.is_well);
    let checked = check(&tracker, &["--port", "80"]);
    checked
        .says(&["✗ The tracker refused (unreachable)"])
        .has("--pong pingport=<port>");
    let tracker = TrackerProcess::start();
    let elsewhere = format!("--pong={}", free_udp_port());
    let checked = check(&tracker, &["--port", &port, &elsewhere]);
    checked.says(&[
        &format!("✓ The tracker has listed it as 127.0.0.1:{port}."),
        &format!("✗ No datagram of the tracker has come through to UDP 127.0.0.1:{port}."),
        &format!("✗ It does not answer PING at 127.0.0.1:{port}"),
        "2 steps went wrong.",
    ]);
    assert!(tracker.list().is_empty());
}

#[test]
fn several_trackers_are_checked_one_after_the_other_over_both_families() {
    let (mut command, port) = (command(), free_udp_port());
    command.args([
        "--servers",
        "[::]:0",
        "--clients",
        "[::]:0",
        "--max-slots",
        "80",
    ]);
    let tracker = TrackerProcess::run({
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        command
    });
    let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), tracker.servers.port());
    let (four, six) = (at("127.0.0.1"), at("::1"));
    let mut command = announce(&[four, six], &["--port", &port, "--pong"]);
    command.arg(format!("--check={}", tracker.clients.port()));
    let checked = Checked::by(command);
    checked.says(&[
        &format!("{four}:"),
        &format!("{six}:"),
        &format!("✓ The tracker has listed it as 127.0.0.1:{port}."),
        &format!("✓ The tracker has listed it as [::1]:{port}."),
        "✓ Players who ask ::1 (IPv6) see: ip=::1",
    ]);
    assert!(checked.is_well);
    logged(&tracker, "why=left", 2);
}

/// The names of a tracker lead to both families; its own host lists a second address.
#[test]
fn an_address_that_is_named_and_all_families_are_looked_at() {
    let names = "10.2.0.5 both.example\nfd00::5 both.example\n10.2.0.5 half.example\n10.2.0.6 half.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let host = network.host(&["10.2.0.5/16", "fd00::5/64"]);
    let games = network.host(&["10.2.0.1/16", "10.2.9.9/16", "fd00::1/64"]);
    let mut start = command();
    start
        .args(["--max-slots", "80"])
        .env("GLTRACKER_PASSWORD", PASSWORD);
    let _tracker = TrackerProcess::run(host.run_here(&start));
    let check = |words: &[&str]| {
        let mut check = command();
        check.args(words).args(["--check"]);
        check
            .env("GLTRACKER_PASSWORD", PASSWORD)
            .env("LC_ALL", "C.UTF-8");
        Checked::by(games.run_here(&check))
    };
    let words = ["announce", "both.example", "--port", "23460", "--pong"];
    let checked = check(&words);
    checked.says(&["✓ The name both.example leads to "]);
    checked.has("10.2.0.5 (IPv4)").has("fd00::5 (IPv6)");
    checked.says(&[
        "✓ Players who ask 10.2.0.5 (IPv4) see:",
        "✓ Players who ask fd00::5 (IPv6) see:",
    ]);
    assert!(checked.is_well);
    let checked = check(&[&words[..], &["--ipv4", "ip=10.2.9.9"]].concat());
    checked.says(&[
        "- You name another address, ip=10.2.9.9",
        "✓ The tracker has listed it as 10.2.9.9:23460.",
        "✓ The tracker's datagram to UDP 10.2.9.9:23460 was answered",
    ]);
    assert!(checked.is_well);
    let checked = check(&[
        "announce",
        "both.example",
        "--port",
        "23461",
        "ip=127.0.0.1",
    ]);
    checked
        .says(&["✗ The tracker refused (bad-ip)"])
        .has("Leave ip= out");
    // One address of two answers.
    let checked = check(&["list", "half.example"]);
    checked.says(&[
        "- Port 23471 of 10.2.0.6, for players: ",
        "✓ Port 23471 of 10.2.0.5, for players: it sends its whole list, 0 game servers",
        "✓ The list is empty",
    ]);
    assert!(checked.is_well);
    let checked = check(&["list", "--ipv6", "half.example"]);
    checked.says(&["✗ half.example: "]).has("Leave --ipv6 out");
}

/// Behind one name there are two trackers that know nothing of each other.
#[test]
fn addresses_that_do_not_list_the_same_are_told() {
    let Some(network) = Network::new("10.2.0.5 two.example\n10.2.0.6 two.example\n") else {
        return;
    };
    let hosts = ["10.2.0.5/16", "10.2.0.6/16"].map(|ip| network.host(&[ip]));
    let mut start = command();
    start.args(["--max-slots", "80"]);
    start.env("GLTRACKER_PASSWORD", PASSWORD);
    let _trackers = hosts
        .each_ref()
        .map(|host| TrackerProcess::run(host.run_here(&start)));
    let second = "10.2.0.6:23470".parse().unwrap();
    let game_server = announce(&[second], &["--port", "23460"]);
    let running = Program::start(hosts[0].run_here(&game_server));
    running.errors.wait_for("listed on 10.2.0.6");
    let mut check = command();
    check.args(["list", "--check", "--no-ping", "two.example"]);
    check.env("LC_ALL", "C.UTF-8");
    let checked = Checked::by(hosts[0].run_here(&check));
    checked.has("✗ Not all addresses list the same: game servers are ");
    checked.has("0 at 10.2.0.5").has("1 at 10.2.0.6");
    checked.has("what follows is that of 10.2.0.6.");
    checked.says(&["✓ 1 game server can be joined"]);
}

#[test]
fn a_player_is_told_what_is_on_the_list_and_why_nothing_is_shown() {
    let tracker = TrackerProcess::start();
    let checked = check_list(tracker.clients, &["map=a"]);
    checked.says(&["✓ The list is empty", "- The conditions are not tried"]);
    assert!(checked.is_well, "an empty list is a whole one");
    let _peers = [
        tracker.log_in(1, "map=a nbplayers=2"),
        tracker.log_in(2, "map=b"),
    ];
    let checked = check_list(tracker.clients, &["--no-ping", "map=a"]);
    checked.says(&[
        "✓ 2 game servers can be joined",
        "✓ 1 of 2 satisfy the conditions.",
        "- Nobody is pinged (--no-ping).",
    ]);
    assert!(checked.is_well);
    let checked = check_list(tracker.clients, &["--no-ping", "notempty", "map=A"]);
    checked
        .says(&["✗ Of 2 game servers none satisfies the conditions. Leave out map=A, which none"]);
    let checked = check_list(tracker.clients, &[]);
    checked.says(&["- Of 2 game servers none answers a ping from here."]);
    assert!(
        checked.is_well,
        "a tracker is well whose game servers do not answer"
    );
}

/// Somebody who is no tracker writes to the terminal of whoever checks.
#[test]
fn whatever_answers_is_written_as_plain_text_of_bounded_length() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let line = format!("ERR \u{1b}[2J{}\r\n", "\u{202e}x".repeat(250));
            // Who only tries the port has hung up.
            let _ = stream
                .write_all(line.as_bytes())
                .and_then(|()| stream.read(&mut [0; 99]));
        }
    });
    let mut command = announce(&[address], &["--port", "1"]);
    command.arg(format!("--check={}", address.port()));
    for checked in [Checked::by(command), check_list(address, &[])] {
        checked.has("\\u{1b}[2J");
        let is_plain = |c: char| !c.is_control() && c != '\u{202e}';
        assert!(checked.text.lines().all(|line| line.chars().all(is_plain)));
        assert!(checked.text.len() < 8000, "{}", checked.text.len());
        assert!(!checked.is_well);
    }
}

#[test]
fn the_signs_are_letters_where_the_locale_has_no_others() {
    let tracker = TrackerProcess::start();
    let mut command = command();
    command.args(["list", "--check", &tracker.clients.to_string()]);
    let output = outcome({
        command.env("LC_ALL", "C");
        command
    });
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.is_ascii() && text.contains("\nok The list is empty"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(0));
}
