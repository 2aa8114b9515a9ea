//! The game servers and clients of `scripts/examples`: each language is written from PROTOCOL.md alone.

use crate::announce::Pretender;
use crate::harness::{KEYS, PASSWORD, TrackerProcess, accept, free_udp_port, own_address};
use crate::languages::{C, GDSCRIPT, GO, JAVASCRIPT, LUA, Language, PYTHON};
use crate::patience::{PATIENCE, uninterrupted, wait_until};
use crate::tools::Program;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The tests of each language, and one of all of them, for which they wait together.
macro_rules! languages {
    ($($module:ident: $language:ident),+) => {
        $(mod $module {
            use super::*;

            #[test]
            fn a_game_server_lives_and_leaves() {
                game_server_lives(&$language);
            }

            #[test]
            fn a_game_server_takes_no_for_an_answer() {
                game_server_is_refused(&$language);
            }

            #[test]
            fn a_game_server_reads_what_any_tracker_may_say() {
                game_server_reads(&$language);
            }

            #[test]
            fn a_client_has_the_list() {
                client_lists(&$language);
            }

            #[test]
            fn a_client_follows_and_watches() {
                client_stays(&$language);
            }

            #[test]
            fn a_client_takes_only_whole_answers() {
                client_is_cut_off(&$language);
            }
        })+

        /// All of them at once, since a game server waits 15 s for an answer.
        #[test]
        fn game_servers_leave_a_tracker_that_is_silent() {
            std::thread::scope(|scope| {
                $(scope.spawn(|| game_server_is_not_answered(&$language));)+
            });
        }
    };
}

languages!(
    c: C, gdscript: GDSCRIPT, go: GO, javascript: JAVASCRIPT, lua: LUA, python: PYTHON
);

/// Words with an awkward value among them, as an argument and as the tracker spells it.
const AWKWARD: [&str; 2] = [
    "description=Friday \"cycles\" \\o/ <b>",
    "description=\"Friday \\\"cycles\\\" \\\\o/ <b>\"",
];

fn tracker(arguments: &[&str]) -> TrackerProcess {
    let arguments = [&["--max-slots", "80"], arguments].concat();
    TrackerProcess::start_at(own_address(), own_address(), &arguments)
}

/// Waits until a program has printed a line so often.
fn wait_for_lines(program: &Program, line: &str, times: usize) {
    wait_until(&format!("{line:?} was printed {times} times"), || {
        let text = program.output.text();
        let count = text.lines().filter(|printed| *printed == line).count();
        (count >= times).then_some(())
    });
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
    if !language.is_here() {
        return;
    }
    let mut first = tracker(&[]);
    let port = free_udp_port();
    let mut game =
        language.game_server(first.servers, PASSWORD, &[&port, "nbplayers=0", AWKWARD[0]]);
    let listed = format!("listed 127.0.0.1:{port}");
    game.output.wait_for(&listed);
    game.output.wait_for("checked");
    let entry = |players: u32| {
        let [_, description] = AWKWARD;
        format!("INFOS ip=127.0.0.1 port={port} nbplayers={players} {description} checked=yes")
    };
    first.wait_for_list(|list| list == [entry(0)]);
    assert_eq!(
        answer_of(&port, "PING 0123456789abcdef"),
        "PONG 0123456789abcdef"
    );
    game.say("nbplayers=many");
    game.output.wait_for("not taken: bad-value nbplayers");
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
    if !language.is_here() {
        return;
    }
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
    tracker.says("\r\nNEWS of another day\r\nCHALLENGE 5f1c9a3e77b04d21 and more\r");
    let line = tracker.line();
    let said = line
        .strip_prefix("INFOS 5f1c9a3e77b04d21 ")
        .unwrap_or(&line);
    let words = |fields: &str| BTreeSet::from_iter(fields.split(' ').map(str::to_owned));
    assert_eq!(words(said), words(first_infos));
    tracker
}

/// Lines that the document allows and that a tracker of today does not say; the fates of its errors.
fn game_server_reads(language: &Language) {
    if !language.is_here() {
        return;
    }
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
    tracker.says("OK");

    // It waits as long as it is told, even if what the error says is new.
    let start = Instant::now();
    tracker.says("ERR newer-than-this wait 2 s");
    drop(tracker);
    game.output.wait_for("lost newer-than-this wait 2 s");
    let mut tracker = logged_in(&listener, &fields.replace("=0", "=1"));
    assert!(start.elapsed() >= Duration::from_secs(2));
    tracker.says("ERR taken listed with another password");
    drop(tracker);
    game.output
        .wait_for("refused taken listed with another password");
    assert_eq!(game.wait().code(), Some(1));
}

/// It hangs up and comes back when LOGIN has no answer for 15 s.
fn game_server_is_not_answered(language: &Language) {
    if !language.is_here() {
        return;
    }
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

/// The next line; empty at the end.
fn line_from(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// What strangers wrote arrives as they wrote it.
fn client_lists(language: &Language) {
    if !language.is_here() {
        return;
    }
    let tracker = tracker(&[]);
    assert_eq!(
        language.list(tracker.clients, &[]),
        (Some(0), String::new())
    );
    let _one = tracker.log_in(
        1,
        &format!("nbplayers=2 maxplayers=8 zone=\"far away\" {}", AWKWARD[1]),
    );
    let _two = tracker.log_in(2, "");
    let (code, all) = language.list(tracker.clients, &[]);
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    let one = "127.0.0.1:1 2/8 Friday \"cycles\" \\o/ <b>";
    assert_eq!((code, &*lines), (Some(0), &[one, "127.0.0.1:2 ?/? ?"][..]));
    let conditions = ["notempty", "nbplayers>=2", "zone=far away", AWKWARD[0]];
    assert_eq!(
        language.list(tracker.clients, &conditions),
        (Some(0), format!("{one}\n"))
    );
    assert_eq!(
        language.list(tracker.clients, &["zone!=far away"]).1,
        "127.0.0.1:2 ?/? ?\n"
    );
    let (code, nothing) = language.list(tracker.clients, &["nonsense"]);
    assert_eq!((code == Some(0), &*nothing), (false, ""));
}

/// Both see an update, a game server that leaves, and a tracker that was started again.
fn client_stays(language: &Language) {
    if !language.is_here() {
        return;
    }
    let mut first = tracker(&[]);
    let modes = ["follow", "watch"];
    let clients = modes.map(|mode| language.client(first.clients, &[mode, "map!=hidden"]));
    let mut game = first.log_in(1, "description=arena");
    let see = |line: &str, times: usize| {
        for client in &clients {
            wait_for_lines(client, line, times);
        }
    };
    see("127.0.0.1:1 ?/? arena", 1);
    assert_eq!(game.ask("INFOS nbplayers=1 maxplayers=2"), "OK");
    see("127.0.0.1:1 1/2 arena", 1);
    let last = || clients.each_ref().map(|client| client.output.text());
    // No longer what was asked for, and gone for that.
    assert_eq!(game.ask("INFOS map=hidden"), "OK");
    wait_until("both see that it is gone", || {
        last()
            .iter()
            .all(|text| text.ends_with("arena\n\n\n"))
            .then_some(())
    });
    first.kill();
    let second = TrackerProcess::start_at(first.servers, first.clients, &["--max-slots", "80"]);
    let _game = second.log_in(2, "description=again");
    see("127.0.0.1:2 ?/? again", 1);
    for text in last() {
        assert!(text.ends_with("\n\n127.0.0.1:2 ?/? again\n\n"), "{text}");
    }
}

/// Answers without an END, and an entry that may be gone.
fn client_is_cut_off(language: &Language) {
    if !language.is_here() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = language.client(address, &["list"]);
    let mut tracker = BufReader::new(accept(&listener));
    assert!(line_from(&mut tracker).starts_with("LIST"));
    assert_eq!(line_from(&mut tracker), "QUIT");
    tracker
        .get_mut()
        .write_all(b"INFOS ip=192.0.2.1 port=1\nEND count=1 rev=a")
        .unwrap();
    drop(tracker);
    assert_ne!(client.wait().code(), Some(0));
    assert_eq!(client.output.wait_for_end(), "");

    let client = language.client(address, &["follow", "map=arena"]);
    let mut tracker = BufReader::new(accept(&listener));
    assert!(line_from(&mut tracker).starts_with("LIST"));
    let whole = "INFOS ip=2001:db8::1 port=1 stale=yes\nINFOS ip=192.0.2.1 port=1 new=key\nNEWS\n\n\
        END count=2 rev=c0ffee-1 new=word\n";
    tracker.get_mut().write_all(whole.as_bytes()).unwrap();
    let first = "192.0.2.1:1 ?/? ?\n[2001:db8::1]:1 ?/? ? stale\n\n";
    wait_until("the list is printed", || {
        (client.output.text() == first).then_some(())
    });
    assert_eq!(line_from(&mut tracker), "LIST since=c0ffee-1 map=arena");
    let half =
        b"GONE ip=192.0.2.1 port=1\nINFOS ip=192.0.2.2 port=1\nEND count=2 rev=c0ffee-2 since=c0";
    tracker.get_mut().write_all(half).unwrap();
    drop(tracker);
    let mut tracker = BufReader::new(accept(&listener));
    assert_eq!(line_from(&mut tracker), "LIST since=c0ffee-1 map=arena");
    let end = b"GONE ip=2001:db8::1 port=1\nEND count=1 rev=c0ffee-3 since=c0ffee-1\n";
    tracker.get_mut().write_all(end).unwrap();
    let second = format!("{first}192.0.2.1:1 ?/? ?\n\n");
    wait_until("the next is printed", || {
        (client.output.text() == second).then_some(())
    });
}
