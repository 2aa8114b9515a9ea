//! What the flags of sharing do before an engine is reached: here there is none.

use crate::credentials::TestFile;
use crate::harness::{PASSWORD, Peer, Running, TrackerProcess, command, outcome};
use crate::patience::PATIENCE;
use std::fs;
use std::process::{Command, Stdio};

/// Where nobody is.
const NOWHERE: &str = "127.0.0.1:1";

fn prepared(arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    command.args(["--max-slots", "16", "--share", NOWHERE]);
    command.args(arguments).env("GLTRACKER_PASSWORD", PASSWORD);
    command
}

/// The exit code of a tracker that does not start, and what it says.
fn refusal(command: Command) -> (Option<i32>, String) {
    let output = outcome(command);
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

#[test]
fn the_log_and_the_counters_say_that_the_list_is_shared() {
    let tracker = TrackerProcess::run(prepared(&["--share-name", "mars"]));
    let line = tracker.wait_for_log("event=listening");
    assert!(
        line.contains(" share=127.0.0.1:1 share-name=mars"),
        "{line}"
    );
    let stats = Peer::connect(tracker.clients).ask("STATS");
    let (now, _) = stats.split_once(" accepted=").unwrap();
    for word in [
        "sharing",
        "sharing-lag-ms",
        "sharing-own",
        "sharing-elsewhere",
        "sharing-stale",
        "sharing-trackers",
    ] {
        assert!(now.contains(&format!(" {word}=")), "{word} in {stats}");
    }
    let alone = TrackerProcess::start();
    let stats = Peer::connect(alone.clients).ask("STATS");
    let line = alone.wait_for_log("event=listening");
    assert!(
        !stats.contains(" sharing") && !line.contains("share"),
        "{line}"
    );
}

#[test]
fn the_guide_says_where_the_list_is_shared() {
    let mut command = prepared(&["--share-name", "mars"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(command);
    let lines = running.lines();
    let said =
        "The list is to be shared through 127.0.0.1:1, as mars; event=sharing says when it is.\n";
    while lines.recv_timeout(PATIENCE).expect(said) != said {}
}

#[test]
fn the_file_of_the_secret_is_looked_after_as_other_files_are() {
    use std::os::unix::fs::PermissionsExt;
    let secret = TestFile::new("share-secret", "list\nhidden\n");
    let mode = |mode| fs::set_permissions(&secret.0, PermissionsExt::from_mode(mode)).unwrap();
    let arguments = ["--share-password-file", secret.path()];
    mode(0o600);
    let tracker = TrackerProcess::run(prepared(&arguments));
    assert!(!tracker.log().join("\n").contains("secrets-open"));
    mode(0o644);
    if gltracker::tracker::files::watched_file::is_open_to_all(&secret.0) {
        let tracker = TrackerProcess::run(prepared(&arguments));
        let warning = tracker.wait_for_log("event=secrets-open");
        assert!(warning.contains(secret.path()), "{warning}");
        assert!(!tracker.log().join("\n").contains("hidden"));
    }

    let same = [&arguments[..], &["--state", secret.path()]].concat();
    let (code, said) = refusal(prepared(&same));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("would be used for two purposes"), "{said}");
    let nowhere = ["--share-password-file", "/nowhere/secret"];
    let (code, said) = refusal(prepared(&nowhere));
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("the file /nowhere/secret cannot be read"),
        "{said}"
    );
}

/// That it is taken shows in that it cannot be read.
#[test]
fn a_service_manager_hands_over_the_secret() {
    let name = format!("gltracker-handed-share-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let file = folder.join("share-password");
    std::os::unix::fs::symlink("nowhere", &file).unwrap();
    let handed = |mut command: Command| {
        command.env("CREDENTIALS_DIRECTORY", &folder);
        command
    };
    let (code, said) = refusal(handed(prepared(&[])));
    assert_eq!(code, Some(3), "{said}");
    let named = format!("the file {} cannot be read", file.display());
    assert!(said.contains(&named), "{said}");
    // Whoever says another means that, and who does not share needs none.
    let mut given = handed(prepared(&[]));
    given.env("GLTRACKER_SHARE_PASSWORD", "hidden");
    drop(TrackerProcess::run(given));
    let mut alone = command();
    alone.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    alone.args(["--max-slots", "16"]);
    alone.env("GLTRACKER_PASSWORD", PASSWORD);
    drop(TrackerProcess::run(handed(alone)));
    fs::remove_dir_all(&folder).unwrap();
}
