//! Every netcat there is, telnet and bash, against a real tracker: what PROTOCOL.md promises to a
//! person with a terminal.

use crate::harness::{PASSWORD, Peer, TrackerProcess};
use crate::patience::time_of;
use crate::tools::{Program, command_to, need};
use std::time::Duration;

/// Asks for the list, and for the end of the conversation. Some programs end when their standard
/// input does, whatever is still to come; a person who uses one leaves it open.
fn asks_for_the_list(words: &[&str], keeps_input_open: bool) {
    let tracker = TrackerProcess::start();
    let long = "x".repeat(255);
    let game_server = |port| tracker.log_in(port, &format!("description={long} motd={long}"));
    let _game_servers: Vec<Peer> = (1..=30).map(game_server).collect();
    let expected = tracker.ask("LIST\nQUIT\n");
    assert!(expected.contains("\nEND count=30 rev=") && expected.ends_with("\nOK bye\n"));

    let mut program = Program::start(command_to(words, tracker.clients));
    program.say("LIST");
    program.say("QUIT");
    if !keeps_input_open {
        program.end_input();
    }
    let output = program.output.wait_for_end();
    // telnet says a few words of its own before.
    assert!(output.ends_with(&expected), "{words:?}: {output}");
    program.wait();
}

/// Types what a game server says, and pulls the plug.
fn is_listed_until_killed(words: &[&str]) {
    let tracker = TrackerProcess::start();
    let mut program = Program::start(command_to(words, tracker.servers));
    program.say(&format!("LOGIN {PASSWORD}"));
    let challenge = program.output.wait_for("CHALLENGE ");
    let number = challenge.split(' ').nth(1).expect("a number");
    program.say(&format!(
        "INFOS {number} port=23460 description=\"Friday cycles\""
    ));
    program.output.wait_for("OK listed 127.0.0.1:23460");
    let infos = "INFOS ip=127.0.0.1 port=23460 description=\"Friday cycles\"";
    assert_eq!(tracker.list(), [infos], "{words:?}");

    let took = time_of(|| {
        program.kill();
        tracker.wait_for_list(<[String]>::is_empty);
    });
    // It takes a millisecond; a machine that runs other tests at the same time may be late.
    assert!(took < Duration::from_secs(2), "{words:?}: {took:?}");
}

#[test]
fn openbsd_netcat() {
    if need("nc.openbsd") {
        asks_for_the_list(&["nc.openbsd", "{host}", "{port}"], false);
        asks_for_the_list(&["nc.openbsd", "-N", "{host}", "{port}"], false);
        is_listed_until_killed(&["nc.openbsd", "{host}", "{port}"]);
    }
}

#[test]
fn traditional_netcat() {
    if need("nc.traditional") {
        asks_for_the_list(&["nc.traditional", "{host}", "{port}"], false);
        is_listed_until_killed(&["nc.traditional", "{host}", "{port}"]);
    }
}

#[test]
fn ncat() {
    if need("ncat") {
        asks_for_the_list(&["ncat", "{host}", "{port}"], false);
        // With CR before each LF.
        asks_for_the_list(&["ncat", "--crlf", "{host}", "{port}"], false);
        is_listed_until_killed(&["ncat", "{host}", "{port}"]);
    }
}

#[test]
fn busybox_netcat() {
    if need("busybox") {
        asks_for_the_list(&["busybox", "nc", "{host}", "{port}"], false);
        is_listed_until_killed(&["busybox", "nc", "{host}", "{port}"]);
    }
}

#[test]
fn socat() {
    if need("socat") {
        // Without -t it waits half a second for an answer, once its standard input has ended.
        let asking = ["socat", "-t", "60", "-", "TCP:{host}:{port}"];
        asks_for_the_list(&asking, false);
        is_listed_until_killed(&["socat", "-", "TCP:{host}:{port}"]);
    }
}

#[test]
fn telnet() {
    if need("telnet") {
        asks_for_the_list(&["telnet", "{host}", "{port}"], true);
        is_listed_until_killed(&["telnet", "{host}", "{port}"]);
    }
}

#[test]
fn bash_without_any_netcat() {
    if need("bash") {
        let asking = "exec 3<>/dev/tcp/{host}/{port}; cat >&3; cat <&3";
        asks_for_the_list(&["bash", "-c", asking], false);
        let talking = "exec 3<>/dev/tcp/{host}/{port}
            while read -r line; do
                echo \"$line\" >&3
                read -r answer <&3
                echo \"$answer\"
            done";
        is_listed_until_killed(&["bash", "-c", talking]);
    }
}
