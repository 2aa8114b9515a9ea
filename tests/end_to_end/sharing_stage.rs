//! Several trackers that share one list, and what each of them shows.

use crate::harness::TrackerProcess;
use crate::patience::PATIENCE;
use std::thread::Builder;
use std::time::{Duration, Instant};

/// The engines that are tried: Debian's, and those that `scripts/install-test-tools.sh` installs.
const ENGINES: [&str; 4] = [
    "redis-server",
    "redis-server-6",
    "valkey-server",
    "valkey-server-8",
];

/// Does the same with each engine, all at once: it is waiting for the most part.
pub(crate) fn with_each_engine(work: impl Fn(&str) + Sync) {
    let test = std::thread::current();
    std::thread::scope(|scope| {
        for program in ENGINES {
            let work = &work;
            let thread = Builder::new().name(test.name().unwrap_or_default().to_owned());
            thread.spawn_scoped(scope, move || work(program)).unwrap();
        }
    });
}

/// A tracker that shares its list through the engine at `engine`.
pub(crate) fn tracker(engine: &str, name: &str, more: &[&str]) -> TrackerProcess {
    let arguments = ["--max-slots", "80", "--share", engine, "--share-name", name];
    TrackerProcess::start_with(&[&arguments, more].concat())
}

/// The ports on the list in their order, each with a `~` if the entry is stale.
pub(crate) fn shown(tracker: &TrackerProcess) -> String {
    let mut ports: Vec<(u16, &str)> = Vec::new();
    for line in tracker.list() {
        let port = line.split(' ').find_map(|word| word.strip_prefix("port="));
        let mark = if line.contains(" stale=yes") { "~" } else { "" };
        ports.push((port.unwrap().parse().unwrap(), mark));
    }
    ports.sort_unstable();
    let words = ports.iter().map(|(port, mark)| format!("{port}{mark}"));
    words.collect::<Vec<_>>().join(" ")
}

/// Waits until a tracker shows these ports.
pub(crate) fn shows(tracker: &TrackerProcess, ports: &str) {
    let start = Instant::now();
    loop {
        let now = shown(tracker);
        if now == ports {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{now:?} is not {ports:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How soon all lists are whole again. Trackers promise 5 s (`benches/sharing` measures it), and who was
/// refused asks again after 5 s; here others keep the machine busy.
pub(crate) const SOON: Duration = Duration::from_secs(12);

/// Does what is to be done in that time.
pub(crate) fn within(limit: Duration, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let took = start.elapsed();
    assert!(took < limit, "it took {took:?}");
}

/// Waits until an entry of a tracker's list has this word.
pub(crate) fn says(tracker: &TrackerProcess, word: &str) {
    tracker.wait_for_list(|list| list.iter().any(|line| line.contains(word)));
}

/// Waits until STATS calls it so.
pub(crate) fn in_state(tracker: &TrackerProcess, state: &str) {
    tracker.wait_for_stat("sharing", state);
}
