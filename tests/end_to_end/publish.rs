//! The published folder: what is in it, and that the list does not depend on it.

use crate::harness::{PASSWORD, Peer, TrackerProcess, command, outcome};
use crate::patience::{time_of, wait_until};
use crate::skips::skip;
use crate::state::sealed;
use crate::tools::need;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Removes a folder, though a tracker may put a file into it at that moment.
pub(crate) fn remove(folder: &Path) {
    wait_until("the folder is gone", || {
        let _ = fs::remove_dir_all(folder);
        (!folder.exists()).then_some(())
    });
}

/// A folder of this test, removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("gltracker-publish-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(folder: &Path) -> TrackerProcess {
    TrackerProcess::start_with(&["--max-slots", "80", "--publish", folder.to_str().unwrap()])
}

pub(crate) fn wait_for(file: &Path, part: &str) -> String {
    wait_until(part, || {
        fs::read_to_string(file)
            .ok()
            .filter(|text| text.contains(part))
    })
}

#[test]
fn the_files_appear_and_follow_the_list() {
    let folder = Folder::new("follows");
    let tracker = start(&folder.0);
    let json = folder.0.join("servers.json");
    wait_for(&json, "\"count\":0");
    let mut game_server = tracker.log_in(23460, "nbplayers=3 description=\"<b>&\\\"\"");
    let took = time_of(|| drop(wait_for(&json, "\"count\":1")));
    assert!(took < Duration::from_secs(4), "{took:?}, promised 1 s");
    let text = fs::read_to_string(&json).unwrap();
    let line = r#"{"addresses":["127.0.0.1:23460"],"info":{"ip":"127.0.0.1","port":23460,"nbplayers":3,"description":"\u003cb>&\""}}"#;
    assert!(text.lines().any(|l| l == line), "{text}");
    game_server.ask("INFOS nbplayers=4");
    wait_for(&json, "\"nbplayers\":4");
    let quiet_since = Instant::now();
    drop(game_server);
    let before = wait_for(&json, "\"count\":0");
    // Nothing changes, so nothing is written for 30 s, however often it is looked at: that it was is
    // seen by the page, which is looked at after it and comes back when it is gone.
    let page = folder.0.join("index.html");
    assert!(wait_for(&page, "</html>").starts_with("<!DOCTYPE html>"));
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&json).unwrap());
    let unchanged = inode();
    for _ in 0..2 {
        fs::remove_file(&page).unwrap();
        wait_for(&page, "</html>");
    }
    let is_same = (inode(), fs::read_to_string(&json).unwrap()) == (unchanged, before);
    assert!(is_same || quiet_since.elapsed() > Duration::from_secs(30));
    fs::write(&page, "something else").unwrap();
    wait_for(&page, "</html>");
    // One that no web server could read.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions();
    let before = mode(&json);
    fs::set_permissions(&json, PermissionsExt::from_mode(0o600)).unwrap();
    wait_until("it can be read again", || {
        (mode(&json) == before).then_some(())
    });
    wait_until("no temporary file is left", || {
        // And .lock.
        (fs::read_dir(&folder.0).unwrap().count() == 5).then_some(())
    });
}

/// The state file is called `list`, in the folder `kept`.
fn start_with_state(folder: &Folder, kept: &Folder) -> TrackerProcess {
    let (publish, state) = (folder.0.to_str().unwrap(), kept.0.join("list"));
    let state = state.to_str().unwrap();
    TrackerProcess::start_with(&["--max-slots", "80", "--publish", publish, "--state", state])
}

#[test]
fn what_was_counted_is_published_and_survives_the_tracker() {
    let (folder, kept) = (Folder::new("counted"), Folder::new("counted-state"));
    fs::create_dir(&kept.0).unwrap();
    let (published, state) = (folder.0.join("activity.json"), kept.0.join("list.activity"));
    let mut tracker = start_with_state(&folder, &kept);
    wait_for(&published, "\"rows\":{\"every\":1800}}");
    let game_server = tracker.log_in(23460, "nbplayers=3 game=\"<old> game\"");
    wait_for(&kept.0.join("list"), " port=23460 ");
    tracker.kill();
    drop(game_server);
    fs::remove_file(&published).unwrap();
    // It is on the first list, so it is in the first point.
    let mut tracker = start_with_state(&folder, &kept);
    let text = wait_for(&published, "\n\"127.0.0.1:23460\":[3");
    assert!(
        text.contains("\n\"\\u003cold> game\":{\"players\":[3"),
        "{text}"
    );
    wait_for(&state, "127.0.0.1:23460 3");
    // Two days ago, as the file says, there were seven players. Nothing is known of the time between.
    tracker.kill();
    let old = "gltracker-activity 1\nall 0 7 1\n";
    let point = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            / 300
    };
    let lines = old.replace("all 0", &format!("all {}", point() - 576));
    fs::write(&state, sealed(&lines)).unwrap();
    fs::remove_file(&published).unwrap();
    let mut tracker = start_with_state(&folder, &kept);
    let text = wait_for(&published, "\"all\":{\"players\":[7,");
    let unknown = text.lines().nth(1).unwrap().matches("null").count();
    // Of players and of game servers; a point may have begun meanwhile.
    assert!([1150, 1152].contains(&unknown), "{unknown} in {text}");
    // What somebody has damaged is set aside, and costs nothing else.
    tracker.kill();
    fs::write(&state, sealed(&lines).replace("7 1", "9 1")).unwrap();
    let tracker = start_with_state(&folder, &kept);
    let warning = tracker.wait_for_log("event=activity-not-read");
    assert!(
        warning.contains("it is torn") && warning.contains("list.activity.bad"),
        "{warning}"
    );
    assert_eq!(tracker.list().len(), 1);
    wait_for(&state, "127.0.0.1:23460 3");
    assert!(kept.0.join("list.activity.bad").exists());
    // So is what a clock that is wrong now takes for the future.
    drop(tracker);
    let lines = old.replace("all 0", &format!("all {}", point() + 576));
    fs::write(&state, sealed(&lines)).unwrap();
    let tracker = start_with_state(&folder, &kept);
    let warning = tracker.wait_for_log("event=activity-not-read");
    assert!(
        warning.contains("is the clock right?") && warning.contains("list.activity.bad.1"),
        "{warning}"
    );
}

/// What is in the way of the one file keeps nobody from writing the other.
#[test]
fn the_file_that_cannot_be_written_is_named() {
    let (folder, kept) = (Folder::new("unwritten"), Folder::new("unwritten-state"));
    let in_the_way = kept.0.join("list.activity.new");
    fs::create_dir_all(&in_the_way).unwrap();
    let tracker = start_with_state(&folder, &kept);
    let _game_server = tracker.log_in(23460, "");
    let file = format!("file={}", kept.0.join("list.activity").display());
    let warning = tracker.wait_for_log("event=state-not-written");
    assert!(warning.contains(&file), "{warning}");
    assert_ne!(tracker.stats()["state-failures"], "0");
    wait_for(&kept.0.join("list"), " port=23460\n");
    fs::remove_dir(&in_the_way).unwrap();
    let again = tracker.wait_for_log("event=state-written-again");
    assert!(again.contains(&file), "{again}");
    wait_for(&kept.0.join("list.activity"), "\nend ");
}

#[test]
fn the_page_has_the_words_of_its_operator() {
    let folder = Folder::new("words");
    let words = [
        "--title",
        "<Friday> & co",
        "--link",
        "https://example.org/?a&b",
    ];
    let publish = ["--max-slots", "80", "--publish", folder.0.to_str().unwrap()];
    let _tracker = TrackerProcess::start_with(&[&publish[..], &words].concat());
    let page = wait_for(&folder.0.join("index.html"), "</html>");
    assert!(
        page.contains("<title>&lt;Friday&gt; &amp; co</title>"),
        "{page}"
    );
    assert!(
        !page.contains("{{title}}") && !page.contains("{{link}}"),
        "{page}"
    );
}

/// The script looks at everything that is there to see; its output says at what.
#[test]
fn a_browser_shows_the_page_as_it_should_be() {
    if !need("chromium") || !need("node") {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/check-page.sh");
    let mut script = Command::new(script);
    // It has deadlines of its own.
    let output = script.arg(command().get_program()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the page is as it should be"), "{said}");
    if said.contains("SKIPPED: there is no axe-core") {
        skip("axe-core");
    }
}

/// What promtool says to `input`.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}\n{input}");
    said
}

#[test]
fn metrics_are_as_prometheus_wants_them() {
    if !need("promtool") {
        return;
    }
    let folder = Folder::new("metrics");
    let arguments = ["--publish", folder.0.to_str().unwrap()];
    // Nobody is there, which is enough for all names.
    let sharing = ["--max-slots", "80", "--share", "127.0.0.1:1"];
    let tracker = TrackerProcess::start_with(&[&sharing[..], &arguments].concat());
    let file = folder.0.join("metrics.prom");
    let mut wrong = Peer::connect(tracker.servers);
    assert!(wrong.ask("LOGIN guess").starts_with("ERR bad-password"));
    tracker.wait_for_stat("refused", "1");
    // Not to wait until it is time for the next.
    let _ = fs::remove_file(&file);
    let text = wait_for(&file, "total{reason=\"bad-password\"} 1\n");
    assert!(text.contains("gltracker_build_info"), "{text}");
    assert!(text.contains("gltracker_sharing_up 0\n"), "{text}");
    assert_eq!(promtool(&["check", "metrics"], &text), "", "{text}");
    let rules = rules();
    let names = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for name in names.filter(|name| name.starts_with("gltracker_")) {
        let announced = format!("# TYPE {name} ");
        assert!(text.contains(&announced), "{name} in {text}");
    }
}

/// The rules of the documents.
fn rules() -> String {
    let document = include_str!("../../scripts/README.md");
    let (_, rules) = document.split_once("\n    groups:\n").unwrap();
    let rules = rules.lines().map_while(|line| line.strip_prefix("    "));
    rules.fold("groups:\n".to_owned(), |text, line| text + line + "\n")
}

/// What trackers say in pretend time, four times a minute: to `a` another tracker, `mars`, is lost after three
/// minutes; `b` loses the engine after two; `c` reads lists anew again and again, and `d` once.
const PRETENDED: &str = r#"
rule_files: [rules.yml]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {series: 'gltracker_sharing_entries{instance="a",tracker="mars"}', values: '5x12 _x300'}
      - {series: 'gltracker_sharing_entries{instance="a",tracker="io"}', values: '5x300'}
      - {series: 'gltracker_sharing_up{instance="a"}', values: '1x300'}
      - {series: 'gltracker_sharing_up{instance="b"}', values: '1x8 0x300'}
      - {series: 'gltracker_sharing_reread_total{instance="c"}', values: '0+1x300'}
      - {series: 'gltracker_sharing_reread_total{instance="d"}', values: '0x8 1x300'}
    alert_rule_test:
      - {eval_time: 3m, alertname: SharingDown}
      - {eval_time: 4m, alertname: SharingDown, exp_alerts: [{exp_labels: {instance: b}}]}
      - {eval_time: 3m, alertname: TrackerAway}
      - eval_time: 10m
        alertname: TrackerAway
        exp_alerts: [{exp_labels: {instance: a, tracker: mars}}]
      - {eval_time: 25m, alertname: SharingRereads}
      - {eval_time: 40m, alertname: SharingRereads, exp_alerts: [{exp_labels: {instance: c}}]}
"#;

#[test]
fn the_alerts_of_sharing_come_when_they_should() {
    if !need("promtool") {
        return;
    }
    let folder = Folder::new("rules");
    fs::create_dir(&folder.0).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    promtool(&["check", "rules", &file("rules.yml", &rules())], "");
    promtool(&["test", "rules", &file("test.yml", PRETENDED)], "");
}

#[test]
fn a_folder_that_goes_and_comes_back_is_filled_though_nothing_changed() {
    let folder = Folder::new("removed");
    let tracker = start(&folder.0);
    let _game_server = tracker.log_in(23460, "");
    let json = folder.0.join("servers.json");
    wait_for(&json, "\"count\":1");
    remove(&folder.0);
    let warning = tracker.wait_for_log("event=not-published");
    let why = "error=\"the folder is not there\"";
    assert!(
        warning.contains("level=warn") && warning.contains(why),
        "{warning}"
    );
    assert_eq!(tracker.list().len(), 1);
    assert!(!folder.0.exists(), "somebody wanted it gone");
    fs::create_dir(&folder.0).unwrap();
    wait_for(&json, "\"count\":1");
    wait_for(&folder.0.join("index.html"), "</html>");
    tracker.wait_for_log("event=published-again");
    wait_for(
        &folder.0.join("metrics.prom"),
        "gltracker_listed_game_servers 1",
    );
    let warnings = || {
        let log = tracker.log();
        let warnings = log.iter().filter(|line| line.contains("not-published"));
        warnings.count()
    };
    assert_eq!(warnings(), 1, "one a minute");
    // The log does not end with the good news while it fails again.
    remove(&folder.0);
    wait_until("a second warning", || (warnings() == 2).then_some(()));
}

#[test]
fn a_full_disk_leaves_the_list_and_the_old_files_alone() {
    let can_mount = || {
        let mut probe = Command::new("unshare");
        probe.args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]);
        probe.stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    if !need("unshare") {
        return;
    }
    if !can_mount() {
        return skip("right to mount a disk of one's own");
    }
    let folder = Folder::new("full");
    fs::create_dir(&folder.0).unwrap();
    // Seen by the tracker alone, and by whoever looks through its eyes.
    let inner = command();
    let mut outer = Command::new("unshare");
    outer.args(["-rm", "sh", "-c"]);
    outer.arg("mount -t tmpfs -o size=256k none \"$1\" && shift && exec \"$@\"");
    outer.arg("sh").arg(&folder.0).arg(inner.get_program());
    outer.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    outer.args(["--trust", "127.0.0.0/8", "--max-slots", "80", "--publish"]);
    outer.arg(&folder.0).env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = TrackerProcess::run(outer);
    let eyes = format!("/proc/{}/root{}", tracker.id(), folder.0.display());
    let eyes = Path::new(&eyes);
    let json = eyes.join("servers.json");
    let _one = tracker.log_in(1001, "");
    let old = wait_for(&json, "\"count\":1");
    wait_for(&eyes.join("metrics.prom"), "gltracker_start_time_seconds");
    let filler = eyes.join("filler");
    assert!(
        fs::write(&filler, vec![0; 1 << 20]).is_err(),
        "it is smaller than that"
    );
    let _two = tracker.log_in(1002, "");
    let warning = tracker.wait_for_log("event=not-published");
    assert!(warning.contains("file=servers.json"), "{warning}");
    assert_eq!(tracker.list().len(), 2);
    assert_eq!(fs::read_to_string(&json).unwrap(), old);
    fs::remove_file(&filler).unwrap();
    wait_for(&json, "\"count\":2");
    tracker.wait_for_log("event=published-again");
    let failures = &tracker.stats()["publish-failures"];
    assert_ne!(failures, "0");
}

/// A tracker that is to publish in `folder` does not start; what it says.
fn refusal(folder: &Path) -> String {
    let mut command = command();
    command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    command.args(["--max-slots", "16", "--publish"]).arg(folder);
    let output = outcome(command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    said
}

#[test]
fn what_is_no_folder_is_refused_and_so_is_one_that_cannot_be() {
    let folder = Folder::new("file");
    fs::write(&folder.0, "").unwrap();
    assert!(refusal(&folder.0).contains("is not a folder"));
    let inside = refusal(&folder.0.join("inside"));
    assert!(
        inside.contains("nothing can be written there: "),
        "{inside}"
    );
    fs::remove_file(&folder.0).unwrap();
    let deep = refusal(&folder.0.join("deep"));
    let path = folder.0.display();
    let why = format!("--publish {path}/deep: the folder {path} is not there; make it");
    assert!(deep.contains(&why), "{deep}");
}

#[test]
fn two_trackers_do_not_share_a_folder() {
    let folder = Folder::new("two");
    let mut tracker = start(&folder.0);
    let link = Folder::new("two-link");
    std::os::unix::fs::symlink(&folder.0, &link.0).unwrap();
    for name in [&folder.0, &link.0] {
        let said = refusal(name);
        assert!(said.contains("another tracker publishes in"), "{said}");
    }
    // Killed, it leaves nothing behind that keeps the next one out.
    tracker.kill();
    let second = start(&folder.0);
    // Of two whose folder is made anew, one has it and the other says that it has not.
    wait_for(&folder.0.join("index.html"), "</html>");
    let moved = Folder::new("two-moved");
    fs::rename(&folder.0, &moved.0).unwrap();
    let third = start(&folder.0);
    // It may have looked when there was no folder; one outage is told once.
    let said = second.wait_for_log("event=not-published");
    let reasons = ["another tracker publishes there", "the folder is not there"];
    assert!(reasons.iter().any(|why| said.contains(why)), "{said}");
    drop(third);
    second.wait_for_log("event=published-again");
    fs::remove_file(&link.0).unwrap();
}
