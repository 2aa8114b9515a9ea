//! `gltracker announce --ask` and `--status`, with pretend games and real trackers.

use crate::announce::announce;
use crate::harness::{PASSWORD, TrackerProcess, own_address};
use crate::patience::wait_until;
use crate::pretend_games::PretendGame;
use crate::tools::{Program, need};
use gltracker::query::Kind;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;

fn start(tracker: &TrackerProcess, arguments: &[&str]) -> Program {
    let often = [&["--ask-every", "1"], arguments].concat();
    Program::start(announce(&[tracker.servers], &often))
}

/// The one line of the list, as soon as it has all of these words.
fn wait_for(tracker: &TrackerProcess, words: &[&str]) -> String {
    let has_all = |line: &String| words.iter().all(|word| line.contains(word));
    tracker
        .wait_for_list(|list| list.len() == 1 && has_all(&list[0]))
        .remove(0)
}

/// A game is on the list as it is, and off it when it has ended, until it is there again.
fn lives(kind: Kind) {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start_at(kind, own_address());
    let address = game.address;
    let ask = format!("{kind}={address}");
    let mut program = start(&tracker, &["--port", "5", "--ask", &ask]);
    let query = format!("query={kind}");
    let pingport = format!("pingport={}", address.port());
    let name = "description=\"Friday cycles\"";
    let what = [
        " port=5 ",
        "nbplayers=3",
        "maxplayers=12",
        name,
        &query,
        &pingport,
    ];
    let line = wait_for(&tracker, &what);
    assert_eq!(
        line.contains("map=oasis"),
        kind != Kind::Minecraft,
        "{line}"
    );
    let said = program
        .errors
        .wait_for(&format!("{address} answers: 'Friday cycles', "));
    assert!(said.contains("nbplayers=3 maxplayers=12"), "{said}");
    let elsewhere = format!("asked at {} and announced at", address.ip());
    program.errors.wait_for(&elsewhere);

    game.change(|facts| {
        facts.map = "old town".to_owned();
        (facts.people, facts.needs_password) = (7, true);
    });
    let changed = match kind {
        Kind::Minecraft => &["nbplayers=7"][..],
        _ => &["nbplayers=7", "map=\"old town\"", "password=yes"],
    };
    wait_for(&tracker, changed);
    let updates: u32 = tracker.stats()["updates"].parse().unwrap();
    assert!(updates <= 3, "only changes are sent, not {updates} updates");

    drop(game);
    tracker.wait_for_list(<[String]>::is_empty);
    let gone = program.errors.wait_for("3 questions were not answered");
    assert!(gone.contains("nothing listens there"), "{gone}");
    let _game = PretendGame::start_at(kind, address);
    wait_for(&tracker, &["nbplayers=3", name]);
    program
        .errors
        .wait_for("answers again, and is announced again");
    assert_eq!(
        program.errors.text().matches("Friday").count(),
        1,
        "it is said once"
    );
    program.kill();
    tracker.wait_for_list(<[String]>::is_empty);
}

#[test]
fn a_game_of_the_quake_iii_family_is_listed_as_it_is() {
    lives(Kind::Quake3);
}

#[test]
fn a_game_of_the_source_family_is_listed_as_it_is() {
    lives(Kind::Source);
}

#[test]
fn a_minecraft_server_is_listed_as_it_is() {
    lives(Kind::Minecraft);
}

#[test]
fn what_the_admin_says_wins_and_fields_can_be_switched_off() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Quake3);
    let ask = format!("quake3={}", game.address);
    let port = game.address.port();
    let mine = ["description=My own", "protocol=", "zone=eu"];
    let arguments = [&["--ask", ask.as_str()], &mine[..]].concat();
    let mut program = start(&tracker, &arguments);
    let line = wait_for(&tracker, &["zone=eu"]);
    assert_eq!(
        line,
        format!(
            "INFOS ip=127.0.0.1 port={port} nbplayers=3 maxplayers=12 version=\"ioq3 1.36\" \
             description=\"My own\" query=quake3 game=Quake3Arena map=oasis mode=4 zone=eu"
        )
    );
    program.say("map=mine nbplayers=9");
    wait_for(&tracker, &["map=mine", "nbplayers=9"]);
    let asked = game.questions();
    game.change(|facts| (facts.map, facts.people, facts.most) = ("theirs".into(), 1, 99));
    let line = wait_for(&tracker, &["maxplayers=99"]);
    assert!(
        line.contains("map=mine") && line.contains("nbplayers=9"),
        "{line}"
    );
    assert!(game.questions() > asked);
}

#[test]
fn a_game_says_where_it_is_joined_unless_the_admin_does() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Source);
    let ask = format!("source={}", game.address);
    let program = start(&tracker, &["--ask", &ask]);
    let pingport = format!("pingport={}", game.address.port());
    wait_for(&tracker, &[" port=27015 ", &pingport, "query=source"]);
    drop(program);
    tracker.wait_for_list(<[String]>::is_empty);
    let _program = start(&tracker, &["--ask", &ask, "pingport=9", "--port", "8"]);
    let line = wait_for(&tracker, &[" port=8 ", "pingport=9"]);
    assert!(!line.contains("query="), "players ping elsewhere: {line}");
}

#[test]
fn players_are_told_to_ask_a_game_only_what_it_answers() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Quake3);
    game.change(|facts| facts.is_short = true);
    let ask = format!("quake3={}", game.address);
    let program = start(&tracker, &["--ask", &ask]);
    let line = wait_for(&tracker, &["map=oasis"]);
    assert!(!line.contains("query="), "{line}");
    game.change(|facts| facts.is_short = false);
    wait_for(&tracker, &["map=oasis", "query=quake3"]);
    let said = program.errors.text();
    assert!(!said.contains("announced at the address"), "{said}");
}

#[test]
fn one_that_falls_silent_is_off_the_list_until_it_answers() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Quake3);
    // The name may be ::1 first, where nobody listens.
    let ask = format!("quake3=localhost:{}", game.address.port());
    let program = start(&tracker, &["--ask", &ask]);
    wait_for(&tracker, &["map=oasis"]);
    game.change(|facts| facts.is_silent = true);
    let gone = program.errors.wait_for("3 questions were not answered");
    assert!(gone.contains("is there a firewall in between?"), "{gone}");
    tracker.wait_for_list(<[String]>::is_empty);
    game.change(|facts| facts.is_silent = false);
    wait_for(&tracker, &["map=oasis"]);
    program.errors.wait_for("answers again");
}

#[test]
fn a_game_is_asked_over_ipv6() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    let tracker = TrackerProcess::start();
    for kind in Kind::ALL {
        let game = PretendGame::start_at(kind, "[::1]:0".parse().unwrap());
        let ask = format!("{kind}={}", game.address);
        let _program = start(&tracker, &["--port", "6", "--ask", &ask]);
        wait_for(&tracker, &["nbplayers=3", &format!("query={kind}")]);
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_listed() {
    let tracker = TrackerProcess::start();
    let nobody = own_address().ip();
    let program = start(&tracker, &["--ask", &format!("quake3={nobody}:27960")]);
    let said = program
        .errors
        .wait_for("nothing listens there (does the game run");
    assert!(
        said.ends_with("it is announced with its first answer"),
        "{said}"
    );

    let minecraft = PretendGame::start_at(Kind::Minecraft, own_address());
    let ask = format!("quake3={}", minecraft.address);
    let program = start(&tracker, &["--ask", &ask]);
    let is_answered = format!(
        "there (does the game run, and at that address?); but --ask minecraft={} is answered",
        minecraft.address
    );
    program.errors.wait_for(&is_answered);

    let source = PretendGame::start(Kind::Source);
    let mut program = start(&tracker, &["--ask", &format!("quake3={}", source.address)]);
    let is_answered = format!("but --ask source={} is answered", source.address);
    program.errors.wait_for(&is_answered);
    let asked = source.questions();
    wait_until("it is asked again", || {
        (source.questions() > asked + 4).then_some(())
    });
    program.kill();
    assert_eq!(
        program.errors.wait_for_end().lines().count(),
        1,
        "it is said once"
    );

    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let ask = format!("minecraft={}", web.local_addr().unwrap());
    let program = start(&tracker, &["--ask", &ask]);
    let (mut browser, _) = web.accept().unwrap();
    browser
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .unwrap();
    program.errors.wait_for("what answers there is ");

    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let ask = format!("minecraft={}", closed.local_addr().unwrap());
    let program = start(&tracker, &["--ask", &ask]);
    closed.accept().map(drop).unwrap();
    program
        .errors
        .wait_for("the connection is closed without an answer");

    let program = start(&tracker, &["--ask", "quake3=there-is-none.invalid"]);
    program
        .errors
        .wait_for("there-is-none.invalid:27960: the name was not found");
    assert!(tracker.list().is_empty());
}

#[test]
fn a_game_that_is_started_has_time_to_come_up() {
    let tracker = TrackerProcess::start();
    let game = PretendGame::start(Kind::Quake3);
    game.change(|facts| facts.is_silent = true);
    let ask = format!("quake3={}", game.address);
    let mut program = start(&tracker, &["--ask", &ask, "--", "sleep", "100"]);
    // More than one question.
    wait_until("it is asked", || (game.questions() > 4).then_some(()));
    assert!(tracker.list().is_empty());
    game.change(|facts| facts.is_silent = false);
    wait_for(&tracker, &["map=oasis"]);
    let text = program.errors.text();
    assert!(
        text.contains("answers: 'Friday cycles'") && !text.contains("no answer"),
        "{text}"
    );
    program.kill();
    tracker.wait_for_list(<[String]>::is_empty);
}

/// A folder of this test, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("asking-{name}-{}", std::process::id());
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

#[test]
fn a_command_says_what_the_game_is_and_its_failure_that_it_is_gone() {
    let folder = Folder::new("status");
    let said = folder.file("said");
    fs::write(&said, "nbplayers=1 map=\"old town\"\nnonsense\n").unwrap();
    let tracker = TrackerProcess::start();
    let command =
        format!("[ -z \"$GLTRACKER_PASSWORD\" ] && [ \"$GLTRACKER_PORT\" = 7 ] && cat {said}");
    let arguments = ["--port", "7", "--status", &command, "map="];
    let program = start(&tracker, &arguments);
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=7 nbplayers=1"]);
    program.errors.wait_for("the command of --status answers");
    program
        .errors
        .wait_for("line 2 of the command of --status: a field is key=value");
    // Written so that no run sees half of it.
    let rewrite = |text: &str| {
        fs::write(folder.file("new"), text).unwrap();
        fs::rename(folder.file("new"), &said).unwrap();
    };
    rewrite("nbplayers=2\nnonsense\n");
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=7 nbplayers=2"]);
    fs::remove_file(&said).unwrap();
    tracker.wait_for_list(<[String]>::is_empty);
    let gone = program.errors.wait_for("3 questions were not answered");
    assert!(gone.contains("exit code 1 (cat: "), "{gone}");
    rewrite("nbplayers=3");
    tracker.wait_for_list(|list| list == ["INFOS ip=127.0.0.1 port=7 nbplayers=3"]);
    let text = program.errors.text();
    assert_eq!(text.matches("nonsense").count(), 1, "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

/// The first process whose number the file has got.
fn first_process(file: &str) -> u32 {
    wait_until("it is started", || {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.strip_suffix('\n')?.parse().ok()
    })
}

fn wait_for_end_of(process: u32) {
    wait_until("it is ended", || {
        let kill = ["-c", "kill -s 0 \"$0\" 2>/dev/null", &process.to_string()];
        let status = std::process::Command::new("sh").args(kill).status();
        (!status.unwrap().success()).then_some(())
    });
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_has_started() {
    let folder = Folder::new("hangs");
    let pid = folder.file("pid");
    let command = format!("sleep 100 & echo $! > {pid}; wait");
    let tracker = TrackerProcess::start();
    let program = start(&tracker, &["--port", "7", "--status", &command]);
    let first = first_process(&pid);
    program.errors.wait_for("no end within 10 s");
    wait_for_end_of(first);
    assert!(tracker.list().is_empty());
}

#[test]
fn a_command_that_hangs_does_not_outlive_the_announcement() {
    let folder = Folder::new("outlives");
    let pid = folder.file("pid");
    let command = format!("sleep 100 & echo $! > {pid}; wait");
    let tracker = TrackerProcess::start();
    let game = format!("while ! [ -s {pid} ]; do sleep 0.1; done; exit 5");
    let arguments = ["--port", "7", "--status", &command, "--", "sh", "-c", &game];
    let mut program = start(&tracker, &arguments);
    assert_eq!(program.wait().code(), Some(5));
    wait_for_end_of(first_process(&pid));
}

#[test]
fn output_that_stays_open_is_no_answer_until_it_is_closed() {
    let folder = Folder::new("open");
    let (pid, runs) = (folder.file("pid"), folder.file("runs"));
    if !need("setsid") {
        return;
    }
    let stays = format!("setsid sh -c 'echo $$ > {pid}; exec sleep 1000'");
    let command = format!("echo nbplayers=3; echo run >> {runs}; [ -e {pid} ] || {stays} &");
    let tracker = TrackerProcess::start();
    let program = start(&tracker, &["--port", "7", "--status", &command]);
    let open = first_process(&pid);
    program.errors.wait_for("keeps its output open");
    assert!(tracker.list().is_empty());
    assert_eq!(fs::read_to_string(&runs).unwrap(), "run\n");
    let kill = ["-c", "kill -s KILL \"$0\"", &open.to_string()];
    std::process::Command::new("sh")
        .args(kill)
        .status()
        .unwrap();
    wait_for(&tracker, &["nbplayers=3"]);
}
