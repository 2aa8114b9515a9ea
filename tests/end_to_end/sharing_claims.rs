//! One address and two trackers: who has it, and how many addresses one host or one key may have.

use crate::credentials::{TestFile, log_in};
use crate::engine::{EngineProcess, one_list};
use crate::harness::{PASSWORD, Peer, TrackerProcess};
use crate::patience::wait_until;
use crate::sharing_lists::line;
use crate::tools::{Program, need};
use std::process::Command;

/// What a game server that logs in with the password is answered at last.
fn answer(tracker: &TrackerProcess, port: u16) -> (Peer, String) {
    let mut peer = Peer::connect(tracker.servers);
    let number = peer.challenge();
    let answer = peer.ask(&format!("INFOS {number} port={port}"));
    (peer, answer)
}

const TOOK_OVER: &str = "ERR taken another login took over 127.0.0.1:7\n";

#[test]
fn the_later_login_with_the_same_password_has_the_address() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let mut first = a.log_in(7, "a=1");
    one_list(&[&a, &b], |list| list == [line(7, " a=1")]);
    let mut second = b.log_in(7, "b=2");
    assert_eq!(first.read_to_end(), TOOK_OVER);
    one_list(&[&a, &b], |list| list == [line(7, " b=2")]);
    let _third = a.log_in(7, "");
    assert_eq!(second.read_to_end(), TOOK_OVER);
    one_list(&[&a, &b], |list| list == [line(7, "")]);
    // Who has lost it has nothing to take away.
    drop((first, second));
    assert_eq!(b.list(), [line(7, "")]);
}

#[test]
fn of_two_logins_at_the_same_moment_one_has_the_address() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    for port in 7..12 {
        let mut two: Vec<Peer> = [&a, &b]
            .map(|tracker| {
                let mut peer = Peer::connect(tracker.servers);
                let number = peer.challenge();
                (peer, number)
            })
            .into_iter()
            .zip(["a=1", "b=2"])
            .map(|((mut peer, number), field)| {
                peer.send(&format!("INFOS {number} port={port} {field}"));
                peer
            })
            .collect();
        for peer in &mut two {
            assert_eq!(peer.line(), format!("OK listed 127.0.0.1:{port}"));
        }
        // At a later look at the latest each of them knows of the other, and one is told.
        let lost = wait_until("one of them loses", || {
            two.iter().position(|peer| peer.has_heard())
        });
        let told = two.remove(lost).read_to_end();
        let took_over = format!("ERR taken another login took over 127.0.0.1:{port}\n");
        assert_eq!(told, took_over);
        let field = [" b=2", " a=1"][lost];
        one_list(&[&a, &b], |list| list == [line(port, field)]);
        assert_eq!(two[0].ask("INFOS nbplayers=1"), "OK");
        let changed = format!(" nbplayers=1{field}");
        one_list(&[&a, &b], |list| list == [line(port, &changed)]);
        assert_eq!(two[0].ask("QUIT"), "OK bye");
        one_list(&[&a, &b], <[String]>::is_empty);
    }
}

#[test]
fn with_another_password_or_key_the_address_is_taken() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let keys = TestFile::new("shared-keys", "alice between us\nbob hunter2\n");
    let both = ["--keys-file", keys.path()];
    let a = engine.tracker("a", &both);
    let b = engine.tracker("b", &both);
    // It has neither key.
    let c = engine.tracker("c", &[]);
    let all = [&a, &b, &c];
    let (alice, listed) = log_in(&a, "alice", "between us", 7);
    assert_eq!(listed, "OK listed 127.0.0.1:7");
    one_list(&all, |list| list == [line(7, "")]);
    let taken = "ERR taken ";
    let (_, told) = log_in(&b, "bob", "hunter2", 7);
    assert!(told.starts_with(taken) && !told.contains("wait"), "{told}");
    for tracker in [&b, &c] {
        let (_, told) = answer(tracker, 7);
        assert!(told.starts_with(taken) && !told.contains("wait"), "{told}");
    }
    // Her own key is hers at every tracker that has it.
    let (again, listed) = log_in(&b, "alice", "between us", 7);
    assert_eq!(listed, "OK listed 127.0.0.1:7");
    let mut alice = alice;
    assert_eq!(alice.read_to_end(), TOOK_OVER);
    one_list(&all, |list| list == [line(7, "")]);
    drop(again);
    one_list(&all, <[String]>::is_empty);
    let _anybody = c.log_in(7, "");
    one_list(&all, |list| list == [line(7, "")]);
}

#[test]
fn who_is_at_an_address_has_it_before_who_only_names_it() {
    if !need("nc.openbsd") {
        return;
    }
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
    let named = "INFOS ip=127.0.0.2 port=7";
    // From a trusted network another address need not be proven.
    let name_it = |tracker: &TrackerProcess| {
        let mut peer = Peer::connect(tracker.servers);
        let number = peer.challenge();
        let told = peer.ask(&format!("INFOS {number} ip=127.0.0.2 port=7"));
        (peer, told)
    };
    let (mut first, told) = name_it(&a);
    assert_eq!(told, "OK listed 127.0.0.2:7");
    one_list(&[&a, &b], |list| list == [named]);

    let mut netcat = Command::new("nc.openbsd");
    let (ip, port) = (b.servers.ip().to_string(), b.servers.port().to_string());
    netcat.args(["-N", "-s", "127.0.0.2", &ip, &port]);
    let mut at_home = Program::start(netcat);
    at_home.say(&format!("LOGIN {PASSWORD}"));
    let challenge = at_home.output.wait_for("CHALLENGE ");
    let number = challenge.split(' ').nth(1).unwrap();
    at_home.say(&format!("INFOS {number} port=7 a=1"));
    at_home.output.wait_for("OK listed 127.0.0.2:7");
    let told = "ERR taken another login took over 127.0.0.2:7\n";
    assert_eq!(first.read_to_end(), told);
    let own = format!("{named} a=1");
    one_list(&[&a, &b], |list| list == [&*own]);
    for tracker in [&a, &b] {
        let (_, told) = name_it(tracker);
        assert!(told.starts_with("ERR taken "), "{told}");
    }
    at_home.say("QUIT");
    at_home.output.wait_for("OK bye");
    one_list(&[&a, &b], <[String]>::is_empty);
}

#[test]
fn one_host_has_so_many_game_servers_at_all_trackers_together() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let [a, b] = ["a", "b"].map(|name| engine.distrustful(name, &["--per-host", "2"]));
    let mut one = a.log_in(1, "");
    let mut two = b.log_in(2, "");
    one_list(&[&a, &b], |list| list.len() == 2);
    let full = "ERR too-many one address has at most 2 game servers on the list";
    for tracker in [&a, &b] {
        assert_eq!(answer(tracker, 3).1, full);
    }
    // Its own ghost does not count, wherever it is.
    let mut moved = a.log_in(2, "nbplayers=1");
    let told = two.read_to_end();
    assert!(
        told.starts_with("ERR taken another login took over"),
        "{told}"
    );
    one_list(&[&a, &b], |list| {
        list == [line(1, ""), line(2, " nbplayers=1")]
    });
    assert_eq!(answer(&b, 3).1, full);
    // Who leaves makes room everywhere.
    assert_eq!(one.ask("QUIT"), "OK bye");
    one_list(&[&a, &b], |list| list.len() == 1);
    let _three = b.log_in(3, "");
    one_list(&[&a, &b], |list| list.len() == 2);
    assert_eq!(answer(&a, 4).1, full);
    assert_eq!(moved.ask("INFOS nbplayers=2"), "OK");
}

#[test]
fn the_ghosts_of_a_tracker_that_was_killed_keep_nobody_out() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let mut a = engine.distrustful("a", &["--per-host", "2"]);
    let b = engine.distrustful("b", &["--per-host", "2"]);
    let _two = [a.log_in(1, ""), a.log_in(2, "")];
    one_list(&[&a, &b], |list| list.len() == 2);
    a.kill();
    let full = "ERR too-many one address has at most 2 game servers on the list";
    assert_eq!(answer(&b, 3).1, full);
    let _again = [b.log_in(1, "a=1"), b.log_in(2, "a=2")];
    assert_eq!(b.list(), [line(1, " a=1"), line(2, " a=2")]);
    assert_eq!(answer(&b, 3).1, full);
}

#[test]
fn one_key_has_so_many_game_servers_at_all_trackers_together() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    // The order is no secret, and another at each tracker.
    let of_a = TestFile::new("shared-caps-a", "alice between us\nbob hunter2\n");
    let of_b = TestFile::new("shared-caps-b", "bob hunter2\nalice between us\n");
    let start = |name: &str, keys: &TestFile| {
        let arguments = ["--per-credential", "2", "--keys-file", keys.path()];
        engine.distrustful(name, &arguments)
    };
    let (a, b) = (start("a", &of_a), start("b", &of_b));
    let (_one, listed) = log_in(&a, "alice", "between us", 1);
    assert_eq!(listed, "OK listed 127.0.0.1:1");
    let (two, listed) = log_in(&b, "alice", "between us", 2);
    assert_eq!(listed, "OK listed 127.0.0.1:2");
    one_list(&[&a, &b], |list| list.len() == 2);
    let full = "ERR too-many one key has at most 2 game servers on the list";
    for tracker in [&a, &b] {
        assert_eq!(log_in(tracker, "alice", "between us", 3).1, full);
    }
    let (_bob, listed) = log_in(&a, "bob", "hunter2", 3);
    assert_eq!(listed, "OK listed 127.0.0.1:3");
    drop(two);
    one_list(&[&a, &b], |list| list == [line(1, ""), line(3, "")]);
    let (_four, listed) = log_in(&a, "alice", "between us", 4);
    assert_eq!(listed, "OK listed 127.0.0.1:4");
}
