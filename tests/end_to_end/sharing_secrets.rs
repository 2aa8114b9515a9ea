//! What the engine is shown: where it comes from, and that nobody else sees it.

use crate::credentials::TestFile;
use crate::engine::EngineProcess;
use crate::harness::{PASSWORD, TrackerProcess, command};
use crate::patience::wait_until;
use crate::publish::{Folder, wait_for};
use std::fs;
use std::process::Command;

/// The rights that are asked for where a user lacks one.
const RIGHTS: [&str; 9] = [
    "~{gltracker}:*",
    "+@read",
    "+@write",
    "+@transaction",
    "+@connection",
    "-@dangerous",
    "+select",
    "+info",
    "+role",
];

/// Makes a user that may do what sharing needs, or gives it another password.
fn set_user(engine: &EngineProcess, name: &str, password: &str) {
    let password = format!(">{password}");
    let user = ["ACL", "SETUSER", name, "reset", "on", &password];
    assert_eq!(engine.ask(&[&user[..], &RIGHTS].concat()), "OK");
}

/// A tracker that shares through `engine`, before it is started.
fn prepared(engine: &EngineProcess, arguments: &[&str]) -> Command {
    let mut command = command();
    command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    command.args(["--trust", "127.0.0.0/8", "--max-slots", "16"]);
    command.args(["--share", &engine.at()]).args(arguments);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    command
}

/// Everything that a tracker shows to others: its command line, its log, STATS and metrics.
fn shown(tracker: &TrackerProcess, folder: &Folder) -> String {
    let line = fs::read(format!("/proc/{}/cmdline", tracker.id())).unwrap_or_default();
    let metrics = wait_for(&folder.0.join("metrics.prom"), "gltracker_sharing_up");
    let line = String::from_utf8_lossy(&line);
    let log = tracker.log().join("\n");
    format!("{line}{log}{metrics}{}", tracker.ask("STATS\nQUIT\n"))
}

#[test]
fn the_file_of_the_password_is_read_again_for_every_connection() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    set_user(&engine, "list", "hidden-1");
    let file = TestFile::new("shared-password", "list\nwrong-0\n");
    let folder = Folder::new("shared-secret");
    let publish = folder.0.to_str().unwrap();
    let arguments = ["--share-password-file", file.path(), "--publish", publish];
    let tracker = TrackerProcess::run(prepared(&engine, &arguments));
    let warning = tracker.wait_for_log("event=not-sharing");
    let remedy = "the password or the user is wrong; correct --share-password-file";
    assert!(warning.contains(remedy), "{warning}");
    tracker.wait_for_stat("sharing", "refused");
    file.write("list\nhidden-1\n");
    tracker.wait_for_stat("sharing", "sharing");
    tracker.wait_for_log("event=sharing");

    // The password is changed, at the engine first. Who is connected stays so.
    set_user(&engine, "list", "hidden-2");
    file.write("list\nhidden-2\n");
    assert_eq!(engine.ask(&["CLIENT", "KILL", "USER", "list"]), "1");
    let is_back = || (engine.ask(&["CLIENT", "LIST"]).contains(" user=list ")).then_some(());
    wait_until("it is connected again", is_back);
    tracker.wait_for_stat("sharing", "sharing");
    // And the other way round it comes back when both are right.
    file.write("list\nhidden-3\n");
    assert_eq!(engine.ask(&["CLIENT", "KILL", "USER", "list"]), "1");
    tracker.wait_for_stat("sharing", "refused");
    set_user(&engine, "list", "hidden-3");
    tracker.wait_for_stat("sharing", "sharing");
    let shown = shown(&tracker, &folder);
    for secret in ["hidden-", "wrong-0"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_password_alone_is_that_of_the_engine() {
    let Some(engine) = EngineProcess::start(&["--requirepass", "hidden"]) else {
        return;
    };
    let tracker = TrackerProcess::run(prepared(&engine, &[]));
    let warning = tracker.wait_for_log("event=not-sharing");
    let remedy = "it wants a password; write it into a file and give --share-password-file FILE";
    assert!(warning.contains(remedy), "{warning}");
    tracker.wait_for_stat("sharing", "refused");
    let file = TestFile::new("shared-password-alone", "hidden\n");
    let arguments = ["--share-password-file", file.path()];
    let tracker = TrackerProcess::run(prepared(&engine, &arguments));
    tracker.wait_for_stat("sharing", "sharing");
}

#[test]
fn the_password_may_be_in_a_variable_or_handed_over() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    set_user(&engine, "list", "hidden");
    let folder = Folder::new("shared-variable");
    let publish = ["--publish", folder.0.to_str().unwrap()];
    let mut given = prepared(&engine, &publish);
    given.env("GLTRACKER_SHARE_USER", "list");
    given.env("GLTRACKER_SHARE_PASSWORD", "hidden");
    let tracker = TrackerProcess::run(given);
    tracker.wait_for_stat("sharing", "sharing");
    let clients = engine.ask(&["CLIENT", "LIST"]);
    assert!(clients.contains(" user=list "), "{clients}");
    let text = shown(&tracker, &folder);
    assert!(!text.contains("hidden"), "{text}");
    drop(tracker);

    let handed = Folder::new("shared-handed");
    fs::create_dir(&handed.0).unwrap();
    fs::write(handed.0.join("share-password"), "list\nhidden\n").unwrap();
    let mut command = prepared(&engine, &publish);
    command.env("CREDENTIALS_DIRECTORY", &handed.0);
    let tracker = TrackerProcess::run(command);
    tracker.wait_for_stat("sharing", "sharing");
    let text = shown(&tracker, &folder);
    assert!(!text.contains("hidden"), "{text}");
    // The secret of the list is in the engine, and nowhere else.
    let format = engine.ask(&["GET", "{gltracker}:format"]);
    let secret = format.rsplit(' ').next().unwrap();
    assert_eq!(secret.len(), 32, "{format}");
    assert!(!text.contains(secret), "{text}");
}
