//! Arguments, exit codes, passwords, and what is printed.

use crate::harness::{PASSWORD, Peer, Running, TrackerProcess, command, outcome};
use crate::patience::{PATIENCE, wait_until};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = command();
    command.args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = outcome(command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [&["--help"][..], &["-h"], &["help"], &["serve", "--help"]] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(
            stdout.contains("Usage: gltracker [serve] [FLAGS]"),
            "{stdout}"
        );
    }
    let (code, stdout, _) = run(&["--version"]);
    assert_eq!(
        (code, stdout),
        (
            Some(0),
            format!("gltracker {}\n", env!("CARGO_PKG_VERSION"))
        )
    );
}

#[test]
fn wrong_usage_is_exit_code_2_and_one_line() {
    for (arguments, part) in [
        (
            &["--max-slot", "9"][..],
            "there is no flag --max-slot; did you mean --max-slots?",
        ),
        (
            &["--servers", "nowhere"],
            "--servers: 'nowhere' is not an address with a port",
        ),
        (
            &["--max-slots", "3"],
            "'3' is not a number of slots from 4 to 1000000",
        ),
        (
            &["--log-level", "a\n\u{1b}[2J"],
            "'a\\u{a}\\u{1b}[2J' is not a level",
        ),
        (&["--trust", "192.0.2.0/+24"], "'192.0.2.0/+24' is not an"),
        (
            &["--share", "redis://:hidden@cache"],
            "--share: write HOST[:PORT][,HOST[:PORT]…][/DB]; user and password go into a file",
        ),
        (
            &["--share-name", "mars"],
            "--share-name changes nothing without --share: give --share HOST[:PORT]",
        ),
        (&["--proxied", "haproxy"], "'haproxy' is not an address"),
        (&["serv"], "there is no command 'serv'; did you mean serve?"),
        (
            &["--max-slots", "4", "--slot-shares", "1:1:1:10000"],
            "4 slots leave a class without one; give more with --max-slots",
        ),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(
            (code, stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {stderr}"
        );
        assert!(
            stderr.starts_with("gltracker: ") && stderr.contains(part),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_variable_that_there_is_not_is_mentioned_and_changes_nothing() {
    let mut command = command();
    command
        .args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"])
        .env("GLTRACKER_MAX_SLOT", "3")
        .env("GLTRACKER_MAX_SLOTS", "16")
        .env("GLTRACKER_PASSWORD", "secret");
    let tracker = TrackerProcess::run(command);
    let said = tracker.wait_for_log("event=unknown-variable");
    assert!(said.contains(" name=GLTRACKER_MAX_SLOT "), "{said}");
    assert!(
        said.contains("\"did you mean GLTRACKER_MAX_SLOTS?\""),
        "{said}"
    );
    // Scripts read in the first line where it listens.
    let first = &tracker.log()[0];
    assert!(
        first.contains("event=listening") && first.contains("max-slots=16"),
        "{first}"
    );
}

#[test]
fn a_machine_that_allows_too_little_is_blamed_and_not_a_flag_that_nobody_gave() {
    // Linux alone tells what it allows.
    if !cfg!(target_os = "linux") {
        return;
    }
    for (flags, why) in [
        ("", "gltracker: this machine does not allow even 8 slots: "),
        (
            "--max-slots 16",
            "gltracker: --max-slots 16 is more than this machine allows: ",
        ),
    ] {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -n 40; exec \"$0\" {flags}");
        shell.args(["-c", &script]).arg(command().get_program());
        let said = outcome(shell);
        let errors = String::from_utf8_lossy(&said.stderr);
        assert!(
            errors.starts_with(why) && errors.contains("ulimit -n"),
            "{errors}"
        );
        assert_eq!(said.status.code(), Some(3));
    }
}

#[test]
fn what_the_system_refuses_is_exit_code_3() {
    let tracker = TrackerProcess::start();
    let port = tracker.clients.port().to_string();
    let taken = tracker.clients.to_string();
    let (code, _, stderr) = run(&["--servers", "127.0.0.1:0", "--clients", &taken]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(
        stderr.contains(&format!("port {port} is in use")),
        "{stderr}"
    );
    let (code, _, stderr) = run(&["--servers", "192.0.2.1:0", "--clients", "127.0.0.1:0"]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("cannot listen on 192.0.2.1:0"), "{stderr}");
    let nowhere = ["--password-file", "/nowhere/passwords"];
    let ports = ["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"];
    let (code, _, stderr) = run(&[&ports[..], &nowhere].concat());
    assert_eq!(code, Some(3), "{stderr}");
    assert!(
        stderr.contains("/nowhere/passwords cannot be read"),
        "{stderr}"
    );
}

/// What is printed up to the line that contains `last`.
fn guide(running: &mut Running, last: &str) -> String {
    let lines = running.lines();
    let mut guide = String::new();
    while !guide.contains(last) {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => guide += &line,
            Err(error) => panic!("{error}: {guide}"),
        }
    }
    guide
}

#[test]
fn with_no_password_given_it_makes_one_up_and_says_what_to_type() {
    let mut command = command();
    command.args([
        "--servers",
        "127.0.0.1:0",
        "--clients",
        "127.0.0.1:0",
        "--max-slots",
        "16",
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(command);
    let guide = guide(&mut running, "HELP on either port says more.");
    let after = |mark: &str, end: char| {
        let rest = guide
            .split_once(mark)
            .unwrap_or_else(|| panic!("{mark} in {guide}"))
            .1;
        rest.split(end).next().unwrap().to_owned()
    };
    let password = after("The password is ", ',');
    let port = |text: String| text.split_once(' ').unwrap().1.parse().unwrap();
    let servers = ([127, 0, 0, 1], port(after("\n    nc ", '\n'))).into();
    let clients = ([127, 0, 0, 1], port(after("QUIT\\n' | nc ", '\n'))).into();

    assert!(
        Peer::connect(servers)
            .ask("LOGIN guess")
            .starts_with("ERR bad-password")
    );
    let mut peer = Peer::connect(servers);
    let answer = peer.ask(&after("    LOGIN ", '\n').replacen("", "LOGIN ", 1));
    assert!(answer.starts_with("CHALLENGE "), "{answer}");
    let number = answer.replace("CHALLENGE ", "");
    let infos = after("    INFOS <the number you were sent>", '\n');
    assert_eq!(
        peer.ask(&format!("INFOS {number}{infos}")),
        "OK listed 127.0.0.1:23460"
    );
    let line = Peer::connect(clients).ask("LIST");
    assert_eq!(
        line,
        "INFOS ip=127.0.0.1 port=23460 description=\"My first server\""
    );
    assert_eq!(password.len(), 12);
}

#[test]
fn the_guide_shows_what_was_asked_for() {
    let place = std::env::temp_dir().join(format!("gltracker-guide-{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    let file = |name: &str| place.join(name).to_str().unwrap().to_owned();
    std::fs::write(file("keys"), "alice between us\n").unwrap();
    std::fs::write(file("passwords"), "one\ntwo\n").unwrap();
    let mut command = command();
    command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    command.args(["--max-slots", "16", "--password-file", &file("passwords")]);
    command.args(["--keys-file", &file("keys"), "--state", &file("list")]);
    command.args(["--publish", &file("www")]);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(command);
    let guide = guide(&mut running, "HELP on either port says more.");
    for line in [
        &format!("The list is kept in {}.", file("list")),
        &format!("It is published in {}.", file("www")),
        "Game servers may log in with 3 passwords and 1 key.",
    ] {
        assert!(guide.lines().any(|l| l == line), "{line} in {guide}");
    }
    drop(running);
    std::fs::remove_dir_all(&place).unwrap();
}

#[test]
fn passwords_come_from_a_file_that_is_read_again() {
    let path = std::env::temp_dir().join(format!("gltracker-test-{}", std::process::id()));
    std::fs::write(&path, "first one\nsecond\n").unwrap();
    let tracker = TrackerProcess::start_with(&[
        "--max-slots",
        "16",
        "--password-file",
        path.to_str().unwrap(),
    ]);
    // Slots of logins before may not be free yet: who finds none comes again.
    let login = |password: &str| {
        wait_until("there is a slot", || {
            let answer = Peer::connect(tracker.servers).ask(&format!("LOGIN {password}"));
            (!answer.starts_with("ERR busy")).then_some(answer)
        })
    };
    for valid in ["first one", "second", PASSWORD] {
        assert!(login(valid).starts_with("CHALLENGE "), "{valid}");
    }
    assert!(login("third").starts_with("ERR bad-password"));

    std::fs::write(&path, "third\n").unwrap();
    // It is looked at once a second at most: this goes on until it was.
    wait_until("it is read", || {
        login("third").starts_with("CHALLENGE ").then_some(())
    });
    assert!(login("second").starts_with("ERR bad-password"));
    assert!(
        login(PASSWORD).starts_with("CHALLENGE "),
        "the one of the environment stays"
    );
    tracker.wait_for_log("event=passwords-changed valid=2");

    // What is wrong with a line does not say where that is.
    std::fs::write(&path, format!("third\n{}\n", "x".repeat(300))).unwrap();
    let warning = tracker.wait_for_log("event=passwords-not-read");
    assert!(
        warning.contains(&format!("file={}", path.display())),
        "{warning}"
    );
    assert!(warning.contains("the password on line 2"), "{warning}");

    std::fs::remove_file(&path).unwrap();
    let start = Instant::now();
    while !tracker
        .log()
        .iter()
        .any(|line| line.contains("event=passwords-not-read") && line.contains("cannot be read"))
    {
        assert!(
            login("third").starts_with("CHALLENGE "),
            "what was valid stays valid"
        );
        assert!(start.elapsed() < PATIENCE);
    }
}

#[test]
fn the_log_is_plain_lines_of_key_and_value() {
    let tracker = TrackerProcess::start_with(&["--max-slots", "16", "--log-level", "debug"]);
    drop(tracker.log_in(7, ""));
    let mut peer = Peer::connect(tracker.servers);
    peer.send_raw("\u{1b}[31m\u{202e} level=error\n".as_bytes());
    assert!(
        peer.read_to_end()
            .starts_with("ERR unknown-command '\\u{1b}[31m")
    );
    tracker.wait_for_log("event=listed address=127.0.0.1:7 peer=127.0.0.1:");
    tracker.wait_for_log("event=unlisted address=127.0.0.1:7 peer=127.0.0.1:");
    let refused = tracker.wait_for_log("code=unknown-command");
    assert!(
        refused.contains("event=refused peer=127.0.0.1:"),
        "{refused}"
    );
    for line in tracker.log() {
        assert!(
            line.starts_with("time=20") && line.contains(" level="),
            "{line}"
        );
        assert!(
            !line.chars().any(char::is_control) && !line.contains('\u{202e}'),
            "{line}"
        );
    }
}

#[test]
fn a_log_that_nobody_reads_disturbs_nobody() {
    // A full pipe: standard error is never read.
    let mut command = command();
    command.args([
        "--servers",
        "127.0.0.1:0",
        "--clients",
        "127.0.0.1:0",
        "--max-slots",
        "80",
    ]);
    command
        .args(["--log-level", "debug", "--trust", "127.0.0.0/8"])
        .env("GLTRACKER_PASSWORD", PASSWORD);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command);
    let port = guide(&mut running, "| nc ")
        .split("| nc 127.0.0.1 ")
        .nth(1)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // Each connection is a line of some 100 bytes; a pipe takes 64 KiB, the queue 4,096 lines.
    let mut left_out = 0;
    for _ in 0..6000 {
        let mut peer = Peer::connect(([127, 0, 0, 1], port).into());
        let answer = peer.ask("STATS");
        let dropped = answer
            .split("log-dropped=")
            .nth(1)
            .unwrap_or_else(|| panic!("{answer}"));
        left_out = dropped.parse().unwrap();
        assert_eq!(peer.ask("QUIT"), "OK bye");
        if left_out > 0 {
            break;
        }
    }
    assert!(left_out > 0, "the pipe was full and the lines were counted");
}
