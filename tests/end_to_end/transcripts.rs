//! Every transcript is run against the bare sessions, and over TCP against the real program.

use crate::harness::{KEYS, PASSWORD, Peer, TrackerProcess, command};
use crate::patience::{PATIENCE, uninterrupted};
use crate::pretend::Pretend;
use crate::transcript::{Port, Transcript, Wire, from_folder, from_markdown};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// The real program over TCP, where the documentation's addresses are loopback ones.
struct Tcp {
    tracker: TrackerProcess,
    /// What listens on the port that the documentation's game servers advertise.
    udp: UdpSocket,
    peers: HashMap<String, Peer>,
}

impl Tcp {
    fn new(require_check: bool) -> Self {
        // The document's addresses belong to two families; so must the tracker's.
        let any = if TcpListener::bind("[::1]:0").is_ok() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        // Nobody is trusted, as nobody is in the document.
        let mut command = command();
        command.args(["--max-slots", "40", "--servers", any, "--clients", any]);
        command.args(["--keys-file", KEYS]);
        if require_check {
            command.arg("--require-check");
        }
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            tracker: TrackerProcess::run(command),
            udp,
            peers: HashMap::new(),
        }
    }
}

impl Wire for Tcp {
    fn translate(&self, text: &str) -> String {
        text.replace("198.51.100.7", "127.0.0.1")
            .replace("2001:db8::7", "::1")
            .replace("23460", &self.udp.local_addr().unwrap().port().to_string())
            .replace("23470", &self.tracker.servers.port().to_string())
            .replace("23471", &self.tracker.clients.port().to_string())
    }

    fn connect(&mut self, name: &str, port: Port, from: IpAddr) {
        let port = match port {
            Port::GameServer => self.tracker.servers.port(),
            Port::Client => self.tracker.clients.port(),
        };
        // A connection to a loopback address comes from that address.
        let to: IpAddr = self.translate(&from.to_string()).parse().unwrap();
        self.peers
            .insert(name.to_owned(), Peer::connect(SocketAddr::new(to, port)));
    }

    fn send(&mut self, name: &str, line: &str) {
        self.peers.get_mut(name).unwrap().send(line);
    }

    fn half_close(&mut self, name: &str) {
        self.peers.get_mut(name).unwrap().half_close();
    }

    fn receive(&mut self, name: &str) -> Option<String> {
        Some(self.peers.get_mut(name)?.line()).filter(|line| !line.is_empty())
    }

    fn datagram(&mut self, _: &str) -> Option<String> {
        let mut buffer = [0; 100];
        let (length, _) = uninterrupted(|| self.udp.recv_from(&mut buffer)).ok()?;
        String::from_utf8(buffer[..length].to_vec()).ok()
    }

    fn is_closed(&mut self, name: &str) -> bool {
        self.peers.get_mut(name).unwrap().line().is_empty()
    }

    fn advance(&mut self, _: Duration) -> Option<()> {
        None
    }

    fn left_over(&mut self, name: &str) -> Option<String> {
        // Whatever was sent before the answer to this is left over.
        let peer = self.peers.get_mut(name)?;
        peer.send("PING the-end");
        Some(peer.line()).filter(|line| !line.is_empty() && line != "PONG the-end")
    }
}

fn all() -> Vec<Transcript> {
    let root = env!("CARGO_MANIFEST_DIR");
    let protocol = std::fs::read_to_string(format!("{root}/PROTOCOL.md")).unwrap();
    let examples = from_markdown("PROTOCOL.md", &protocol);
    assert!(
        examples.len() >= 10,
        "PROTOCOL.md has lost its examples: {}",
        examples.len()
    );
    let files = from_folder(&format!("{root}/tests/transcripts"));
    assert!(files.len() >= 4, "the folder has lost its transcripts");
    examples.into_iter().chain(files).collect()
}

#[test]
fn on_a_pretend_clock() {
    for transcript in all() {
        transcript.run(&mut Pretend::new(transcript.requires_check()));
    }
}

#[test]
fn over_tcp() {
    for transcript in all().iter().filter(|transcript| transcript.is_timeless()) {
        transcript.run(&mut Tcp::new(transcript.requires_check()));
    }
}

#[test]
fn a_transcript_that_is_wrong_is_noticed() {
    let wrong = [
        "!connect client\n> PING 1\n< PONG 2",
        "!connect client\n> PING 1",
        "!connect client\n< PONG 1",
        "!connect client\n> PING 1\n< PONG 1\n!closed",
        "!connect client\n> LIST\n< END count=1 rev=a-1",
        "!connect client\n> LIST\n> LIST\n< END count=0 rev=a-1\n< END count=0 rev=a-2\n!dance",
        "> PING 1\n< PONG 1",
        "!connect game-server\n> LOGIN secret\n< CHALLENGE 5f1c9a3e77b04d21 too",
        "# nothing",
    ];
    for text in wrong {
        let transcript = Transcript {
            name: "wrong".to_owned(),
            text: text.to_owned(),
        };
        let ran = std::panic::catch_unwind(|| {
            transcript.run(&mut Pretend::new(transcript.requires_check()))
        });
        assert!(ran.is_err(), "{text}");
    }
}
