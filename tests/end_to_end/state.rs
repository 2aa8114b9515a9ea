//! The list survives the tracker: whatever kills it, whatever happens to its file.

use crate::harness::{PASSWORD, Peer, TrackerProcess, command, outcome, own_address};
use crate::patience::{Over, PATIENCE, time_of, wait_until};
use crate::publish::remove;
use crate::tools::Program;
use gltracker::tracker::list::registry::STALE_FOR;
use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A folder of its own with a state file in it, removed in the end.
struct Place {
    folder: PathBuf,
    file: String,
}

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("gltracker-state-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let file = folder.join("list").to_str().unwrap().to_owned();
        Self { folder, file }
    }

    fn start(&self) -> TrackerProcess {
        TrackerProcess::start_with(&["--max-slots", "80", "--state", &self.file])
    }

    /// A tracker that is to keep its list in `file` says why it does not start.
    fn refuses(&self, file: &str, why: &str) {
        let mut command = command();
        command.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        command.args(["--max-slots", "16", "--state", file]);
        let output = outcome(command);
        let said = String::from_utf8_lossy(&output.stderr);
        let is_so = said.starts_with("gltracker: --state ") && said.contains(why);
        assert!(output.status.code() == Some(3) && is_so, "{said}");
    }

    fn beside(&self, end: &str) -> PathBuf {
        format!("{}{end}", self.file).into()
    }

    /// The file as soon as `is_right` holds for it.
    fn wait_for(&self, is_right: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = fs::read_to_string(&self.file).unwrap_or_default();
            if is_right(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "the file stays wrong: {text}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The port of an INFOS line.
fn port(line: &str) -> u16 {
    let field = line.split(' ').find_map(|word| word.strip_prefix("port="));
    field.unwrap().parse().unwrap()
}

/// A state file with these lines, complete with the right last line.
fn with_lines(lines: &[String]) -> String {
    let text: String = std::iter::once(&"gltracker-state 1".to_owned())
        .chain(lines)
        .map(|line| format!("{line}\n"))
        .collect();
    sealed(&text)
}

/// `text`, whose first line says what it is, complete with the right last line.
pub(crate) fn sealed(text: &str) -> String {
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{text}end {} {sum:016x}\n", text.matches('\n').count() - 1)
}

#[test]
fn the_first_list_after_a_restart_has_everybody_until_they_are_back() {
    let place = Place::new("restart");
    let mut tracker = place.start();
    let servers: Vec<Peer> = (1..=20)
        .map(|port| tracker.log_in(port, "description=\"Friday cycles\""))
        .collect();
    place.wait_for(|text| text.contains("\nend 20 "));
    tracker.kill();
    drop(servers);

    let arguments = ["--max-slots", "80", "--state", &place.file];
    let again = TrackerProcess::start_with(&arguments);
    let stale = again.list();
    assert!(
        stale.len() == 20 && stale.iter().all(|line| line.ends_with(" stale=yes")),
        "{stale:?}"
    );
    assert_eq!(again.stats()["listed"].split('/').next(), Some("0"));
    assert!(
        again
            .ask("LIST stale=yes\nQUIT\n")
            .contains("END count=20 ")
    );
    assert!(
        again
            .ask("LIST port=7 stale=yes\nQUIT\n")
            .contains("END count=1 ")
    );

    // They come back one by one, and nobody ever sees a list without one of them.
    let (is_over, lists) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let looking = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut ports: Vec<u16> = again.list().iter().map(|line| port(line)).collect();
                ports.sort_unstable();
                assert!(ports.iter().copied().eq(1..=20), "{ports:?}");
                lists.fetch_add(1, Ordering::Relaxed);
            }
        });
        let come_back = |port| {
            let seen = lists.load(Ordering::Relaxed);
            let peer = again.log_in(port, "nbplayers=1");
            wait_until("somebody looks", || {
                (lists.load(Ordering::Relaxed) > seen).then_some(())
            });
            peer
        };
        let back: Vec<Peer> = (1..=20).map(come_back).collect();
        let list = again.list();
        drop(over);
        assert!(
            !list.concat().contains("stale") && list.len() == 20,
            "{list:?}"
        );
        // They hang up only when nobody looks any more.
        looking.join().unwrap();
        drop(back);
    });
    // It is live again: who hangs up is gone at once.
    again.wait_for_list(<[String]>::is_empty);
}

/// Game servers of the upgrade below, and how soon all of them are to be back.
const ANNOUNCED: u16 = 30;
const BACK_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn an_upgrade_under_load_loses_nobody() {
    let place = Place::new("upgrade");
    let arguments = ["--max-slots", "200", "--state", &place.file];
    let mut tracker = TrackerProcess::start_at(own_address(), own_address(), &arguments);
    let (servers, clients) = (tracker.servers, tracker.clients);
    let announce = |port: u16| {
        let mut command = command();
        command.args(["announce", "--tracker", &servers.to_string()]);
        command.args(["--port", &port.to_string(), "nbplayers=0"]);
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        Program::start(command)
    };
    let mut game_servers: Vec<Program> = (1..=ANNOUNCED).map(announce).collect();
    tracker.wait_for_list(|list| list.len() == usize::from(ANNOUNCED));
    place.wait_for(|text| text.contains(&format!("\nend {ANNOUNCED} ")));

    let (is_over, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // All that follows is undone, and this is told to the others, if any of it fails.
        let _over = Over(&is_over);
        for is_watcher in [false, false, true] {
            let (is_over, seen) = (&is_over, &seen);
            scope.spawn(move || look_on(clients, is_watcher, is_over, seen));
        }
        scope.spawn(|| {
            for players in 1.. {
                for game_server in &mut game_servers {
                    game_server.say(&format!("nbplayers={}", players % 9));
                }
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        wait_until("the players have seen it", || {
            (seen.load(Ordering::Relaxed) > 20).then_some(())
        });
        tracker.kill();
        tracker = TrackerProcess::start_at(servers, clients, &arguments);
        let seen_before = seen.load(Ordering::Relaxed);
        let took = time_of(|| {
            tracker.wait_for_list(|list| {
                assert_all_are_on(list);
                !list.concat().contains(" stale=yes")
            });
        });
        assert!(took < BACK_WITHIN, "{took:?}");
        wait_until("the players have seen it again", || {
            (seen.load(Ordering::Relaxed) > seen_before + 20).then_some(())
        });
    });
}

fn assert_all_are_on(lines: &[String]) {
    let mut ports: Vec<u16> = lines.iter().map(|line| port(line)).collect();
    ports.sort_unstable();
    assert!(ports.iter().copied().eq(1..=ANNOUNCED), "{ports:?}");
}

/// A player who asks or watches, and comes back when the tracker does. Whoever is told of a list is
/// told of all, and never that somebody has gone.
fn look_on(clients: SocketAddr, is_watcher: bool, is_over: &AtomicBool, seen: &AtomicUsize) {
    while !is_over.load(Ordering::Relaxed) {
        let Some(mut peer) = Peer::try_connect(clients) else {
            std::thread::yield_now();
            continue;
        };
        peer.send(if is_watcher { "WATCH" } else { "LIST\nQUIT" });
        let mut lines = Vec::new();
        let mut is_first = true;
        while !is_over.load(Ordering::Relaxed) {
            let line = peer.line();
            match line.split(' ').next() {
                Some("INFOS") => lines.push(line),
                Some("END") => {
                    if std::mem::take(&mut is_first) {
                        assert_all_are_on(&lines);
                    }
                    seen.fetch_add(1, Ordering::Relaxed);
                }
                Some("GONE") => panic!("{line}"),
                // The end: of the answer, or of the tracker.
                _ => break,
            }
        }
    }
}

#[test]
fn who_does_not_come_back_is_forgotten_however_often_the_tracker_dies() {
    let place = Place::new("forgotten");
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let is_stale = |port: u16, until: u64| {
        format!("{until} 127.0.0.1 password INFOS ip=127.0.0.1 port={port} stale=yes")
    };
    let later = (now() + STALE_FOR).as_secs() - 1;
    let lines = [
        is_stale(1, later),
        is_stale(2, now().as_secs() - 1),
        "live 127.0.0.1 password INFOS ip=127.0.0.1 port=3".to_owned(),
        // Another address, which is proven.
        "live 192.0.2.1 password INFOS ip=192.0.2.2 port=8 checked=yes".to_owned(),
        // Nobody could log in like this here.
        "live 127.0.0.1 key=nobody INFOS ip=127.0.0.1 port=4".to_owned(),
        "live 192.0.2.1 password INFOS ip=192.0.2.2 port=5".to_owned(),
        "live 127.0.0.1 password INFOS ip=0.0.0.0 port=6".to_owned(),
        "live 127.0.0.1 password INFOS ip=ff02::1 port=7".to_owned(),
    ];
    fs::write(&place.file, with_lines(&lines)).unwrap();
    for _ in 0..2 {
        let tracker = place.start();
        let mut list = tracker.list();
        list.sort();
        assert_eq!(
            list,
            [
                "INFOS ip=127.0.0.1 port=1 stale=yes",
                "INFOS ip=127.0.0.1 port=3 stale=yes",
                "INFOS ip=192.0.2.2 port=8 checked=yes stale=yes"
            ]
        );
        let kept = format!("\n{}\n", is_stale(1, later));
        let text = place.wait_for(|text| text.contains(&kept) && text.contains("\nend 3 "));
        assert!(!text.contains("live"), "{text}");
    }

    // On a slow machine one may be forgotten before anybody has seen it: then it gets more time.
    for seconds in [2, 4, 8, 16] {
        let lines = [is_stale(1, now().as_secs() + seconds), is_stale(3, later)];
        fs::write(&place.file, with_lines(&lines)).unwrap();
        let tracker = place.start();
        let mut watcher = Peer::connect(tracker.clients);
        watcher.send("WATCH");
        let mut until_end = || -> Vec<String> {
            let lines = std::iter::repeat_with(|| watcher.line());
            let is_inside = |line: &String| !line.is_empty() && !line.starts_with("END ");
            lines.take_while(is_inside).collect()
        };
        if until_end().len() == 1 {
            continue;
        }
        assert_eq!(until_end(), ["GONE ip=127.0.0.1 port=1"]);
        assert_eq!(tracker.list(), ["INFOS ip=127.0.0.1 port=3 stale=yes"]);
        tracker.wait_for_log("event=stale-forgotten count=1");
        return;
    }
    panic!("it was never seen");
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside() {
    let place = Place::new("bad");
    let good = with_lines(&["live 127.0.0.1 password INFOS ip=127.0.0.1 port=3".to_owned()]);
    let newer = good.replace("state 1", "state 2");
    for (number, (bad, why)) in [
        (&good[..good.len() - 9], "it is torn"),
        ("root:x:0:0\n", "not the file that gltracker keeps"),
        (&newer, "it has format 2, of a newer gltracker"),
        ("", "not the file that gltracker keeps"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&place.file, bad).unwrap();
        let tracker = place.start();
        let warning = tracker.wait_for_log("event=state-not-read");
        assert!(
            warning.contains("level=warn") && warning.contains(why),
            "{warning}"
        );
        assert_eq!(tracker.list(), [""; 0]);
        let aside = match number {
            0 => place.beside(".bad"),
            _ => place.beside(&format!(".bad.{number}")),
        };
        assert_eq!(fs::read_to_string(aside).unwrap(), bad);
        // It goes on with a file of its own.
        let _game_server = tracker.log_in(7, "");
        place.wait_for(|text| text.contains(" port=7\n"));
    }
}

/// `os_limits` asks the system for so many threads, and `src/tracker/start/os_limits.rs` says which.
#[cfg(target_os = "linux")]
#[test]
fn every_thread_that_holds_no_connection_is_counted() {
    use gltracker::tracker::start::os_limits::OTHER_THREADS;
    let place = Place::new("threads");
    // One that is to be forgotten later.
    let line = "live 127.0.0.1 password INFOS ip=127.0.0.1 port=5".to_owned();
    fs::write(&place.file, with_lines(&[line])).unwrap();
    let published = place.beside(".published");
    let tracker = TrackerProcess::start_with(&[
        "--max-slots",
        "16",
        "--state",
        &place.file,
        "--publish",
        published.to_str().unwrap(),
    ]);
    let names = || -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", tracker.id())).unwrap();
        let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm"));
        let mut names: Vec<String> = threads.map(|t| name(t.unwrap()).unwrap()).collect();
        names.retain(|name| !["clients\n", "game-servers\n"].contains(&&**name));
        names.sort();
        names
    };
    // A thread names itself when it first runs.
    let names = wait_until("the threads have their names", || {
        let names = names();
        (names.iter().filter(|name| *name == "gltracker\n").count() == 1).then_some(names)
    });
    let expected = [
        "accept-clients",
        "accept-clients",
        "accept-servers",
        "accept-servers",
        "forget",
        "gltracker",
        "guests",
        "idle-clients",
        "log",
        "publisher",
        "reloader",
        "sender",
        "state-file",
        "watchers",
    ];
    assert_eq!(names.concat(), expected.join("\n") + "\n");
    // Each port has two more that accept where the families are kept apart.
    assert_eq!(names.len() + 4, OTHER_THREADS);
}

#[test]
fn two_trackers_do_not_share_a_file() {
    let place = Place::new("two");
    let mut tracker = place.start();
    let mut second = command();
    second.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    second.args(["--max-slots", "16", "--state", &place.file]);
    let output = outcome(second);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("another process keeps its state in") && said.contains(&place.file),
        "{said}"
    );
    // Killed, it leaves nothing behind that keeps the next one out.
    tracker.kill();
    place.start();

    place.refuses(place.folder.to_str().unwrap(), "is not a regular file");
}

#[test]
fn where_no_file_can_be_nothing_is_started() {
    let place = Place::new("nowhere");
    let folder = place.folder.to_str().unwrap();
    let there = "make it, so that the user who runs the tracker can write to it";
    let missing = format!("/none is not there; {there}");
    place.refuses(&format!("{folder}/none/state"), &missing);
    std::os::unix::fs::symlink("none/state", place.beside("-link")).unwrap();
    place.refuses(&format!("{folder}/list-link"), &missing);
    fs::write(&place.file, "").unwrap();
    let inside = "nothing can be written there: ";
    place.refuses(&format!("{}/state", place.file), inside);
}

#[test]
fn a_link_to_the_file_is_the_same_file_and_stays_a_link() {
    let place = Place::new("link");
    let link = place.beside("-link");
    // It leads nowhere yet.
    std::os::unix::fs::symlink("list", &link).unwrap();
    let link_flags = ["--max-slots", "80", "--state", link.to_str().unwrap()];
    let mut tracker = TrackerProcess::start_with(&link_flags);
    let _game_server = tracker.log_in(7, "");
    place.wait_for(|text| text.contains(" port=7\n"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mut second = command();
    second.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    second.args(["--state", &place.file]);
    let output = outcome(second);
    assert_eq!(
        output.status.code(),
        Some(3),
        "one holds the file by its link"
    );
    tracker.kill();
    let again = TrackerProcess::start_with(&link_flags);
    assert_eq!(again.list(), ["INFOS ip=127.0.0.1 port=7 stale=yes"]);
}

#[test]
fn the_state_file_and_what_is_published_do_not_take_each_others_place() {
    let place = Place::new("clash");
    for name in ["", "/servers.json", "/.index.html.new"] {
        let mut clash = command();
        clash.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
        clash.args(["--publish", place.folder.to_str().unwrap(), "--state"]);
        clash.arg(format!("{}{name}", place.folder.to_str().unwrap()));
        let output = outcome(clash);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("would be used for two purposes"), "{said}");
    }
    assert_eq!(fs::read_dir(&place.folder).unwrap().count(), 0);
}

#[test]
fn a_folder_that_goes_and_comes_back_disturbs_nobody() {
    let place = Place::new("folder");
    let tracker = place.start();
    remove(&place.folder);
    let _one = tracker.log_in(1, "");
    tracker.wait_for_log("event=state-not-written");
    for round in 2..4 {
        fs::create_dir(&place.folder).unwrap();
        let _more = tracker.log_in(round, "");
        assert_eq!(tracker.list().len(), 2);
        place.wait_for(|text| text.contains(&format!(" port={round}\n")));
        remove(&place.folder);
        drop(_more);
        tracker.wait_for_list(|list| list.len() == 1);
    }
    // Each try that fails counts, though not each is mentioned.
    let failures = || tracker.stats()["state-failures"].parse::<u64>().unwrap();
    let before = failures();
    wait_until("several more have failed", || {
        (failures() > before + 2).then_some(())
    });
    let log = tracker.log();
    let words = log.iter().filter(|line| line.contains("event=state-"));
    let words: Vec<&String> = words.collect();
    let last = words.last().unwrap();
    assert!(last.contains("event=state-not-written"), "{words:?}");
    let warnings = words.iter().filter(|line| line.contains("not-written"));
    assert_eq!(warnings.count(), 2, "each outage is said once: {words:?}");
}

#[test]
fn a_file_that_somebody_removes_is_written_again_though_nothing_has_changed() {
    let place = Place::new("removed");
    let tracker = place.start();
    let _one = tracker.log_in(1, "");
    for _ in 0..2 {
        place.wait_for(|text| text.contains(" port=1\n"));
        fs::remove_file(&place.file).unwrap();
    }
    place.wait_for(|text| text.contains(" port=1\n"));
}

/// A disk of 1 MB that is really full, seen from outside through /proc.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_disturbs_nobody_and_the_old_file_stays() {
    use std::io::Write;
    if !crate::tools::need("unshare") {
        return;
    }
    let place = Place::new("full");
    let folder = place.folder.to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=1m none {folder}");
    let mut try_out = Command::new("unshare");
    if !try_out
        .args(["-rm", "sh", "-c", &mount])
        .status()
        .unwrap()
        .success()
    {
        return crate::skips::skip("right to mount a disk of one's own");
    }
    let mut run = Command::new("unshare");
    let script = format!("{mount} && exec \"$@\"");
    run.args([
        "-rm",
        "sh",
        "-c",
        &script,
        "sh",
        command().get_program().to_str().unwrap(),
    ]);
    run.args(["--servers", "127.0.0.1:0", "--clients", "127.0.0.1:0"]);
    run.args([
        "--trust",
        "127.0.0.0/8",
        "--max-slots",
        "80",
        "--state",
        &place.file,
    ]);
    run.env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = TrackerProcess::run(run);
    let inside = format!("/proc/{}/root{folder}", tracker.id());
    let inside = Place {
        file: format!("{inside}/list"),
        folder: inside.into(),
    };
    let _one = tracker.log_in(1, "");
    let before = inside.wait_for(|text| text.contains(" port=1\n"));

    let mut filler = fs::File::create(inside.beside(".filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let _two = tracker.log_in(2, "");
    let warning = tracker.wait_for_log("event=state-not-written");
    assert!(warning.contains("No space left"), "{warning}");
    assert_eq!(tracker.list().len(), 2);
    assert_eq!(fs::read_to_string(&inside.file).unwrap(), before);
    // It tries again and again.
    wait_until("what was begun is gone", || {
        (!inside.beside(".new").exists()).then_some(())
    });

    drop(filler);
    fs::remove_file(inside.beside(".filler")).unwrap();
    inside.wait_for(|text| text.contains(" port=2\n"));
    tracker.wait_for_log("event=state-written-again");
    assert_ne!(tracker.stats()["state-failures"], "0");
}

/// Lives and deaths of trackers with one file each.
const FILES: u64 = 5;
const DEATHS: u64 = 10;

/// What a login must have been acknowledged before a death to survive it, on a machine that does
/// at once what it is told.
const SAFE_AFTER: Duration = Duration::from_secs(1);

/// How often it is measured what else the machine takes.
const PULSE: Duration = Duration::from_millis(10);

#[test]
fn fifty_deaths_at_random_moments_lose_nobody() {
    let trials: Vec<u64> = (0..FILES).collect();
    let kept: usize = std::thread::scope(|scope| {
        let trials = trials
            .iter()
            .map(|&trial| scope.spawn(move || die_often(trial)));
        let trials: Vec<_> = trials.collect();
        trials.into_iter().map(|trial| trial.join().unwrap()).sum()
    });
    // A test in which nobody had to be kept shows nothing.
    assert!(kept > 20, "{kept}");
}

/// Lets trackers die one after the other. Returns how many game servers the lists had to have.
fn die_often(trial: u64) -> usize {
    let place = Place::new(&format!("deaths-{trial}"));
    let mut random = RandomState::new().build_hasher();
    let mut kept = 0;
    // Those that must be there: logged in long enough before a death, and when that was.
    let mut expected: Vec<(u16, Instant)> = Vec::new();
    for death in 0..DEATHS {
        let mut tracker = place.start();
        let listed: Vec<u16> = tracker.list().iter().map(|line| port(line)).collect();
        // Nobody came back, and in time they are forgotten. The file knows whole seconds.
        expected.retain(|(_, died)| died.elapsed() < STALE_FOR - Duration::from_secs(1));
        for (port, _) in &expected {
            assert!(
                listed.contains(port),
                "{port} is lost, death {death}: {listed:?}"
            );
        }
        kept += expected.len();
        random.write_u64(death);
        let life = Duration::from_millis(random.finish() % 2200);
        let acknowledged: Mutex<HashMap<u16, Instant>> = Mutex::default();
        let servers = &tracker;
        let (start, is_dead) = (Instant::now(), AtomicBool::new(false));
        let slowest = Mutex::new(Duration::ZERO);
        let is_safe = |acknowledged: Instant, end: Instant| {
            // The file and its folder are written to the disk, and so is what was begun before.
            let slowness = *slowest.lock().unwrap() * 3;
            end.saturating_duration_since(acknowledged) > SAFE_AFTER + slowness
        };
        let end = std::thread::scope(|scope| {
            let _dead = Over(&is_dead);
            scope.spawn(|| measure(&slowest, &place, &is_dead));
            scope.spawn(|| {
                let mut peers = Vec::new();
                let mut last: u16 = 0;
                while !is_dead.load(Ordering::Relaxed) {
                    if peers.len() < 30 {
                        last = 1000 * (death as u16 + 1) + peers.len() as u16;
                        let Some(mut peer) = Peer::try_connect(servers.servers) else {
                            return;
                        };
                        let Some(number) = number(&mut peer) else {
                            return;
                        };
                        let said = format!("INFOS {number} port={last} description=x");
                        if !peer.ask(&said).starts_with("OK listed") {
                            return;
                        }
                        acknowledged.lock().unwrap().insert(last, Instant::now());
                        peers.push(peer);
                    }
                    // Others change all the time.
                    let at = last as usize % peers.len();
                    for players in 0..20 {
                        if peers[at].ask(&format!("INFOS nbplayers={players}")) != "OK" {
                            return;
                        }
                    }
                }
            });
            // The random moment, whatever the tracker does. Half of them have somebody to keep,
            // however slow the machine is.
            let end = loop {
                let now = Instant::now();
                let first = acknowledged.lock().unwrap().values().min().copied();
                let is_kept = death % 2 == 1 || first.is_some_and(|first| is_safe(first, now));
                if now >= start + life && is_kept {
                    break now;
                }
                assert!(now < start + life + 3 * PATIENCE, "nobody is safe");
                std::thread::sleep(PULSE);
            };
            let killed = Command::new("kill")
                .args(["-9", &servers.id().to_string()])
                .status();
            assert!(killed.unwrap().success());
            end
        });
        tracker.kill();
        let acknowledged = acknowledged.lock().unwrap();
        let survivors = acknowledged.iter().filter(|(_, at)| is_safe(**at, end));
        expected.extend(survivors.map(|(port, _)| (*port, end)));
        assert!(!place.beside(".bad").exists(), "a file was torn");
    }
    kept
}

/// Finds out, until `is_dead`, the longest that the machine takes to wake a thread that writes a
/// small file to the disk as the tracker does. Next to nothing, unless others keep the machine busy.
fn measure(slowest: &Mutex<Duration>, place: &Place, is_dead: &AtomicBool) {
    let file = place.beside(".pulse");
    while !is_dead.load(Ordering::Relaxed) {
        let start = Instant::now();
        std::thread::sleep(PULSE);
        let written = fs::File::create(&file).and_then(|mut file| {
            file.write_all(b"pulse")?;
            file.sync_all()
        });
        written.unwrap();
        let mut slowest = slowest.lock().unwrap();
        *slowest = start.elapsed().max(*slowest);
    }
}

/// The number that a login is answered with; `None` if the tracker is dead.
fn number(peer: &mut Peer) -> Option<String> {
    let answer = peer.ask(&format!("LOGIN {}", PASSWORD));
    answer.strip_prefix("CHALLENGE ").map(str::to_owned)
}
