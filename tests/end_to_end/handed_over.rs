//! Listeners that the tracker does not make itself, and both families where they are kept apart.

use crate::harness::{PASSWORD, Peer, TrackerProcess, command, outcome};
use crate::tools::{Program, need};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// A tracker with clients at standard input and game servers at standard output.
fn tracker(clients: &TcpListener, servers: &TcpListener) -> TrackerProcess {
    let mut command = command();
    command.args(["--clients", "fd:0", "--servers", "fd:1"]);
    command.args(["--max-slots", "80", "--trust", "127.0.0.0/8"]);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    command.stdin(handle(clients)).stdout(handle(servers));
    TrackerProcess::run_between(command)
}

fn handle(listener: &TcpListener) -> Stdio {
    OwnedFd::from(listener.try_clone().unwrap()).into()
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_listener_that_is_handed_over_is_the_port() {
    let ((clients, clients_at), (servers, servers_at)) = (listener(), listener());
    // As systemd leaves it. Somebody may wait there already, longer than the tracker runs.
    clients.set_nonblocking(true).unwrap();
    let mut early = Peer::connect(clients_at);
    early.send("LIST\nQUIT");
    let tracker = tracker(&clients, &servers);
    assert!(early.read_to_end().starts_with("END count=0 "));
    assert_eq!((tracker.clients, tracker.servers), (clients_at, servers_at));
    let line = tracker.wait_for_log("event=listening");
    assert!(
        line.ends_with(" servers-queue=unknown clients-queue=unknown"),
        "{line}"
    );
    // Whoever handed it over may change it: it is the same socket.
    clients.set_nonblocking(true).unwrap();
    let _game_server = tracker.log_in(7, "");
    assert_eq!(tracker.list().len(), 1);
    assert!(
        !tracker
            .log()
            .iter()
            .any(|line| line.contains("accept-failed"))
    );
}

#[test]
fn it_waits_while_no_tracker_runs() {
    let ((clients, clients_at), (servers, _)) = (listener(), listener());
    let mut first = tracker(&clients, &servers);
    assert!(first.list().is_empty());
    first.kill();
    let mut between: Vec<_> = (0..50).map(|_| Peer::connect(clients_at)).collect();
    for peer in &mut between {
        peer.send("LIST\nQUIT");
    }
    let _second = tracker(&clients, &servers);
    for mut peer in between {
        assert!(peer.read_to_end().starts_with("END count=0 "));
    }
}

#[test]
fn nothing_is_printed_to_a_standard_output_that_is_a_socket() {
    let (servers, _) = listener();
    let (text, text_at) = listener();
    let socket = TcpStream::connect(text_at).unwrap();
    let (mut reader, _) = text.accept().unwrap();
    let mut command = command();
    command.args(["--clients", "127.0.0.1:0", "--servers", "fd:0"]);
    command.args(["--max-slots", "16"]);
    command
        .stdin(handle(&servers))
        .stdout(Stdio::from(OwnedFd::from(socket)));
    let mut tracker = TrackerProcess::run_between(command);
    // A password was made up, which has to be shown somewhere.
    tracker.wait_for_log("The password is ");
    tracker.kill();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut reader, &mut said).unwrap();
    assert_eq!(said, "");
}

/// What a tracker says that is started with `this` at standard input, and that it is wrong usage.
fn refused(this: Stdio, flags: &[&str]) -> String {
    let mut command = command();
    command
        .args(flags)
        .stdin(this)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn anything_else_that_stands_there_is_named() {
    let (listening, at) = listener();
    let stdio = |socket: OwnedFd| Stdio::from(socket);
    let file = std::fs::File::open(crate::harness::KEYS).unwrap();
    let unix = std::env::temp_dir().join(format!("gltracker-fd-{}", std::process::id()));
    let _ = std::fs::remove_file(&unix);
    let unix_listener = UnixListener::bind(&unix).unwrap();
    std::fs::remove_file(&unix).unwrap();
    for (this, what) in [
        (Stdio::null(), "a device"),
        (Stdio::piped(), "a pipe"),
        (file.into(), "a file"),
        (
            stdio(UdpSocket::bind("127.0.0.1:0").unwrap().into()),
            "a socket for datagrams",
        ),
        (
            stdio(TcpStream::connect(at).unwrap().into()),
            "a socket that is connected",
        ),
        (
            stdio(listening.accept().unwrap().0.into()),
            "a socket that is connected",
        ),
        (
            stdio(unix_listener.into()),
            "a socket without an IP address",
        ),
    ] {
        let said = refused(this, &["--clients", "fd:0", "--servers", "127.0.0.1:0"]);
        let right = format!(
            "gltracker: standard input (fd:0) is {what}, not a TCP socket that listens: whoever starts"
        );
        assert!(said.contains(&right), "{said}");
    }
    let (listening, _) = listener();
    let said = refused(
        handle(&listening),
        &["--clients", "fd:0", "--servers", "fd:0"],
    );
    assert!(
        said.contains("cannot both be standard input (fd:0)"),
        "{said}"
    );
}

#[test]
fn one_socket_is_not_both_ports() {
    let (listener, address) = listener();
    let mut command = command();
    command.args(["--clients", "fd:0", "--servers", "fd:1"]);
    command.stdin(handle(&listener)).stdout(handle(&listener));
    let output = command.stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!("is the same port, {address}: hand over two")),
        "{said}"
    );
}

#[test]
fn a_socket_that_does_not_listen_is_named() {
    if !need("perl") {
        return;
    }
    let script = "use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or die; \
                  bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or die; \
                  open(STDIN, '<&', \\*S) or die; exec(@ARGV) or die";
    let mut perl = Command::new("perl");
    perl.args(["-e", script, crate::harness::gltracker()]);
    perl.args(["--clients", "fd:0", "--servers", "127.0.0.1:0"]);
    let output = outcome(perl);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is a socket that does not listen"), "{said}");
}

/// Nobody is accepted by a tracker that does not start.
#[test]
fn whoever_waits_is_left_for_a_tracker_that_starts() {
    let ((clients, clients_at), (servers, servers_at)) = (listener(), listener());
    let mut client = Peer::connect(clients_at);
    client.send("LIST\nQUIT");
    let mut game_server = Peer::connect(servers_at);
    for _ in 0..3 {
        let mut command = command();
        command.args(["--clients", "fd:0", "--servers", "fd:1"]);
        command.args(["--state", "/nowhere/state"]);
        command.stdin(handle(&clients)).stdout(handle(&servers));
        let status = command.stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(3));
    }
    let _tracker = tracker(&clients, &servers);
    assert!(client.read_to_end().starts_with("END count=0 "));
    game_server.challenge();
}

/// A host that keeps the families apart, as Linux does with `net.ipv6.bindv6only=1`.
#[test]
fn both_families_are_served_where_they_are_kept_apart() {
    let Some(network) = crate::hosts::Network::new("") else {
        return;
    };
    let host = network.host(&["10.2.0.1/16", "fd00::1/64"]);
    let mut apart = Command::new("sh");
    apart.args(["-c", "echo 1 >/proc/sys/net/ipv6/bindv6only"]);
    assert!(outcome(host.run_here(&apart)).status.success());
    let mut serve = command();
    serve
        .args(["--max-slots", "16"])
        .env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = Program::start(host.run_here(&serve));
    let line = tracker.errors.wait_for("event=listening");
    let both = "servers=[::]:23470,0.0.0.0:23470 clients=[::]:23471,0.0.0.0:23471 ";
    assert!(line.contains(both), "{line}");
    tracker
        .output
        .wait_for("on port 23470 (IPv4 and IPv6), clients ask on port 23471 (IPv4 and IPv6).");
    for at in ["127.0.0.1", "10.2.0.1", "[::1]", "[fd00::1]"] {
        let mut list = command();
        list.args(["list", at]);
        let output = outcome(host.run_here(&list));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{at}: {said}");
    }
    // The port is in use, if only for one family.
    let output = outcome(host.run_here(&serve));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
