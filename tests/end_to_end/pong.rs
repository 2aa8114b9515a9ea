//! Who answers datagrams for a game: at which port, from which address, and to whom.

use crate::announce::{Pretender, announce};
use crate::harness::{PASSWORD, TrackerProcess, command, free_udp_port, outcome as output};
use crate::hosts::Network;
use crate::patience::{Over, PATIENCE, uninterrupted};
use crate::tools::{Program, need};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) fn start(tracker: &TrackerProcess, arguments: &[&str]) -> Program {
    Program::start(announce(&[tracker.servers], arguments))
}

#[test]
fn pong_proves_the_port_and_answers_players() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--require-check"]);
    let port = free_udp_port();
    let mut program = start(&tracker, &["--port", &port, "--pong"]);
    let address = format!("127.0.0.1:{port}");
    program
        .errors
        .wait_for(&format!("is checking whether UDP {address} answers"));
    program.errors.wait_for(&format!("as {address}"));
    let line = format!("INFOS ip=127.0.0.1 port={port} checked=yes");
    assert_eq!(tracker.list(), [line]);
    let answers = |port: &str| {
        let player = UdpSocket::bind("127.0.0.1:0").unwrap();
        player.set_read_timeout(Some(PATIENCE)).unwrap();
        player.connect(format!("127.0.0.1:{port}")).unwrap();
        player.send(b"PING here").unwrap();
        let mut buffer = [0; 100];
        let count = uninterrupted(|| player.recv(&mut buffer)).unwrap();
        assert_eq!(&buffer[..count], b"PONG here");
    };
    answers(&port);
    // This tracker takes a new port only with a new login, and with a new proof.
    let new = free_udp_port();
    program.say(&format!("port={new} nbplayers=1"));
    program.errors.wait_for(&format!("as 127.0.0.1:{new}"));
    let line = format!("INFOS ip=127.0.0.1 port={new} nbplayers=1 checked=yes");
    assert_eq!(tracker.list(), [line]);
    answers(&new);
}

#[test]
fn a_port_that_is_in_use_is_said_before_anything_is_announced() {
    let tracker = TrackerProcess::start();
    let game = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = game.local_addr().unwrap().port().to_string();
    let (code, errors) = ends(announce(&[tracker.servers], &["--port", &port, "--pong"]));
    assert_eq!(code, Some(3), "{errors}");
    let hint = format!("UDP port {port} is in use, probably by the game itself");
    assert!(
        errors.contains(&hint) && errors.contains("pingport="),
        "{errors}"
    );
    assert_eq!(tracker.stats()["logins"], "0");
    let other = free_udp_port();
    let pingport = format!("pingport={other}");
    let program = start(&tracker, &["--port", &port, "--pong", &pingport]);
    program.errors.wait_for("has checked the UDP port");
}

/// Exit code and standard error of one that ends by itself.
fn ends(command: Command) -> (Option<i32>, String) {
    let output = output(command);
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}

/// A published port, as of a container: what comes there goes on to another port, and comes from
/// another address then.
#[test]
fn a_port_that_is_mapped_to_another_is_checked() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let published = UdpSocket::bind("127.0.0.1:0").unwrap();
    let told = published.local_addr().unwrap().port().to_string();
    let bound = free_udp_port();
    let proxy = UdpSocket::bind("127.0.0.2:0").unwrap();
    let inside = format!("127.0.0.1:{bound}");
    std::thread::spawn(move || {
        let mut buffer = [0; 300];
        while let Ok(count) = uninterrupted(|| published.recv(&mut buffer)) {
            let _ = proxy.send_to(&buffer[..count], &inside);
        }
    });
    let pong = format!("--pong={bound}");
    let program = start(&tracker, &["--port", &told, &pong]);
    program.errors.wait_for("has checked the UDP port");
    let line = format!("INFOS ip=127.0.0.1 port={told} checked=yes");
    assert_eq!(tracker.list(), [line]);
}

#[test]
fn numbers_count_from_any_address_and_a_flood_does_not_hide_the_right_one() {
    const RIGHT: &str = "00000000deadbeef";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let pingport = free_udp_port();
    let arguments = ["--port", "1", "--pong", &format!("pingport={pingport}")];
    let program = Program::start(announce(&[address], &arguments));
    let mut tracker = Pretender::accept(&listener);
    tracker.hears("LOGIN secret");
    tracker.says("CHALLENGE 5f1c9a3e77b04d21");
    tracker.hears(&format!(
        "INFOS 5f1c9a3e77b04d21 port=1 pingport={pingport}"
    ));
    tracker.says("OK listed 127.0.0.1:1");
    let (is_over, to, start) = (
        AtomicBool::new(false),
        format!("127.0.0.1:{pingport}"),
        Instant::now(),
    );
    let send = |from: &str, number: &str| {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        let _ = socket.send_to(format!("CHALLENGE {number}").as_bytes(), &to);
        socket
    };
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        // Strangers, at the address of the tracker even.
        scope.spawn(|| {
            let strangers = ["127.0.0.1", "127.0.0.1", "127.0.0.3"].map(|ip| send(ip, "nonsense"));
            for number in 0u64.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let datagram = format!("CHALLENGE {number:016x}");
                for stranger in &strangers {
                    let _ = stranger.send_to(datagram.as_bytes(), &to);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let mut wrong = 0;
        loop {
            assert!(start.elapsed() < PATIENCE, "{wrong} wrong numbers");
            send("127.0.0.2", RIGHT);
            let line = tracker.line();
            let number = line
                .strip_prefix("INFOS ")
                .unwrap_or_else(|| panic!("{line}"));
            if number == RIGHT {
                break;
            }
            wrong += 1;
            tracker.says("ERR bad-challenge this number is not open");
        }
        // Four a second, and the right one among the next few unless its datagrams are lost.
        let most = 2.0 + 4.0 * start.elapsed().as_secs_f64();
        assert!(
            f64::from(wrong) < most && wrong < 40,
            "{wrong} wrong numbers"
        );
        drop(over);
    });
    tracker.says("OK checked");
    program.errors.wait_for("has checked the UDP port");
}

/// The number comes to the address that is named, and goes back on the connection.
#[test]
fn a_named_address_is_proven_by_a_datagram_that_comes_there() {
    // Linux alone has more addresses than one for itself.
    if !cfg!(target_os = "linux") {
        return;
    }
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let port = free_udp_port();
    let arguments = ["--port", &port, "ip=127.0.0.2", "--pong"];
    let start = |arguments: &[&str]| Program::start(announce(&[tracker.servers], arguments));
    let answers = start(&arguments);
    let checking = format!("is checking whether UDP 127.0.0.2:{port}");
    answers.errors.wait_for(&checking);
    answers.errors.wait_for(&format!("as 127.0.0.2:{port}"));
    drop(answers);
    let silent = start(&arguments[..3]);
    silent.errors.wait_for(&checking);
    let advice = "gltracker:   the ip= that you name is proven by UDP: let the game answer";
    silent.errors.wait_for(advice);
}

/// A host with two addresses, of which the one that is listed is not the one it speaks from.
#[test]
fn an_answer_comes_from_the_address_that_is_listed() {
    let Some(network) = Network::new("").filter(|_| need("nc.openbsd")) else {
        return;
    };
    let tracker = network.host(&["10.2.0.1/16"]);
    let game = network.host(&["10.2.0.5/16", "10.2.9.9/16"]);
    let player = network.host(&["10.2.0.7/16"]);
    let mut serve = command();
    serve.args(["--servers", "10.2.0.1:0", "--clients", "10.2.0.1:0"]);
    serve.args(["--max-slots", "80", "--trust", "10.2.0.0/16"]);
    serve.env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = TrackerProcess::run(tracker.run_here(&serve));
    let arguments = ["--port", "23460", "--pong", "ip=10.2.9.9"];
    let announce = announce(&[tracker.servers], &arguments);
    let program = Program::start(game.run_here(&announce));
    program.errors.wait_for("as 10.2.9.9:23460");
    // This netcat hears nobody but whom it asks.
    let asks =
        "until echo PING here | nc.openbsd -u -w 1 $0 23460 | grep -q 'PONG here'; do :; done";
    for address in ["10.2.9.9", "10.2.0.5"] {
        let mut ask = Command::new("sh");
        ask.args(["-c", asks, address]);
        assert!(output(player.run_here(&ask)).status.success());
    }
}
