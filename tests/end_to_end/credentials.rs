//! Keys and bans come from files that are read again, and what they take away is taken at once.

use crate::harness::{Peer, TrackerProcess, command, outcome};
use crate::patience::{PATIENCE, time_of};
use gltracker::protocol::message::parse_number;
use gltracker::protocol::proof::mac;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file of this test, removed in the end.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gltracker-{name}-{}", std::process::id()));
        let file = Self(path);
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Logs in with a key; the answer to the first INFOS.
fn log_in(tracker: &TrackerProcess, name: &str, secret: &str, port: u16) -> (Peer, String) {
    let mut peer = Peer::connect(tracker.servers);
    let challenge = peer.ask(&format!("LOGIN name={name}"));
    let number = challenge
        .strip_prefix("CHALLENGE ")
        .unwrap_or_else(|| panic!("{challenge}"));
    let mac = mac(secret, parse_number(number).unwrap(), name, port);
    let answer = peer.ask(&format!("INFOS {number} port={port} mac={mac}"));
    (peer, answer)
}

#[test]
fn deleting_a_key_takes_its_game_servers_off_the_list() {
    let keys = TestFile::new("keys", "alice between us\nbob hunter2\n");
    let tracker = TrackerProcess::start_with(&["--max-slots", "80", "--keys-file", keys.path()]);
    let (mut alice, answer) = log_in(&tracker, "alice", "between us", 1);
    assert_eq!(answer, "OK listed 127.0.0.1:1");
    let (mut bob, answer) = log_in(&tracker, "bob", "hunter2", 2);
    assert_eq!(answer, "OK listed 127.0.0.1:2");
    let (_, answer) = log_in(&tracker, "bob", "between us", 3);
    assert!(answer.starts_with("ERR bad-password"), "{answer}");
    let (_, answer) = log_in(&tracker, "carol", "between us", 3);
    assert!(answer.starts_with("ERR bad-password"), "{answer}");
    let (_, answer) = log_in(&tracker, "bob", "hunter2", 1);
    assert!(answer.starts_with("ERR taken"), "it is alice's: {answer}");
    assert_eq!(
        tracker.list(),
        ["INFOS ip=127.0.0.1 port=1", "INFOS ip=127.0.0.1 port=2"]
    );

    let told = "ERR bad-password the key you logged in with is not valid any more\n";
    let took = time_of(|| {
        keys.write("# alice has left\nbob hunter2\nnonsense\n");
        assert_eq!(alice.read_to_end(), told);
    });
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(
        tracker.wait_for_list(|list| list.len() == 1),
        ["INFOS ip=127.0.0.1 port=2"]
    );
    assert_eq!(bob.ask("PING 1"), "PONG 1");
    let line = tracker.wait_for_log("event=wrong-line");
    assert!(
        line.contains("line=3 error=\"write: name secret\""),
        "{line}"
    );
    assert!(
        !tracker.log().join("\n").contains("hunter2"),
        "secrets are not for the log"
    );
}

#[test]
fn a_ban_holds_from_the_next_second_on_and_its_reason_is_told() {
    let bans = TestFile::new("bans", "# nobody yet\n");
    let tracker =
        TrackerProcess::start_distrustful(&["--max-slots", "80", "--bans-file", bans.path()]);
    let mut listed = tracker.log_in(1, "");
    let mut client = Peer::connect(([127, 0, 0, 1], tracker.clients.port()).into());
    assert_eq!(client.ask("PING 1"), "PONG 1");
    bans.write("10.0.0.0/33 a slip\n127.0.0.0/8 fake servers\n");
    let told = "ERR banned the operator has banned your address: fake servers\n";
    assert_eq!(listed.read_to_end(), told);
    assert_eq!(client.read_to_end(), told);
    assert_eq!(tracker.list(), [""; 0]);
    assert_eq!(Peer::connect(tracker.servers).read_to_end(), told);
    let line = tracker.wait_for_log("event=wrong-line");
    assert!(
        line.contains("line=1 ") && line.contains("10.0.0.0/33"),
        "{line}"
    );
    let line = tracker.wait_for_log("event=denied");
    assert!(
        line.contains("code=banned") && line.contains("peer=127.0.0.1:"),
        "{line}"
    );
    assert_eq!(tracker.stats()["banned"], "1");

    bans.write("");
    let start = Instant::now();
    while Peer::connect(tracker.servers).ask("PING 1") != "PONG 1" {
        assert!(start.elapsed() < PATIENCE);
        // Connecting all the time would run into the rate of one host.
        tracker.stats();
    }
}

#[test]
fn files_that_cannot_be_read_are_said_at_the_start() {
    for flag in ["--keys-file", "--bans-file"] {
        let mut command = command();
        command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        command.args([flag, "/nowhere/file"]);
        let output = outcome(command);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(
            stderr.contains("gltracker: the file /nowhere/file cannot be read"),
            "{stderr}"
        );
    }
}

#[test]
fn a_service_manager_hands_over_what_no_flag_names() {
    let folder = std::env::temp_dir().join(format!("gltracker-handed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        ("password", "from the manager\n"),
        ("keys", "alice between us\n"),
        ("bans", "203.0.113.9 fakes\n"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let start = |arguments: &[&str], password: &str| {
        let mut command = command();
        command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        command.args(["--max-slots", "80", "--trust", "127.0.0.0/8"]);
        command
            .args(arguments)
            .env("CREDENTIALS_DIRECTORY", &folder);
        if !password.is_empty() {
            command.env("GLTRACKER_PASSWORD", password);
        }
        TrackerProcess::run(command)
    };
    let answer = |tracker: &TrackerProcess, password: &str| {
        Peer::connect(tracker.servers).ask(&format!("LOGIN {password}"))
    };
    let tracker = start(&[], "");
    assert!(answer(&tracker, "from the manager").starts_with("CHALLENGE "));
    assert!(answer(&tracker, "another").starts_with("ERR bad-password"));
    let (_alice, listed) = log_in(&tracker, "alice", "between us", 1);
    assert_eq!(listed, "OK listed 127.0.0.1:1");
    tracker.wait_for_log("event=bans-read");

    // Whoever gives a password means that one.
    let tracker = start(&[], "given");
    assert!(answer(&tracker, "given").starts_with("CHALLENGE "));
    assert!(answer(&tracker, "from the manager").starts_with("ERR bad-password"));
    let keys = TestFile::new("named-keys", "bob hunter2\n");
    let tracker = start(&["--keys-file", keys.path()], "");
    let (_, refused) = log_in(&tracker, "alice", "between us", 1);
    assert!(refused.starts_with("ERR bad-password"), "{refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Whoever hands over a password does not want one that is made up.
#[test]
fn what_a_service_manager_hands_over_and_cannot_be_read_is_no_secret() {
    let name = format!("gltracker-not-handed-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let prepared = |password: &str| {
        let mut command = command();
        command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        command.args(["--max-slots", "16"]);
        command.env("CREDENTIALS_DIRECTORY", &folder);
        if !password.is_empty() {
            command.env("GLTRACKER_PASSWORD", password);
        }
        command
    };
    let refusal = || {
        let output = outcome(prepared(""));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        said
    };
    let said = refusal();
    let named = format!("the folder {} of CREDENTIALS_DIRECTORY", folder.display());
    assert!(said.contains(&named), "{said}");
    let tracker = TrackerProcess::run(prepared("given"));
    let warning = tracker.wait_for_log("level=warn event=credentials-not-read");
    assert!(warning.contains(folder.to_str().unwrap()), "{warning}");
    drop(tracker);

    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("password")).unwrap();
    let said = refusal();
    let file = folder.join("password");
    let named = format!("the password file {} cannot be read", file.display());
    assert!(said.contains(&named), "{said}");
    // It was not to be read.
    drop(TrackerProcess::run(prepared("given")));
    std::fs::remove_file(file).unwrap();
    // A manager may hand over what is for others.
    drop(TrackerProcess::run(prepared("")));
    std::fs::remove_dir(&folder).unwrap();
}
