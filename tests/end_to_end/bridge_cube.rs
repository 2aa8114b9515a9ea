//! The bridge's door for the Cube family: with servers and players that this test plays, and with a real
//! server of Cube 2.

use crate::harness::{PASSWORD, Peer, TrackerProcess, command, gltracker};
use crate::patience::{PATIENCE, wait_until};
use crate::tools::{Program, need, path};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a real server may stay on the list that was killed: three questions, 5 s apart.
const GONE: Duration = Duration::from_secs(60);

/// A running bridge with one door.
pub(crate) struct Bridge {
    pub(crate) program: Program,
    /// Where the door is.
    pub(crate) at: SocketAddr,
}

impl Bridge {
    /// Starts a bridge with the door of this word on any port of 127.0.0.1.
    pub(crate) fn start(tracker: &TrackerProcess, door: &str, arguments: &[&str]) -> Self {
        let mut command = command();
        let servers = tracker.servers.to_string();
        let clients = tracker.clients.to_string();
        command.args(["bridge", "--tracker", &servers, "--clients", &clients]);
        command.args([&format!("--{door}"), "127.0.0.1:0"]);
        command.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
        let program = Program::start(command);
        let line = program
            .errors
            .wait_for(&format!("event=listening door={door} "));
        let (_, at) = line.rsplit_once("at=").expect("it says where");
        Self {
            at: at.parse().expect("at one address"),
            program,
        }
    }

    /// What a player is answered, until the door hangs up.
    fn ask(&self, line: &str) -> String {
        let mut player = Peer::connect(self.at);
        player.send(line);
        player.read_to_end()
    }
}

/// A game server that the test plays: it answers at the port above its own.
struct Game {
    connection: Peer,
    socket: UdpSocket,
    port: u16,
}

impl Game {
    /// Connects to the door, and says `line` with the port of the game in it.
    fn register(door: SocketAddr, line: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let port = socket.local_addr().unwrap().port() - 1;
        let mut connection = Peer::connect(door);
        connection.send(&line.replace("PORT", &port.to_string()));
        Self {
            connection,
            socket,
            port,
        }
    }

    /// Waits for a question, and answers it.
    fn answer(&self, more: &[u8]) -> SocketAddr {
        let mut buffer = [0; 64];
        let (count, from) = self.socket.recv_from(&mut buffer).expect("it is asked");
        assert_eq!((count, buffer[0]), (5, 0x81), "an integer");
        let answer = [&buffer[..count], more].concat();
        self.socket.send_to(&answer, from).unwrap();
        from
    }
}

fn has(list: &[String], part: &str) -> bool {
    list.iter().any(|line| line.contains(part))
}

/// Three players, map `turbine` and a name in colours, as a server of Cube 2 says it.
const CUBE_2: &[u8] = b"\x03\x05\x80\x04\x01\x0c\x00\x08\x00turbine\0Friday \x0c3cubes\0";

#[test]
fn a_server_of_cube_2_is_asked_listed_and_told_to_players() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "cube", &[]);
    assert_eq!(bridge.ask("list"), "\0");
    let mut game = Game::register(bridge.at, "regserv PORT");
    assert_eq!(game.answer(CUBE_2), bridge.at, "from the master's own port");
    assert_eq!(game.connection.line(), "succreg");
    assert_eq!(game.connection.line(), "cleargbans");
    let infos = format!(
        "INFOS ip=127.0.0.1 port={} nbplayers=3 maxplayers=8 description=\"Friday cubes\" \
         game=sauerbraten map=turbine mode=insta-ctf protocol=260",
        game.port
    );
    assert_eq!(tracker.list(), [infos], "before it was told so");
    let port = game.port;
    let own = format!("addserver 127.0.0.1 {port}\n\0");
    wait_until("players are told", || {
        (bridge.ask("list") == own).then_some(())
    });
    assert_eq!(bridge.ask("list me 1302 1"), "\0", "another game");
    let _other = tracker.log_in(1, "game=sauerbraten description=announced");
    let both = format!("addserver 127.0.0.1 1\naddserver 127.0.0.1 {port}\n\0");
    wait_until("both are told", || {
        (bridge.ask("list\r") == both).then_some(())
    });
    // That it hangs up is no reason, only one to ask at once.
    drop(game.connection);
    let mut question = [0; 5];
    game.socket.recv(&mut question).expect("it is asked");
    assert_eq!(tracker.list().len(), 2);
    // A question is good for one answer, and this is none: it does not begin with the question.
    let forged = [&[1], &CUBE_2[..17], b"Forged\0"].concat();
    game.socket.send_to(&forged, bridge.at).unwrap();
    let answer = [&question, &CUBE_2[..17], b"Saturday\0"].concat();
    game.socket.send_to(&answer, bridge.at).unwrap();
    tracker.wait_for_list(|list| has(list, "Saturday"));
}

#[test]
fn a_server_of_red_eclipse_is_listed_while_its_connection_lives() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "cube", &[]);
    let line = "server PORT 127.0.0.1 160 \"^fgSay ^\"hi^\"; quit^^\" 1 \"\"";
    let mut game = Game::register(bridge.at, line);
    let line = game.connection.line();
    assert!(
        line.starts_with("echo \"server registered (port "),
        "{line}"
    );
    game.answer(b"?");
    let line = game.connection.line();
    assert!(
        line.starts_with("echo \"ping reply confirmed (on port "),
        "{line}"
    );
    let list = tracker.wait_for_list(|list| has(list, "game=redeclipse"));
    assert!(
        has(&list, "description=\"Say \\\"hi\\\"; quit^\""),
        "{list:?}"
    );
    let script = format!(
        "setversion 160 230\nclearservers\n\
         addserver 127.0.0.1 {} 0 \"Say ^\"hi^\"; quit^^\" \"\" \"\" \"?\"\n",
        game.port
    );
    wait_until("players are told", || {
        (bridge.ask("update") == script).then_some(())
    });
    assert_eq!(bridge.ask("list"), "\0", "another game");
    drop(game.connection);
    tracker.wait_for_list(|list| list.is_empty());
}

#[test]
fn a_door_for_a_game_takes_every_dialect_for_that_game() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "quake", &["--cube", "127.0.0.1:0=my-mod"]);
    let line = bridge.program.errors.wait_for("event=listening door=cube");
    let at: SocketAddr = line.rsplit_once("at=").unwrap().1.parse().unwrap();
    let mut game = Game::register(at, "regserv PORT name 1302");
    game.answer(b"\x80\xb2\x04\x05\x02\x09ac_desert\0Desert\0\x10\x00");
    assert_eq!(game.connection.line(), "succreg");
    let list = tracker.wait_for_list(|list| has(list, "game=my-mod"));
    assert!(
        has(&list, "nbplayers=2 maxplayers=16 version=1302"),
        "{list:?}"
    );
    game.connection.send("reqauth 7 somebody");
    assert_eq!(game.connection.line(), "cleargbans");
    assert_eq!(game.connection.line(), "failauth 7");
}

#[test]
fn who_says_nothing_keeps_nobody_out() {
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "cube", &[]);
    let mut game = Game::register(bridge.at, "regserv PORT");
    game.answer(CUBE_2);
    assert_eq!(game.connection.line(), "succreg");
    let _silent = [(); 100].map(|()| Peer::connect(bridge.at));
    let _unanswered = [(); 20].map(|()| Game::register(bridge.at, "regserv PORT"));
    assert!(bridge.ask("list").ends_with('\0'));
    game.connection.send("reqauth 1 me");
    assert_eq!(game.connection.line(), "cleargbans");
    assert_eq!(
        game.connection.line(),
        "failauth 1",
        "its connection is kept"
    );
    let answer = bridge.ask("GET / HTTP/1.1\r");
    assert!(
        answer.starts_with("error \"unknown command 'GET'"),
        "{answer}"
    );
    let answer = bridge.ask(&"x".repeat(2000));
    assert_eq!(answer, "failreg a line has at most 1024 bytes\n");
    let mut wrong = Peer::connect(bridge.at);
    let answer = wrong.ask("regserv 70000");
    assert!(
        answer.starts_with("failreg invalid port '70000'"),
        "{answer}"
    );
    let answer = wrong.ask("server 28801 192.0.2.1 160");
    assert!(
        answer.contains("does not match origin '127.0.0.1'"),
        "{answer}"
    );
}

#[test]
fn a_bridge_that_was_killed_asks_those_whom_it_had_listed() {
    let tracker = TrackerProcess::start();
    let state = std::env::temp_dir().join(format!("gltracker-cube-{}", std::process::id()));
    let arguments = ["--state", state.to_str().unwrap()];
    let mut bridge = Bridge::start(&tracker, "cube", &arguments);
    let mut game = Game::register(bridge.at, "regserv PORT");
    game.answer(CUBE_2);
    assert_eq!(game.connection.line(), "succreg");
    wait_until("it is remembered", || {
        let text = std::fs::read_to_string(&state).ok()?;
        text.contains("cube2/sauerbraten").then_some(())
    });
    bridge.program.kill();
    tracker.wait_for_list(|list| list.is_empty());
    let _bridge = Bridge::start(&tracker, "cube", &arguments);
    game.answer(CUBE_2);
    tracker.wait_for_list(|list| has(list, "map=turbine"));
    let _ = std::fs::remove_file(&state);
}

/// A folder of a real game server, which is removed in the end.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("gltracker-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port with the next one behind it, of which nobody has either for datagrams right now.
fn two_free_ports() -> u16 {
    wait_until("there are two free ports", || {
        let first = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        UdpSocket::bind(("127.0.0.1", port.checked_add(1)?)).ok()?;
        Some(port)
    })
}

#[test]
fn a_real_server_of_cube_2_comes_and_goes() {
    if !need("cube2-server") {
        return;
    }
    let tracker = TrackerProcess::start();
    let bridge = Bridge::start(&tracker, "cube", &[]);
    let (home, port) = (Home::new("cube2"), two_free_ports());
    let settings = format!(
        "serverip 127.0.0.1\nserverport {port}\nmaxclients 5\nserverdesc \"Café Ýß ^f3cubes\"\n\
         mastername 127.0.0.1\nmasterport {}\n",
        bridge.at.port()
    );
    std::fs::write(home.0.join("server-init.cfg"), settings).unwrap();
    let mut command = Command::new("cube2-server");
    command.env("PATH", path());
    command.arg(format!("-q{}", home.0.display()));
    let mut server = Program::start(command);
    let list = tracker.wait_for_list(|list| has(list, "game=sauerbraten"));
    let expected = format!(
        "INFOS ip=127.0.0.1 port={port} nbplayers=0 maxplayers=5 description=\"Café Ýß cubes\" \
         game=sauerbraten mode=ffa protocol=260"
    );
    assert_eq!(list, [expected]);
    let told = format!("addserver 127.0.0.1 {port}\n\0");
    wait_until("players are told", || {
        (bridge.ask("list") == told).then_some(())
    });
    let mut list = Command::new(gltracker());
    list.args(["list", &tracker.clients.to_string(), "--no-ping"]);
    let output = list.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("Café Ýß cubes"), "{shown}");
    server.kill();
    let start = Instant::now();
    while !tracker.list().is_empty() {
        assert!(start.elapsed() < GONE, "it stays on the list");
        std::thread::sleep(Duration::from_millis(100));
    }
}
