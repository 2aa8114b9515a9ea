//! The game servers and clients of `scripts/examples`, each written from PROTOCOL.md alone.

use crate::announce::Pretender;
use crate::example_clients::{client_gives_up, client_is_cut_off, client_lists, client_stays};
use crate::harness::{KEYS, PASSWORD, TrackerProcess, accept, command, free_udp_port};
use crate::hosts::Network;
use crate::languages::{AWKWARD, Language, in_each_language, line_from, tracker, wait_for_lines};
use crate::patience::{PATIENCE, uninterrupted};
use crate::several_addresses::stop;
use std::collections::BTreeSet;
use std::io::BufReader;
use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

#[test]
fn a_game_server_lives_and_leaves() {
    in_each_language(game_server_lives);
}

#[test]
fn a_game_server_takes_no_for_an_answer() {
    in_each_language(game_server_is_refused);
}

#[test]
fn a_game_server_reads_what_any_tracker_may_say() {
    in_each_language(game_server_reads);
}

#[test]
fn a_game_server_leaves_a_tracker_that_is_silent() {
    in_each_language(game_server_is_not_answered);
}

#[test]
fn a_client_has_the_list() {
    in_each_language(client_lists);
}

#[test]
fn a_client_follows_and_watches() {
    in_each_language(client_stays);
}

#[test]
fn a_client_takes_only_whole_answers() {
    in_each_language(client_is_cut_off);
}

#[test]
fn a_client_gives_up_on_a_list_without_end() {
    in_each_language(client_gives_up);
}

/// The answer to a player's datagram, which comes from where it was sent.
fn answer_of(port: &str, datagram: &str) -> String {
    let player = UdpSocket::bind("127.0.0.1:0").unwrap();
    player.set_read_timeout(Some(PATIENCE)).unwrap();
    player.connect(format!("127.0.0.1:{port}")).unwrap();
    player.send(datagram.as_bytes()).unwrap();
    let mut buffer = [0; 100];
    let count = uninterrupted(|| player.recv(&mut buffer)).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

/// It is listed and checked, answers players, changes, survives its tracker, and leaves at once.
fn game_server_lives(language: &Language) {
    let mut first = tracker(&[]);
    let port = free_udp_port();
    // No value may hold such characters, or be as long.
    let note = format!("note=a\u{202e}\u{85}\u{2028}\t{}", "ü".repeat(200));
    let kept = format!("note=\"a    {}\"", "ü".repeat(125));
    let mut game = language.game_server(
        first.servers,
        PASSWORD,
        &[&port, "nbplayers=0", AWKWARD[0], &note],
    );
    let listed = format!("listed 127.0.0.1:{port}");
    game.output.wait_for(&listed);
    game.output.wait_for("checked");
    let entry = |players: u32| {
        let [_, description] = AWKWARD;
        format!(
            "INFOS ip=127.0.0.1 port={port} nbplayers={players} {description} checked=yes {kept}"
        )
    };
    first.wait_for_list(|list| list == [entry(0)]);
    assert_eq!(
        answer_of(&port, "PING 0123456789abcdef"),
        "PONG 0123456789abcdef"
    );
    game.say("nbplayers=many");
    game.output.wait_for("not taken: bad-value nbplayers");
    game.say(&format!("mode=b\u{202e}{}", "ü".repeat(200)));
    let mode = format!("mode=\"b {}\"", "ü".repeat(126));
    first.wait_for_list(|list| list.iter().any(|entry| entry.contains(&mode)));
    game.say("mode=");
    game.say("nbplayers=3");
    first.wait_for_list(|list| list == [entry(3)]);

    first.kill();
    game.output.wait_for("lost ");
    game.say("nbplayers=4");
    let second = TrackerProcess::start_at(first.servers, first.clients, &["--max-slots", "80"]);
    wait_for_lines(&game, &listed, 2);
    second.wait_for_list(|list| list == [entry(4)]);

    game.say("quit");
    assert_eq!(game.wait().code(), Some(0));
    assert!(second.list().is_empty());
    second.wait_for_log("why=left");
}

/// What is final ends it, with the tracker's words. A tracker that wants a proof, or a key, gets it.
fn game_server_is_refused(language: &Language) {
    let strict = tracker(&["--require-check", "--keys-file", KEYS]);
    let port = free_udp_port();
    let mut stranger = language.game_server(strict.servers, "other", &[&port]);
    stranger
        .output
        .wait_for("refused bad-password that is not a password");
    assert_eq!(stranger.wait().code(), Some(1));
    let mut wrong = language.game_server(strict.servers, PASSWORD, &[&port, "nbplayers=-1"]);
    wrong.output.wait_for("refused bad-value nbplayers");
    assert_eq!(wrong.wait().code(), Some(1));

    let login = if language.has_keys {
        "alice:between us"
    } else {
        PASSWORD
    };
    let mut game = language.game_server(strict.servers, login, &[&port]);
    // The end of standard input ends nothing.
    game.end_input();
    game.output.wait_for(&format!("listed 127.0.0.1:{port}"));
    game.output.wait_for("checked");
    assert_eq!(
        strict.list(),
        [format!("INFOS ip=127.0.0.1 port={port} checked=yes")]
    );
}

/// A tracker that is pretended: it has just taken a login, and has said that the game server is listed.
fn logged_in(listener: &TcpListener, first_infos: &str) -> Pretender {
    let mut tracker = Pretender::accept(listener);
    tracker.hears("LOGIN secret");
    tracker.says("\r\nNEWS of\u{2028}another\rday\r\nCHALLENGE 5f1c9a3e77b04d21 and more\r");
    let line = tracker.line();
    let said = line
        .strip_prefix("INFOS 5f1c9a3e77b04d21 ")
        .unwrap_or(&line);
    let words = |fields: &str| BTreeSet::from_iter(fields.split(' ').map(str::to_owned));
    assert_eq!(words(said), words(first_infos));
    tracker
}

/// Lines that the document allows and that a tracker of today does not say, and some that no tracker may
/// say, which end nothing; the fates of its errors.
fn game_server_reads(language: &Language) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let port = free_udp_port();
    let mut game = language.game_server(address, PASSWORD, &[&port, "nbplayers=0"]);
    let fields = format!("port={port} nbplayers=0");
    let mut tracker = logged_in(&listener, &fields);
    tracker.says("OK listed 127.0.0.1:1 and more");
    tracker.says("PING first\nPING second");
    tracker.hears("PONG first");
    tracker.hears("PONG second");
    // Nothing was asked that these could answer.
    tracker.says("CHALLENGE\nOK\nOK listed\nERR\nPING");
    assert_eq!(tracker.line().trim_end(), "PONG");
    game.output.wait_for("listed 127.0.0.1:1");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |number: &str| {
        let datagram = format!("CHALLENGE {number}");
        sender
            .send_to(datagram.as_bytes(), format!("127.0.0.1:{port}"))
            .unwrap();
    };
    send("0123456789abcdef");
    tracker.hears("INFOS 0123456789abcdef");
    tracker.says("OK checked and more");
    game.output.wait_for("checked");
    // No number is returned twice.
    send("0123456789abcdef");
    send("fedcba9876543210");
    tracker.hears("INFOS fedcba9876543210");
    tracker.says("ERR bad-challenge that closes nothing");
    game.say("nbplayers=1");
    tracker.hears("INFOS nbplayers=1");
    tracker.says("OK listed");

    // What was not taken is no reason for its end, and is not said again.
    game.say("nbplayers=many");
    tracker.hears("INFOS nbplayers=many");
    tracker.says("ERR bad-value that closes nothing");
    game.output
        .wait_for("not taken: bad-value that closes nothing");
    drop(tracker);
    let fields = fields.replace("=0", "=1");
    let mut tracker = logged_in(&listener, &fields);
    tracker.says("OK checking udp 127.0.0.1:2");
    send("00112233445566aa");
    tracker.hears("INFOS 00112233445566aa");
    tracker.says("ERR bad-challenge that closes nothing");
    send("00112233445566bb");
    tracker.hears("INFOS 00112233445566bb");
    tracker.says("OK listed 127.0.0.1:2");
    game.output.wait_for("listed 127.0.0.1:2");

    // It waits as long as it is told, even if what the error says is new.
    let start = Instant::now();
    tracker.says("ERR newer-than-this wait 2 s");
    drop(tracker);
    game.output.wait_for("lost newer-than-this wait 2 s");
    let mut tracker = logged_in(&listener, &fields);
    assert!(start.elapsed() >= Duration::from_secs(2));
    tracker.says("ERR taken listed with another password");
    drop(tracker);
    game.output
        .wait_for("refused taken listed with another password");
    assert_eq!(game.wait().code(), Some(1));
}

/// It hangs up and comes back when LOGIN has no answer for 15 s.
fn game_server_is_not_answered(language: &Language) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free_udp_port();
    let game = language.game_server(listener.local_addr().unwrap(), PASSWORD, &[&port]);
    let mut silent = BufReader::new(accept(&listener));
    silent
        .get_ref()
        .set_read_timeout(Some(3 * PATIENCE))
        .unwrap();
    assert_eq!(line_from(&mut silent), "LOGIN secret");
    let start = Instant::now();
    assert_eq!(line_from(&mut silent), "", "it hangs up");
    assert!(start.elapsed() > Duration::from_secs(10));
    game.output.wait_for("lost ");
    Pretender::accept(&listener).hears("LOGIN secret");
}

/// A name has three addresses, of which only one answers.
#[test]
fn addresses_that_do_not_answer_are_passed_over() {
    let names = ["10.2.0.5", "10.2.0.6", "10.2.200.1"].map(|ip| format!("{ip} tracker.example\n"));
    let Some(network) = Network::new(&names.concat()) else {
        return;
    };
    let hosts = [&["10.2.0.5/16", "10.2.0.6/16"][..], &["10.2.200.1/16"]];
    let hosts = hosts.map(|addresses| network.host(addresses));
    let trackers = hosts.each_ref().map(|host| {
        let mut command = command();
        command.args(["--max-slots", "80", "--trust", "10.2.0.0/16"]);
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        TrackerProcess::run(host.run_here(&command))
    });
    stop(&trackers[0]);
    let player = network.host(&["10.2.0.7/16"]);
    in_each_language(|language| {
        if language.knows_all_addresses {
            let port = free_udp_port();
            let game = language.game_server_on(&player, &["tracker.example:23470", &port]);
            let listed = format!("10.2.0.7:{port}");
            game.output.wait_for(&format!("listed {listed}"));
            let list = language.list_on(&player, &["tracker.example:23471", "list"]);
            assert!(list.contains(&listed), "{list}");
        }
    });
}
