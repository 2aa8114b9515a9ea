//! From the first line to the last: getting on the list, staying, and leaving it.

use crate::harness::{PASSWORD, Peer, TrackerProcess};
use crate::patience::time_of;
use std::net::Shutdown;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_game_server_gets_on_the_list_changes_and_leaves() {
    let tracker = TrackerProcess::start();
    let mut game_server = tracker.log_in(
        23460,
        "erase=yes speed=fast zone=eu description=\"Friday cycles\"",
    );
    assert_eq!(
        tracker.list(),
        ["INFOS ip=127.0.0.1 port=23460 speed=fast erase=on description=\"Friday cycles\" zone=eu"]
    );
    assert_eq!(game_server.ask("INFOS nbplayers=3 zone="), "OK");
    assert_eq!(
        tracker.list(),
        [
            "INFOS ip=127.0.0.1 port=23460 nbplayers=3 speed=fast erase=on description=\"Friday cycles\""
        ]
    );
    assert_eq!(game_server.ask("PING 7"), "PONG 7");
    assert_eq!(game_server.ask("QUIT"), "OK bye");
    assert_eq!(game_server.line(), "", "the tracker hangs up");
    assert_eq!(tracker.list(), [""; 0]);
}

#[test]
fn one_that_hangs_up_is_off_the_list_at_once() {
    let tracker = TrackerProcess::start();
    let mut slowest = Duration::ZERO;
    for how in 0..10 {
        let game_server = tracker.log_in(23460, "");
        assert_eq!(tracker.list().len(), 1);
        let took = time_of(|| {
            match how % 2 {
                0 => drop(game_server),
                _ => game_server.socket().shutdown(Shutdown::Write).unwrap(),
            }
            tracker.wait_for_list(<[String]>::is_empty);
        });
        slowest = slowest.max(took);
    }
    // The promise is 100 ms; a machine that runs other tests at the same time may be late.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[test]
fn a_server_that_was_started_again_replaces_its_ghost() {
    let tracker = TrackerProcess::start();
    let mut ghost = tracker.log_in(23460, "version=1");
    let mut again = tracker.log_in(23460, "version=2");
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=23460 version=2"]);
    assert_eq!(
        ghost.line(),
        "ERR taken another login took over 127.0.0.1:23460"
    );
    assert_eq!(ghost.line(), "");
    assert_eq!(again.ask("INFOS nbplayers=1"), "OK");
    assert_eq!(
        tracker.list(),
        ["INFOS ip=127.0.0.1 port=23460 nbplayers=1 version=2"]
    );
}

#[test]
fn another_port_is_another_game_server_and_a_port_may_change() {
    let tracker = TrackerProcess::start();
    let mut one = tracker.log_in(1001, "");
    let mut two = tracker.log_in(1002, "");
    assert_eq!(tracker.list().len(), 2);
    assert_eq!(one.ask("INFOS port=1003"), "OK listed 127.0.0.1:1003");
    let ports: Vec<String> = tracker.list();
    assert!(
        ports.iter().any(|line| line.contains("port=1003")) && ports.len() == 2,
        "{ports:?}"
    );
    assert_eq!(one.ask("INFOS port=1002"), "OK listed 127.0.0.1:1002");
    assert!(two.line().starts_with("ERR taken"));
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=1002"]);
}

#[test]
fn lines_may_be_chopped_and_commands_may_be_piled_up() {
    let tracker = TrackerProcess::start();
    let mut peer = Peer::connect(tracker.servers);
    for byte in format!("login {PASSWORD}\r\n").bytes() {
        peer.send_raw(&[byte]);
    }
    let number = peer.line().replace("CHALLENGE ", "");
    peer.send_raw(
        format!("\n\nInfos {number} port=5\nPING a\r\nINFOS nbplayers=1\nqui").as_bytes(),
    );
    assert_eq!(peer.line(), "OK listed 127.0.0.1:5");
    assert_eq!((peer.line(), peer.line()), ("PONG a".into(), "OK".into()));
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=5 nbplayers=1"]);
    peer.send_raw(b"t\n");
    assert_eq!(peer.line(), "OK bye");

    let answer = tracker.ask("PING 1\nLIST\nPING 2\nLIST notempty\nQUIT\nPING 3\n");
    let lines: Vec<&str> = answer.lines().collect();
    assert!(
        matches!(&lines[..], ["PONG 1", end, "PONG 2", _, "OK bye"] if end.starts_with("END count=0")),
        "{answer}"
    );
}

#[test]
fn an_answer_comes_after_the_peer_has_said_its_last_word() {
    let tracker = TrackerProcess::start();
    let _game_server = tracker.log_in(23460, "");
    let mut peer = Peer::connect(tracker.clients);
    peer.send_raw(b"LIST\n");
    peer.half_close();
    let answer = peer.read_to_end();
    assert!(
        answer.starts_with("INFOS ip=127.0.0.1 port=23460\nEND count=1 rev="),
        "{answer}"
    );

    let mut peer = Peer::connect(tracker.clients);
    peer.send_raw(b"LIST");
    peer.half_close();
    assert!(
        peer.read_to_end()
            .starts_with("ERR bad-syntax the last line did not end with LF")
    );
}

#[test]
fn the_list_can_be_filtered() {
    let tracker = TrackerProcess::start();
    let _servers = [
        tracker.log_in(1, "nbplayers=0 maxplayers=8 speed=fast"),
        tracker.log_in(2, "nbplayers=8 maxplayers=8 speed=fast map=\"old town\""),
        tracker.log_in(3, "nbplayers=3 maxplayers=8 speed=boring erase=off"),
    ];
    let ports = |filter: &str| -> Vec<String> {
        let answer = tracker.ask(&format!("LIST {filter}\nQUIT\n"));
        let mut ports: Vec<String> = answer
            .lines()
            .filter_map(|line| line.strip_prefix("INFOS ip=127.0.0.1 port="))
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
            .collect();
        ports.sort();
        assert!(
            answer.contains(&format!("END count={} rev=", ports.len())),
            "{answer}"
        );
        ports
    };
    assert_eq!(ports(""), ["1", "2", "3"]);
    assert_eq!(ports("notempty"), ["2", "3"]);
    assert_eq!(ports("notfull"), ["1", "3"]);
    assert_eq!(ports("notempty notfull"), ["3"]);
    assert_eq!(ports("speed=fast nbplayers>=1"), ["2"]);
    assert_eq!(ports("speed!=fast"), ["3"]);
    assert_eq!(ports("map=\"old town\""), ["2"]);
    assert_eq!(ports("erase=no"), ["3"]);
    assert_eq!(ports("nbplayers<=3 nbplayers>=1"), ["3"]);
    assert_eq!(ports("since=c0ffee-1 port=2"), ["2"]);
    assert_eq!(ports("ip=::ffff:127.0.0.1"), ["1", "2", "3"]);
}

#[test]
fn what_came_while_the_tracker_was_stopped_came_in_time() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "16"]);
    // Of four slots for clients, with that of the one who asks.
    let mut crowd = [(); 3].map(|()| Peer::connect(tracker.clients));
    tracker.wait_for_stat("client", "4/4");
    let signal = |name: &str| {
        let pid = tracker.id().to_string();
        let done = Command::new("kill").args([name, &*pid]).status();
        assert!(done.unwrap().success());
    };
    signal("-STOP");
    for peer in &mut crowd {
        peer.send("LIST");
    }
    // A crowd's first command must come within three seconds.
    std::thread::sleep(Duration::from_millis(3500));
    signal("-CONT");
    for peer in &mut crowd {
        assert!(peer.line().starts_with("END count=0 "));
    }
}
