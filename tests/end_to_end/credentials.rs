//! Keys and bans come from files that are read again, and what they take away is taken at once.

use crate::harness::{Peer, TrackerProcess, command, outcome};
use crate::patience::{PATIENCE, time_of};
use gltracker::protocol::hmac::mac;
use gltracker::protocol::text::parse_number;
use gltracker::tracker::files::watched_file::is_open_to_all;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file of this test, removed in the end.
pub(crate) struct TestFile(pub(crate) PathBuf);

impl TestFile {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gltracker-{name}-{}", std::process::id()));
        let file = Self(path);
        file.write(text);
        file
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Logs in with a key; the answer to the first INFOS.
pub(crate) fn log_in(
    tracker: &TrackerProcess,
    name: &str,
    secret: &str,
    port: u16,
) -> (Peer, String) {
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
fn secrets_that_everybody_can_read_draw_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let keys = TestFile::new("open-keys", "alice between us\n");
    let passwords = TestFile::new("open-passwords", "one\n");
    let set = |file: &TestFile, mode| {
        std::fs::set_permissions(&file.0, PermissionsExt::from_mode(mode)).unwrap();
    };
    let arguments = [
        "--keys-file",
        keys.path(),
        "--password-file",
        passwords.path(),
    ];
    let start = || TrackerProcess::start_with(&[&["--max-slots", "16"], &arguments[..]].concat());
    let warnings = |tracker: &TrackerProcess| {
        let log = tracker.log();
        let open = log
            .iter()
            .filter(|line| line.contains("event=secrets-open"));
        open.map(|line| line.contains(passwords.path()))
            .collect::<Vec<bool>>()
    };
    for mode in [0o600, 0o644] {
        set(&keys, mode);
        set(&passwords, mode);
        // What everybody may read in a folder where nobody gets is no secret told.
        let expected: &[bool] = match is_open_to_all(&keys.0) {
            true => &[true, false],
            false => &[],
        };
        assert_eq!(warnings(&start()), expected, "{mode:o}");
    }
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

/// Which of these lines the rule for fail2ban in the documents counts, and for which host: as fail2ban
/// does it, with Python's regular expressions and without the time.
fn counted_by_fail2ban(lines: &[String]) -> Vec<(String, String)> {
    use crate::tools::Program;
    let document = include_str!("../../scripts/README.md");
    let rule = document
        .lines()
        .find_map(|line| line.trim().strip_prefix("failregex = "));
    let rule = rule.expect("there is a rule");
    assert_eq!(rule.matches("<HOST>").count(), 1, "{rule}");
    let script = "import re, sys
rule = re.compile(sys.argv[1].replace('<HOST>', '(?P<host>[0-9A-Fa-f:.]+)'))
for line in sys.stdin:
    found = rule.search(line)
    if found: print(found.group('host'), line, end='')";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", script, rule]);
    let mut python = Program::start(python);
    for line in lines {
        let (_, behind_time) = line.split_once(' ').unwrap();
        python.say(&format!("time= {behind_time}"));
    }
    python.end_input();
    let counted = python.output.wait_for_end();
    assert!(python.wait().success(), "{}", python.errors.text());
    let pair = |line: &str| {
        let (host, line) = line.split_once(' ').unwrap();
        (host.to_owned(), line.to_owned())
    };
    counted.lines().map(pair).collect()
}

#[test]
fn fail2ban_counts_wrong_passwords_and_not_keys_that_were_withdrawn() {
    if !crate::tools::need("python3") {
        return;
    }
    let keys = TestFile::new("fail2ban", "alice between us\n");
    let arguments = ["--max-slots", "80", "--keys-file", keys.path()];
    let tracker = TrackerProcess::start_distrustful(&arguments);
    let (mut alice, answer) = log_in(&tracker, "alice", "between us", 1);
    assert_eq!(answer, "OK listed 127.0.0.1:1");
    // The fourth shuts the host out, which is a line of its own.
    for _ in 0..4 {
        let told = Peer::connect(tracker.servers).ask("LOGIN wrong");
        assert!(told.starts_with("ERR bad-password "), "{told}");
    }
    let refused = tracker.wait_for_log("event=refused");
    let penalty = tracker.wait_for_log("event=penalty");
    // A second later at least, so that it has a line too.
    keys.write("bob hunter2\n");
    assert!(alice.read_to_end().starts_with("ERR bad-password the key "));
    let withdrawn = tracker.wait_for_log("text=\"the key you logged in with");
    assert!(withdrawn.contains("code=bad-password"), "{withdrawn}");

    let counted = counted_by_fail2ban(&tracker.log());
    let is_counted = |line: &str| {
        let (_, behind_time) = line.split_once(' ').unwrap();
        counted
            .iter()
            .any(|(_, counted)| counted.ends_with(behind_time))
    };
    assert!(is_counted(&refused) && is_counted(&penalty), "{counted:?}");
    assert!(
        counted.iter().all(|(host, _)| host == "127.0.0.1"),
        "{counted:?}"
    );
    let v6 = refused.replace("127.0.0.1:", "[2001:db8::7]:");
    assert_eq!(counted_by_fail2ban(&[v6])[0].0, "2001:db8::7");
    assert!(!is_counted(&withdrawn), "{withdrawn}");
}
