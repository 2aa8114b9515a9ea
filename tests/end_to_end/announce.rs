//! `gltracker announce` and the library behind it, with real trackers.

use crate::harness::{
    PASSWORD, Peer, Running, TrackerProcess, accept, command, free_udp_port, gltracker, own_address,
};
use crate::patience::{PATIENCE, time_of, uninterrupted, wait_until};
use crate::screen::Screen;
use crate::tools::{Program, need};
use gltracker::game_server::{Announcer, Credential, Event, Happening};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// `gltracker announce` with the password of the tests, for these trackers.
pub(crate) fn announce(trackers: &[SocketAddr], arguments: &[&str]) -> Command {
    let mut command = command();
    command.arg("announce").env("GLTRACKER_PASSWORD", PASSWORD);
    for tracker in trackers {
        command.args(["--tracker", &tracker.to_string()]);
    }
    command.args(arguments);
    command
}

fn start(tracker: &TrackerProcess, arguments: &[&str]) -> Program {
    Program::start(announce(&[tracker.servers], arguments))
}

/// Exit code and standard error of one that ends by itself.
fn outcome(command: Command) -> (Option<i32>, String) {
    let mut program = Program::start(command);
    program.end_input();
    (program.wait().code(), program.errors.wait_for_end())
}

/// A folder of this test, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("announce-{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A tracker that can be killed and started again at the same address.
fn restartable(arguments: &[&str]) -> TrackerProcess {
    let anywhere = own_address();
    TrackerProcess::start_at(anywhere, anywhere, arguments)
}

#[test]
fn it_survives_a_tracker_that_is_killed_and_started_again_twenty_times() {
    let slots = ["--max-slots", "80"];
    let mut tracker = restartable(&slots);
    let mut program = start(&tracker, &["--port", "1", "nbplayers=0"]);
    tracker.wait_for_log("event=listed");
    for round in 1..=20 {
        tracker.kill();
        program.say(&format!("nbplayers={round}"));
        tracker = TrackerProcess::start_at(tracker.servers, tracker.clients, &slots);
        tracker.wait_for_log("event=listed");
        let line = format!("INFOS ip=127.0.0.1 port=1 nbplayers={round}");
        tracker.wait_for_list(|list| list == [line.as_str()]);
    }
    program.kill();
    tracker.wait_for_list(<[String]>::is_empty);
    let errors = program.errors.wait_for_end();
    let lost = format!("lost {}: ", tracker.servers);
    assert!(errors.contains(&lost), "{errors}");
    assert!(errors.contains("next try in "), "{errors}");
}

#[test]
fn ctrl_c_is_for_the_game_server_and_its_exit_code_for_the_shell() {
    if !need("tmux") || !need("perl") {
        return;
    }
    let tracker = TrackerProcess::start();
    let game = "trap \"echo ending; until [ -e over ]; do sleep 0.02; done; exit 7\" INT; \
                echo ready; while :; do sleep 0.02; done";
    let screen = Screen::run(&format!(
        "GLTRACKER_PASSWORD='{PASSWORD}' {} announce --tracker {} --port 1 -- sh -c '{game}'",
        gltracker(),
        tracker.servers
    ));
    tracker.wait_for_list(|list| list.len() == 1);
    // It may be listed before the game is up, which does not know yet what to do with the key.
    screen.wait_to_see("ready");
    screen.press(&["C-c"]);
    screen.wait_to_see("ending");
    tracker.wait_for_list(|list| list.len() == 1);
    fs::write(screen.file("over"), "").unwrap();
    screen.wait_to_see("code 7");
    tracker.wait_for_list(<[String]>::is_empty);
}

/// Announcers of the ports 1, 2, 3 … in this process.
struct Fleet {
    announcers: Vec<Announcer>,
    /// How often any of them was told that it is listed.
    listed: Arc<AtomicUsize>,
}

impl Fleet {
    fn start(tracker: SocketAddr, count: u16) -> Self {
        let listed = Arc::new(AtomicUsize::new(0));
        let announcer = |port| {
            let listed = Arc::clone(&listed);
            let trackers = vec![tracker.to_string().parse().unwrap()];
            let credential = Credential::password(PASSWORD).unwrap();
            let fields = format!("port={port} version=1");
            let on_event = move |event: Event| {
                let is_listed = matches!(event.what, Happening::Listed(_));
                listed.fetch_add(usize::from(is_listed), Ordering::Relaxed);
            };
            Announcer::start(trackers, credential, &fields, on_event).unwrap()
        };
        Self {
            announcers: (1..=count).map(announcer).collect(),
            listed,
        }
    }

    /// Waits until all have been listed so many times; how long that took.
    fn wait_for(&self, times: usize) -> Duration {
        let count = times * self.announcers.len();
        time_of(|| {
            let start = Instant::now();
            loop {
                let listed = self.listed.load(Ordering::Relaxed);
                if listed >= count {
                    return;
                }
                // They are many.
                assert!(
                    start.elapsed() < 3 * PATIENCE,
                    "{listed} of {count} are listed"
                );
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    }
}

#[test]
fn five_hundred_that_come_back_at_once_are_listed_within_ten_seconds() {
    let slots = ["--max-slots", "1200"];
    let mut tracker = restartable(&slots);
    let fleet = Fleet::start(tracker.servers, 500);
    let all = fleet.announcers.len();
    fleet.wait_for(1);
    tracker.kill();
    for (number, announcer) in fleet.announcers.iter().enumerate() {
        announcer.set_players(number as u16).unwrap();
    }
    tracker = TrackerProcess::start_at(tracker.servers, tracker.clients, &slots);
    let elapsed = fleet.wait_for(2);
    eprintln!("{all} came back within {elapsed:.2?}");
    assert_eq!(tracker.list().len(), all);
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    // What was said while the tracker was away is on the list of the new one.
    tracker.wait_for_list(|list| {
        let is_latest = |line: &String| {
            let number = |key| {
                let mut words = line.split(' ');
                words.find_map(|word| word.strip_prefix(key)?.parse::<u16>().ok())
            };
            number("port=") == number("nbplayers=").map(|players| players + 1)
        };
        list.len() == all && list.iter().all(is_latest)
    });
    // All say QUIT at the same time; nobody waits for another.
    std::thread::scope(|scope| {
        for announcer in fleet.announcers {
            scope.spawn(move || drop(announcer));
        }
    });
    // They wait for the tracker's farewell, but not for long.
    tracker.wait_for_list(<[String]>::is_empty);
}

#[test]
fn as_many_as_one_host_may_have_come_back_without_being_trusted() {
    let start = |servers: SocketAddr, clients: SocketAddr| {
        let mut command = command();
        command.args(["--servers", &servers.to_string()]);
        command.args(["--clients", &clients.to_string()]);
        command.args(["--max-slots", "80"]);
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        TrackerProcess::run(command)
    };
    let mut tracker = start(own_address(), own_address());
    let fleet = Fleet::start(tracker.servers, 16);
    fleet.wait_for(1);
    tracker.kill();
    tracker = start(tracker.servers, tracker.clients);
    let elapsed = fleet.wait_for(2);
    eprintln!("16 of one host came back within {elapsed:.2?}");
    assert_eq!(tracker.list().len(), 16);
}

#[test]
fn several_trackers_have_a_connection_each_and_what_one_does_is_nothing_to_the_others() {
    let mut one = TrackerProcess::start();
    let other = TrackerProcess::start();
    let mut elsewhere = command();
    elsewhere.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    elsewhere.args(["--max-slots", "80"]);
    let stranger = TrackerProcess::run({
        elsewhere.env("GLTRACKER_PASSWORD", "another");
        elsewhere
    });
    let trackers = [one.servers, other.servers, stranger.servers];
    let arguments = ["--port", "7", "description=Friday \"cycles\""];
    let mut program = Program::start(announce(&trackers, &arguments));
    program.errors.wait_for(&format!(
        "gltracker: {} refused (bad-password)",
        trackers[2]
    ));
    let line = "INFOS ip=127.0.0.1 port=7 description=\"Friday \\\"cycles\\\"\"";
    for tracker in [&one, &other] {
        let listed = format!("gltracker: listed on {} as 127.0.0.1:7", tracker.servers);
        program.errors.wait_for(&listed);
        assert_eq!(tracker.list(), [line]);
    }
    one.kill();
    program.errors.wait_for(&format!("lost {}: ", trackers[0]));
    program.say("nbplayers=1 description=");
    other.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=7 nbplayers=1"]);
    assert_eq!(other.stats()["logins"], "1");
    let refused = program.errors.text().matches(" refused (").count();
    assert_eq!(refused, 1, "{}", program.errors.text());
}

#[test]
fn when_all_have_refused_for_good_it_ends() {
    let tracker = TrackerProcess::start();
    let other = TrackerProcess::start();
    let mut command = announce(&[tracker.servers, other.servers], &["--port", "1"]);
    command.env("GLTRACKER_PASSWORD", "not-the-password");
    let (code, errors) = outcome(command);
    assert_eq!(code, Some(1));
    assert_eq!(errors.lines().count(), 4, "{errors}");
    let advice = "gltracker:   check the password (GLTRACKER_PASSWORD or --password-file)";
    for (line, other) in errors.lines().zip(errors.lines().skip(1)).step_by(2) {
        assert!(line.ends_with("; it is not tried again"), "{errors}");
        assert!(other.starts_with(advice), "{errors}");
    }
    assert!(!errors.contains("not-the-password"), "{errors}");

    let distrustful = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let arguments = ["--port", "1", "ip=0.0.0.0"];
    let (code, errors) = outcome(announce(&[distrustful.servers], &arguments));
    assert_eq!(code, Some(1));
    assert!(errors.contains("refused (bad-ip): "), "{errors}");
    assert!(errors.contains("leave ip= out"), "{errors}");
}

#[test]
fn updates_are_merged_and_the_last_one_arrives() {
    let tracker = TrackerProcess::start();
    let mut program = start(&tracker, &["--port", "1", "nbplayers=0"]);
    program.errors.wait_for("listed on");
    let start = Instant::now();
    for n in 1..=2000 {
        program.say(&format!("nbplayers={n} map=\"old town {n}\""));
    }
    program.say("nbplayers=many");
    program.say("zone=eu nonsense");
    program.say("checked=yes");
    program.say("map=\"'old town'\"");
    program.say("ip=127.0.0.2 nbplayers=9");
    program.say("map= nbplayers=3");
    program.end_input();
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=1 nbplayers=3"]);
    let seconds = start.elapsed().as_secs_f64();
    let updates: f64 = tracker.stats()["updates"].parse().unwrap();
    assert!(updates <= 2.0 + 10.0 * seconds, "{updates} in {seconds} s");
    for wrong in [
        "line 2001 of standard input: nbplayers must be a number",
        "line 2002 of standard input: a field is key=value; 'nonsense' is not",
        "line 2003 of standard input: leave checked out",
        "line 2004 of standard input: map is 'old town', and players see these quotes too",
        "line 2005 of standard input: ip= is said at the start; start again",
    ] {
        program.errors.wait_for(wrong);
    }
    // The end of standard input changed nothing.
    assert_eq!(tracker.list().len(), 1);
}

#[test]
fn a_new_port_is_a_new_place_on_the_list() {
    let tracker = TrackerProcess::start();
    let mut program = start(&tracker, &["--port", "1"]);
    program.errors.wait_for("as 127.0.0.1:1");
    program.say("port=2");
    program.errors.wait_for("as 127.0.0.1:2");
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=2"]);
}

#[test]
fn a_file_is_followed() {
    let folder = Folder::new("file");
    let path = folder.file("updates");
    fs::write(&path, "nbplayers=1\nwrong\nmap=town").unwrap();
    let tracker = TrackerProcess::start();
    let mut program = start(
        &tracker,
        &["--port", "1", "nbplayers=0", "--updates", &path],
    );
    let listed = |fields: &str| {
        let line = format!("INFOS ip=127.0.0.1 port=1 {fields}");
        tracker.wait_for_list(|list| list == [line.as_str()]);
    };
    listed("nbplayers=1 map=town");
    assert_eq!(tracker.stats()["updates"], "0", "it was said at once");
    program.errors.wait_for(&format!("line 2 of {path}: "));
    program.say("nbplayers=9");
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"\nnbplayers=2\n").unwrap();
    listed("nbplayers=2 map=town");
    fs::write(&path, "map= nbplayers=3\n").unwrap();
    listed("nbplayers=3");
    let other = folder.file("other");
    fs::write(&other, "nbplayers=4\n").unwrap();
    fs::rename(&other, &path).unwrap();
    listed("nbplayers=4");
    fs::remove_file(&path).unwrap();
    program.errors.wait_for("; waiting for it");
    fs::write(&path, "nbplayers=5").unwrap();
    listed("nbplayers=5");
}

#[test]
fn a_named_pipe_is_read_again_and_again() {
    if !need("mkfifo") {
        return;
    }
    let folder = Folder::new("pipe");
    let path = folder.file("updates");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let tracker = TrackerProcess::start();
    let arguments = ["--port", "1", "--updates", &path, "--", "sleep", "1000"];
    let _program = start(&tracker, &arguments);
    for n in 1..=3 {
        fs::write(&path, format!("nbplayers={n}\n")).unwrap();
        let line = format!("INFOS ip=127.0.0.1 port=1 nbplayers={n}");
        tracker.wait_for_list(|list| list == [line.as_str()]);
    }
}

#[test]
fn who_cannot_be_reached_is_told_what_to_do() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--require-check"]);
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port().to_string();
    let program = start(&tracker, &["--port", &port]);
    let line = program.errors.wait_for("refused (unreachable)");
    assert!(line.contains("; next try in "), "{line}");
    let advice = format!("gltracker:   open UDP {port} in your firewall, and let the game");
    let line = program.errors.wait_for(&advice);
    assert!(line.ends_with("--pong does it"), "{line}");
}

#[test]
fn a_port_that_is_never_checked_is_refused_for_good_and_not_blamed_on_a_firewall() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--require-check"]);
    let (code, errors) = outcome(announce(&[tracker.servers], &["--port", "80"]));
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("refused (unreachable): "), "{errors}");
    let advice = "gltracker:   trackers never check UDP ports below 1024";
    assert!(
        errors.contains(advice) && !errors.contains("firewall"),
        "{errors}"
    );
    let tracker = TrackerProcess::start();
    let program = start(&tracker, &["--port", "80"]);
    program.errors.wait_for(advice);
}

#[test]
fn quotes_that_players_would_see_are_said_and_the_value_stands() {
    let tracker = TrackerProcess::start();
    let program = start(&tracker, &["--port", "1", "description=\"My server\""]);
    let line = program.errors.wait_for("players see these quotes too");
    assert!(
        line.contains("'description=My server' on a command line"),
        "{line}"
    );
    let listed = "INFOS ip=127.0.0.1 port=1 description=\"\\\"My server\\\"\"";
    tracker.wait_for_list(|list| list == [listed]);
}

#[test]
fn on_a_terminal_it_says_that_lines_may_be_typed() {
    if !need("tmux") {
        return;
    }
    let tracker = TrackerProcess::start();
    let screen = Screen::run(&format!(
        "GLTRACKER_PASSWORD='{PASSWORD}' {} announce --tracker {} --port 1",
        gltracker(),
        tracker.servers
    ));
    screen.wait_to_see("lines typed here change what players see");
    screen.press(&["nbplayers=3", "Enter"]);
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=1 nbplayers=3"]);
}

#[test]
fn a_program_is_listed_while_it_runs_and_its_exit_code_is_passed_on() {
    let tracker = TrackerProcess::start();
    let listed = |port: &str| {
        let line = format!("INFOS ip=127.0.0.1 port={port}");
        tracker.wait_for_list(|list| list == [line.as_str()]);
    };
    let script = "read -r line; echo \"$line $GLTRACKER_PORT $GLTRACKER_TRACKERS\
                  ${GLTRACKER_PASSWORD+!}${GLTRACKER_KEY+!}\"; exit 7";
    let mut program = start(&tracker, &["--port", "1", "--", "sh", "-c", script]);
    listed("1");
    program.errors.wait_for("listed on");
    program.say("hello");
    assert_eq!(program.wait().code(), Some(7));
    // It has said QUIT before it ended, so this needs no waiting.
    assert_eq!(tracker.list(), [""; 0]);
    let greeting = format!("hello 1 {}\n", tracker.servers);
    assert_eq!(program.output.wait_for_end(), greeting);
    program
        .errors
        .wait_for(&format!("left {}", tracker.servers));

    for (script, code) in [
        ("exit 0", 0),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let command = announce(
            &[tracker.servers],
            &["--port", "2", "--", "sh", "-c", script],
        );
        assert_eq!(outcome(command).0, Some(code), "{script}");
    }
    let missing = announce(&[tracker.servers], &["--port", "3", "--", "/no/such/game"]);
    let (code, errors) = outcome(missing);
    assert_eq!(code, Some(3));
    let why = "cannot start /no/such/game: there is no such file";
    assert!(
        errors.contains(why) && !errors.contains("os error"),
        "{errors}"
    );

    // A game goes on when no tracker wants it.
    let mut command = announce(
        &[tracker.servers],
        &["--port", "4", "--", "sh", "-c", "read -r line; exit 5"],
    );
    command.env("GLTRACKER_PASSWORD", "wrong");
    let mut program = Program::start(command);
    program.errors.wait_for("; it is not tried again");
    program.say("");
    assert_eq!(program.wait().code(), Some(5));
}

#[test]
fn a_program_that_ends_at_once_in_good_order_is_said_to_have_started_another() {
    let tracker = TrackerProcess::start();
    for (script, is_said) in [("exit 0", true), ("exit 1", false)] {
        let arguments = ["--port", "1", "--", "sh", "-c", script];
        let (_, errors) = outcome(announce(&[tracker.servers], &arguments));
        let lines = errors.lines();
        let said = lines.skip_while(|line| !line.contains("sh has ended after"));
        let said: Vec<&str> = said.filter(|line| !line.contains(" left ")).collect();
        assert_eq!(said.len(), if is_said { 2 } else { 0 }, "{errors}");
        if is_said {
            assert!(said[0].ends_with("with exit code 0, and the announcement with it."));
            assert!(said[1].contains("exec GAME"), "{errors}");
        }
    }
}

#[test]
fn without_updates_for_too_long_it_is_off_the_list_and_back_with_the_next() {
    let folder = Folder::new("alive");
    let path = folder.file("updates");
    fs::write(&path, "nbplayers=1\n").unwrap();
    let tracker = TrackerProcess::start();
    let port = free_udp_port();
    let arguments = [
        "--port",
        &port,
        "--pong",
        "--alive",
        "2",
        "--updates",
        &path,
    ];
    let program = start(&tracker, &arguments);
    let ask = |word: &str| {
        let player = UdpSocket::bind("127.0.0.1:0").unwrap();
        player.connect(format!("127.0.0.1:{port}")).unwrap();
        player
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let _ = player.send(format!("PING {word}").as_bytes());
        uninterrupted(|| player.recv(&mut [0; 100])).is_ok()
    };
    for _ in 0..2 {
        program.errors.wait_for("listed on");
        wait_until("a player is answered", || {
            fs::write(&path, "nbplayers=1\n").unwrap();
            ask("there").then_some(())
        });
        tracker.wait_for_list(<[String]>::is_empty);
        program.errors.wait_for("no update for 2 s (--alive): ");
        assert!(!ask("gone"), "nobody vouches for what is off the list");
        // The same again is a sign of life too: a game that nobody plays has nothing else to say.
        fs::write(&path, "nbplayers=1\n").unwrap();
        let line = format!("INFOS ip=127.0.0.1 port={port} nbplayers=1");
        tracker.wait_for_list(|list| list.first().is_some_and(|first| first.starts_with(&line)));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_stopped_is_off_the_list_until_it_goes_on() {
    let tracker = TrackerProcess::start();
    let script = "echo $$; while read -r line; do kill -s STOP $$; echo again; done";
    let arguments = ["--port", "1", "--", "sh", "-c", script];
    let mut program = start(&tracker, &arguments);
    let game = program.output.wait_for("");
    tracker.wait_for_list(|list| list.len() == 1);
    program.say("");
    tracker.wait_for_list(<[String]>::is_empty);
    program.errors.wait_for("was stopped by a signal");
    assert!(!program.output.text().contains("again"));
    let go_on = Command::new("sh")
        .args(["-c", "kill -s CONT $0", &game])
        .status();
    assert!(go_on.unwrap().success());
    tracker.wait_for_list(|list| list.len() == 1);
    program.errors.wait_for("the game server runs again");
    // Its end is the end of all, also when it comes while it is off the list.
    program.say("");
    tracker.wait_for_list(<[String]>::is_empty);
    let kill = Command::new("sh")
        .args(["-c", "kill -s KILL $0", &game])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(program.wait().code(), Some(137));
}

#[test]
fn when_it_is_killed_the_list_is_right_at_once() {
    let tracker = TrackerProcess::start();
    let mut program = start(&tracker, &["--port", "1", "--", "sleep", "1000"]);
    program.errors.wait_for("listed on");
    program.kill();
    tracker.wait_for_list(<[String]>::is_empty);
}

#[test]
fn a_key_is_used_and_no_secret_is_shown() {
    let folder = Folder::new("keys");
    let keys = folder.file("keys");
    fs::write(&keys, "alice between us\n").unwrap();
    let secret = folder.file("secret");
    fs::write(&secret, "# alice\n\n  between us \nanother\n").unwrap();
    let tracker = TrackerProcess::start_with(&["--max-slots", "80", "--keys-file", &keys]);
    let arguments = ["--port", "1", "--key", "alice", "--password-file", &secret];
    let program = start(&tracker, &arguments);
    program.errors.wait_for("listed on");
    let mut command = announce(&[tracker.servers], &["--port", "2"]);
    command
        .env("GLTRACKER_KEY", "alice")
        .env("GLTRACKER_PASSWORD", "between others");
    let (code, errors) = outcome(command);
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("refused (bad-password): there is no such key"),
        "{errors}"
    );
    assert!(!errors.contains("between others"), "{errors}");

    let absent = folder.file("absent");
    fs::write(folder.file("empty"), "# nothing\n").unwrap();
    for (file, code, part) in [
        (absent, 3, "No such file"),
        (folder.file("empty"), 2, "holds no password"),
    ] {
        let arguments = ["--port", "3", "--password-file", &file];
        let (got, errors) = outcome(announce(&[tracker.servers], &arguments));
        assert_eq!(got, Some(code), "{errors}");
        assert!(errors.contains(part), "{errors}");
    }
}

#[test]
fn two_that_announce_the_same_port_are_told() {
    let folder = Folder::new("taken");
    let passwords = folder.file("passwords");
    fs::write(&passwords, "another\n").unwrap();
    let arguments = ["--max-slots", "80", "--password-file", &passwords];
    let tracker = TrackerProcess::start_with(&arguments);
    let first = start(&tracker, &["--port", "1", "version=1"]);
    first.errors.wait_for("listed on");
    let second = start(&tracker, &["--port", "1", "version=2"]);
    second.errors.wait_for("listed on");
    let line = first.errors.wait_for("refused (taken)");
    first.errors.wait_for("two of you announce this port");
    assert!(line.contains("next try in 1"), "it does not fight: {line}");
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=1 version=2"]);

    let mut stranger = announce(&[tracker.servers], &["--port", "1"]);
    stranger.env("GLTRACKER_PASSWORD", "another");
    let (code, errors) = outcome(stranger);
    assert_eq!(code, Some(1));
    assert!(errors.contains("with another password or key"), "{errors}");
}

/// A tracker that can be made to say anything.
pub(crate) struct Pretender(BufReader<TcpStream>);

impl Pretender {
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        Self(BufReader::new(accept(listener)))
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn hears(&mut self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    pub(crate) fn says(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").unwrap();
    }
}

#[test]
fn a_tracker_may_ask_to_wait_and_its_words_are_plain_text() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let program = Program::start(announce(&[address], &["--port", "1"]));
    let mut tracker = Pretender::accept(&listener);
    tracker.hears("LOGIN secret");
    let start = Instant::now();
    tracker.says("ERR too-many \u{1b}]0;title\u{7} wait 2 s");
    drop(tracker);
    let mut tracker = Pretender::accept(&listener);
    assert!(start.elapsed() >= Duration::from_secs(2));
    tracker.hears("LOGIN secret");
    tracker.says(&format!("NONSENSE {}", "x".repeat(5000)));
    tracker.says("CHALLENGE 5f1c9a3e77b04d21");
    tracker.hears("INFOS 5f1c9a3e77b04d21 port=1");
    tracker.says("OK listed \u{1b}[2Jhere");
    tracker.says("PING \u{9b}x");
    tracker.hears("PONG \u{9b}x");
    let line = program.errors.wait_for("listed on");
    assert!(line.ends_with(" as \\u{1b}[2Jhere"), "{line}");
    let is_plain = |c: char| c == '\n' || !c.is_control();
    let errors = program.errors.text();
    assert!(errors.chars().all(is_plain), "{errors:?}");
}

#[test]
fn refused_fields_are_not_said_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut program = Program::start(announce(&[address], &["--port", "1"]));
    let mut tracker = Pretender::accept(&listener);
    tracker.hears("LOGIN secret");
    tracker.says("CHALLENGE 5f1c9a3e77b04d21");
    tracker.hears("INFOS 5f1c9a3e77b04d21 port=1");
    tracker.says("OK listed 127.0.0.1:1");
    program.say("odd=1");
    tracker.hears("INFOS odd=1");
    tracker.says("ERR bad-value odd must be even");
    let line = program.errors.wait_for("did not take");
    assert!(
        line.ends_with(" did not take odd=1 (bad-value): odd must be even"),
        "{line}"
    );
    drop(tracker);
    let mut tracker = Pretender::accept(&listener);
    tracker.hears("LOGIN secret");
    tracker.says("CHALLENGE 5f1c9a3e77b04d21");
    tracker.hears("INFOS 5f1c9a3e77b04d21 port=1");
}

#[test]
fn a_callback_may_drop_its_announcer() {
    let tracker = TrackerProcess::start();
    let holder: Arc<Mutex<Option<Announcer>>> = Arc::default();
    let (gone, is_gone) = std::sync::mpsc::channel();
    let own = Arc::clone(&holder);
    let mut place = holder.lock().unwrap();
    let announcer = Announcer::start(
        vec![tracker.servers.to_string().parse().unwrap(); 2],
        Credential::password(PASSWORD).unwrap(),
        "port=1",
        move |event| {
            if matches!(event.what, Happening::Listed(_)) {
                drop(own.lock().unwrap().take());
            }
            gone.send(event.what).unwrap();
        },
    );
    *place = Some(announcer.unwrap());
    drop(place);
    let next = || is_gone.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), Happening::Listed("127.0.0.1:1".to_owned()));
    assert_eq!(next(), Happening::Left);
    assert_eq!(tracker.stats()["logins"], "1", "two names are one tracker");
    tracker.wait_for_list(<[String]>::is_empty);
}

#[test]
fn standard_error_that_nobody_reads_stops_nothing() {
    let tracker = TrackerProcess::start();
    let mut command = announce(&[tracker.servers], &["--port", "1"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(writer);
    let mut running = Running::start(command);
    tracker.wait_for_list(|list| list.len() == 1);
    let mut input = running.0.stdin.take().unwrap();
    writeln!(input, "nonsense\nnbplayers=1").unwrap();
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=1 nbplayers=1"]);
}

#[test]
fn its_words_are_those_of_the_protocol_for_a_peer_that_types_too() {
    // The same ip:port by hand, with the same password: a restarted game server is no stranger.
    let tracker = TrackerProcess::start();
    let by_hand: Peer = tracker.log_in(1, "version=0");
    let program = start(&tracker, &["--port", "1", "version=1"]);
    program.errors.wait_for("listed on");
    assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=1 version=1"]);
    drop(by_hand);
}

#[test]
fn a_tracker_that_never_stops_is_heard_at_a_steady_pace() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tracker = listener.local_addr().unwrap().to_string();
    let (events, happened) = std::sync::mpsc::channel();
    let credential = Credential::password(PASSWORD).unwrap();
    let on_event = move |event| drop(events.send(event));
    let trackers = vec![tracker.parse().unwrap()];
    let _announcer = Announcer::start(trackers, credential, "port=1", on_event).unwrap();
    let mut stream = accept(&listener);
    let start = Instant::now();
    stream.write_all(b"CHALLENGE 0000000000000001\n").unwrap();
    let talk = "OK listed 127.0.0.1:1\n".repeat(1000);
    stream.write_all(talk.as_bytes()).unwrap();
    // A hundred may come at once, and 50 in a second.
    for _ in 0..200 {
        let event: Event = happened.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(event.what, Happening::Listed(_)), "{event}");
    }
    let time = start.elapsed();
    assert!(time >= Duration::from_secs(2), "{time:?}");
}
