//! A tracker whose name has several addresses, of which not all will do.

use crate::harness::{PASSWORD, TrackerProcess, command, outcome};
use crate::hosts::{Host, Network};
use crate::patience::time_of;
use crate::screen::Screen;
use crate::tools::{Program, need};
use std::process::Command;
use std::time::{Duration, Instant};

/// A tracker at the usual ports of a host of its own.
fn tracker(host: &Host) -> TrackerProcess {
    let mut command = command();
    command.args(["--max-slots", "80"]);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    TrackerProcess::run(host.run_here(&command))
}

/// Stops it: the system goes on taking connections in its place, and nobody answers.
fn stop(tracker: &TrackerProcess) {
    let pid = tracker.id().to_string();
    let done = Command::new("kill").args(["-STOP", &pid]).status();
    assert!(done.unwrap().success());
}

fn on(host: &Host, words: &[&str]) -> Command {
    let mut command = command();
    command.args(words).env("GLTRACKER_PASSWORD", PASSWORD);
    host.run_here(&command)
}

/// Asks from a host for a list that is empty; what was said otherwise.
fn list(host: &Host, words: &[&str]) -> Result<(), String> {
    let output = outcome(on(host, &[&["list"], words].concat()));
    match output.status.code() {
        Some(1) => Ok(()),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn one_that_takes_connections_and_never_answers_is_passed_over() {
    let names = "10.2.0.6 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let silent_host = network.host(&["10.2.0.6/16"]);
    let silent = tracker(&silent_host);
    stop(&silent);
    let healthy_host = network.host(&["10.2.200.1/16"]);
    let mut healthy = tracker(&healthy_host);
    let player = network.host(&["10.2.0.7/16"]);
    let start = Instant::now();
    assert_eq!(list(&player, &["tracker.example"]), Ok(()));
    let asked_first = "the silent one is asked first";
    assert!(start.elapsed() > Duration::from_secs(2), "{asked_first}");

    let words = ["announce", "tracker.example", "--port", "23460"];
    let announcer = Program::start(on(&player, &words));
    let listed = "listed on tracker.example as 10.2.0.7:23460";
    announcer.errors.wait_for(listed);
    // It comes back where it was, however often it must.
    healthy.kill();
    announcer
        .errors
        .wait_for("lost tracker.example: it hung up");
    let healthy = tracker(&healthy_host);
    healthy.wait_for_log("event=listed");

    if need("tmux") {
        let browse = on(&player, &["browse", "tracker.example"]);
        let words = std::iter::once(browse.get_program()).chain(browse.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let screen = Screen::run(&words.join(" "));
        screen.wait_to_see("1 of 1 servers");
    }
}

#[test]
fn half_an_answer_is_none() {
    let names = "10.2.0.6 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names).filter(|_| need("socat")) else {
        return;
    };
    let host = network.host(&["10.2.0.6/16"]);
    // Both ports of one that begins well and goes no further.
    let half = |port: &str, line: &str| {
        let mut socat = Command::new("socat");
        socat.arg(format!("TCP-LISTEN:{port},fork,reuseaddr"));
        socat.arg(format!("SYSTEM:echo {line}; exec sleep 60"));
        Program::start(host.run_here(&socat))
    };
    let _halves = [
        half("23470", "CHALLENGE 00000000000000aa"),
        half("23471", "INFOS ip=192.0.2.1 port=1"),
    ];
    let healthy_host = network.host(&["10.2.200.1/16"]);
    let healthy = tracker(&healthy_host);
    let player = network.host(&["10.2.0.7/16"]);
    assert_eq!(list(&player, &["tracker.example"]), Ok(()));
    let words = ["announce", "tracker.example", "--port", "23460"];
    let _announcer = Program::start(on(&player, &words));
    healthy.wait_for_log("event=listed address=10.2.0.7:23460");
}

#[test]
fn black_holes_cost_a_moment() {
    let names = "10.2.0.6 tracker.example\n10.2.0.5 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let host = network.host(&["10.2.200.1/16"]);
    let running = tracker(&host);
    let player = network.host(&["10.2.0.7/16"]);
    for hole in ["10.2.0.5", "10.2.0.6"] {
        // What is sent there goes to a card that nobody has.
        let mut swallow = Command::new("ip");
        swallow.args(["neighbour", "add", hole, "dev", "eth0"]);
        swallow.args(["lladdr", "02:00:00:00:00:01", "nud", "permanent"]);
        assert!(outcome(player.run_here(&swallow)).status.success());
    }
    let start = Instant::now();
    let time = time_of(|| assert_eq!(list(&player, &["tracker.example"]), Ok(())));
    let tried_first = "the black holes are tried first";
    assert!(
        start.elapsed() >= Duration::from_millis(500),
        "{tried_first}"
    );
    // Half a second, and what a busy machine makes of it; it was 3.3 s and more for each of them.
    assert!(time < Duration::from_secs(3), "{time:?}");
    let time = time_of(|| {
        let words = ["announce", "tracker.example", "--port", "23460"];
        let announcer = Program::start(on(&player, &words));
        announcer.errors.wait_for("listed on tracker.example as");
        running.wait_for_log("event=listed");
    });
    assert!(time < Duration::from_secs(3), "{time:?}");
}

#[test]
fn the_family_of_addresses_can_be_chosen() {
    let names = "10.2.0.1 tracker.example\nfd00::1 tracker.example\n10.2.0.1 four.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let host = network.host(&["10.2.0.1/16", "fd00::1/64"]);
    let running = tracker(&host);
    let player = network.host(&["10.2.0.7/16", "fd00::7/64"]);
    let words = ["announce", "tracker.example", "--port", "23460"];
    for (flag, listed) in [
        ("--ipv4", "as 10.2.0.7:23460"),
        ("--ipv6", "as [fd00::7]:23460"),
    ] {
        let mut announcer = Program::start(on(&player, &[&words[..], &[flag]].concat()));
        let told = announcer.errors.wait_for("listed on");
        assert!(told.ends_with(listed), "{told}");
        announcer.kill();
        running.wait_for_log("event=unlisted");
        assert_eq!(list(&player, &["tracker.example", flag]), Ok(()));
    }
    let error = list(&player, &["four.example", "--ipv6"]).unwrap_err();
    assert!(error.contains("it has no IPv6 address"), "{error}");
}
