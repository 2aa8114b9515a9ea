//! A tracker whose name has several addresses, of which not all will do.

use crate::harness::{PASSWORD, TrackerProcess, command, outcome};
use crate::hosts::{Host, Network};
use crate::patience::{time_of, wait_until};
use crate::screen::Screen;
use crate::tools::{Program, need};
use std::collections::HashSet;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A tracker at the usual ports of a host of its own.
fn tracker(host: &Host) -> TrackerProcess {
    let mut command = command();
    command.args(["--max-slots", "80"]);
    command.env("GLTRACKER_PASSWORD", PASSWORD);
    TrackerProcess::run(host.run_here(&command))
}

/// Stops it: the system goes on taking connections in its place, and nobody answers.
pub(crate) fn stop(tracker: &TrackerProcess) {
    let pid = tracker.id().to_string();
    let done = Command::new("kill").args(["-STOP", &pid]).status();
    assert!(done.unwrap().success());
}

fn on(host: &Host, words: &[&str]) -> Command {
    let mut command = command();
    command.args(words).env("GLTRACKER_PASSWORD", PASSWORD);
    host.run_here(&command)
}

/// `browse` on a host, where there is a terminal to be had.
fn browse(host: &Host) -> Option<Screen> {
    let browse = need("tmux").then(|| on(host, &["browse", "tracker.example"]))?;
    let words = std::iter::once(browse.get_program()).chain(browse.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    Some(Screen::run(&words.join(" ")))
}

/// Which address is first is left to chance: asks until it was one that does not answer, which takes
/// this long, and at the most so often that chance alone would not do.
fn list_until_it_took(least: Duration, player: &Host) -> Duration {
    let times = (0..100).map(|_| {
        let start = Instant::now();
        let time = time_of(|| assert_eq!(list(player, &["tracker.example"]), Ok(())));
        (start.elapsed() >= least).then_some(time)
    });
    let mut slow = times.flatten();
    slow.next().expect("every address is first once in a while")
}

/// Asks from a host for a list that is empty; what was said otherwise.
fn list(host: &Host, words: &[&str]) -> Result<(), String> {
    let output = outcome(on(host, &[&["list"], words].concat()));
    match output.status.code() {
        Some(1) => Ok(()),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn one_that_takes_connections_and_never_answers_is_passed_over() {
    let names = "10.2.0.6 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let silent_host = network.host(&["10.2.0.6/16"]);
    let silent = tracker(&silent_host);
    stop(&silent);
    let healthy_host = network.host(&["10.2.200.1/16"]);
    let mut healthy = tracker(&healthy_host);
    let player = network.host(&["10.2.0.7/16"]);
    list_until_it_took(Duration::from_secs(2), &player);

    let words = ["announce", "tracker.example", "--port", "23460"];
    let announcer = Program::start(on(&player, &words));
    let listed = "listed on tracker.example as 10.2.0.7:23460";
    announcer.errors.wait_for(listed);
    // It comes back where it was, however often it must.
    healthy.kill();
    announcer
        .errors
        .wait_for("lost tracker.example: it hung up");
    let healthy = tracker(&healthy_host);
    healthy.wait_for_log("event=listed");

    if let Some(screen) = browse(&player) {
        screen.wait_to_see("1 of 1 servers");
    }
}

#[test]
fn half_an_answer_is_none() {
    let names = "10.2.0.6 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names).filter(|_| need("socat")) else {
        return;
    };
    let host = network.host(&["10.2.0.6/16"]);
    // Both ports of one that begins well and goes no further.
    let half = |port: &str, line: &str| {
        let mut socat = Command::new("socat");
        socat.arg(format!("TCP-LISTEN:{port},fork,reuseaddr"));
        socat.arg(format!("SYSTEM:echo {line}; exec sleep 60"));
        Program::start(host.run_here(&socat))
    };
    let _halves = [
        half("23470", "CHALLENGE 00000000000000aa"),
        half("23471", "INFOS ip=192.0.2.1 port=1"),
    ];
    let healthy_host = network.host(&["10.2.200.1/16"]);
    let healthy = tracker(&healthy_host);
    let player = network.host(&["10.2.0.7/16"]);
    assert_eq!(list(&player, &["tracker.example"]), Ok(()));
    let words = ["announce", "tracker.example", "--port", "23460"];
    let _announcer = Program::start(on(&player, &words));
    healthy.wait_for_log("event=listed address=10.2.0.7:23460");
}

#[test]
fn black_holes_cost_a_moment() {
    let names = "10.2.0.6 tracker.example\n10.2.0.5 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let host = network.host(&["10.2.200.1/16"]);
    let running = tracker(&host);
    let player = network.host(&["10.2.0.7/16"]);
    for hole in ["10.2.0.5", "10.2.0.6"] {
        // What is sent there goes to a card that nobody has.
        let mut swallow = Command::new("ip");
        swallow.args(["neighbour", "add", hole, "dev", "eth0"]);
        swallow.args(["lladdr", "02:00:00:00:00:01", "nud", "permanent"]);
        assert!(outcome(player.run_here(&swallow)).status.success());
    }
    let time = list_until_it_took(Duration::from_millis(500), &player);
    // Half a second, and what a busy machine makes of it; it was 3.3 s and more for each of them.
    assert!(time < Duration::from_secs(3), "{time:?}");
    let time = time_of(|| {
        let words = ["announce", "tracker.example", "--port", "23460"];
        let announcer = Program::start(on(&player, &words));
        announcer.errors.wait_for("listed on tracker.example as");
        running.wait_for_log("event=listed");
    });
    assert!(time < Duration::from_secs(3), "{time:?}");
}

#[test]
fn one_that_is_full_is_passed_over() {
    let names = "10.2.0.6 tracker.example\n10.2.200.1 tracker.example\n";
    let Some(network) = Network::new(names).filter(|_| need("socat")) else {
        return;
    };
    let host = network.host(&["10.2.0.6/16"]);
    let full = |port: &str, before: &str| {
        let mut socat = Command::new("socat");
        socat.arg(format!("TCP-LISTEN:{port},fork,reuseaddr"));
        let shell = format!("{before} echo ERR busy all slots are in use; exec sleep 1");
        socat.arg(format!("SYSTEM:{shell}"));
        Program::start(host.run_here(&socat))
    };
    // One that has no slot left tells a game server when it has logged in.
    let logged_in = "echo CHALLENGE 00000000000000aa; read line; echo OK;";
    let _full = [full("23470", logged_in), full("23471", "")];
    let healthy_host = network.host(&["10.2.200.1/16"]);
    let healthy = tracker(&healthy_host);
    let player = network.host(&["10.2.0.7/16"]);
    // Each of them meets the full one first by chance.
    for _ in 0..8 {
        assert_eq!(list(&player, &["tracker.example"]), Ok(()));
    }
    let ports = ["23461", "23462", "23463", "23464", "23465", "23466"];
    let announcers = ports.map(|port| {
        let words = ["announce", "tracker.example", "--port", port];
        Program::start(on(&player, &words))
    });
    for (announcer, port) in announcers.iter().zip(ports) {
        announcer.errors.wait_for("listed on tracker.example as");
        healthy.wait_for_log(&format!("event=listed address=10.2.0.7:{port}"));
    }
    if let Some(screen) = browse(&player) {
        screen.wait_to_see("6 of 6 servers");
    }
}

#[test]
fn those_who_come_are_spread_and_move_on_when_one_dies() {
    const GAME_SERVERS: usize = 60;
    // Nobody has ever listened at the last one.
    let names = [1, 2, 3, 9].map(|n| format!("127.0.0.{n} tracker.example\n"));
    let Some(network) = Network::new(&names.concat()) else {
        return;
    };
    let host = network.host(&[]);
    let mut trackers = [1, 2, 3].map(|n| {
        let mut command = command();
        command.args(["--servers", &format!("127.0.0.{n}:23470")]);
        command.args(["--clients", &format!("127.0.0.{n}:23471")]);
        command.args(["--max-slots", "200", "--trust", "127.0.0.0/8"]);
        command.env("GLTRACKER_PASSWORD", PASSWORD);
        TrackerProcess::run(host.run_here(&command))
    });
    let _announcers: Vec<Program> = (0..GAME_SERVERS)
        .map(|n| {
            let port = (24000 + n).to_string();
            Program::start(on(&host, &["announce", "tracker.example", "--port", &port]))
        })
        .collect();
    let on_one_of = |trackers: &[TrackerProcess]| {
        let total: usize = trackers.iter().map(|it| listed_on(it).len()).sum();
        (total == GAME_SERVERS).then_some(())
    };
    wait_until("all are listed", || on_one_of(&trackers));
    let counts = trackers.each_ref().map(|it| listed_on(it).len());
    // 20 each; chance leaves one with fewer than 5 in 1 of 300,000 runs.
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
    let screen = browse(&host);
    for dead in 0..2 {
        let stayed: HashSet<String> = trackers[dead + 1..].iter().flat_map(listed_on).collect();
        trackers[dead].kill();
        let start = Instant::now();
        wait_until("all are on the others", || on_one_of(&trackers[dead + 1..]));
        assert!(start.elapsed() < Duration::from_secs(10), "it takes one");
        let others: HashSet<String> = trackers[dead + 1..].iter().flat_map(listed_on).collect();
        assert!(stayed.is_subset(&others), "nobody moves without cause");
        let output = outcome(on(&host, &["list", "--no-ping", "tracker.example"]));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
    }
    if let Some(screen) = screen {
        screen.wait_to_see("60 of 60 servers");
    }
    let moved = trackers[2]
        .log()
        .iter()
        .any(|line| line.contains("event=unlisted"));
    assert!(!moved, "nobody leaves one that is well");
}

/// The game servers that a tracker says it has listed, each once.
fn listed_on(tracker: &TrackerProcess) -> HashSet<String> {
    let log = tracker.log();
    let listed = log.iter().filter(|line| line.contains("event=listed"));
    let address = |line: &String| {
        let mut fields = line.split(' ');
        fields.find_map(|field| field.strip_prefix("address=").map(str::to_owned))
    };
    listed.filter_map(address).collect()
}

/// Another address of a tracker, until it is dropped: passes on what one connection says.
struct Relay {
    address: SocketAddr,
    ends: Receiver<TcpStream>,
}

impl Relay {
    fn to(tracker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (say, ends) = channel();
        std::thread::spawn(move || {
            let (one, other) = (
                listener.accept().unwrap().0,
                TcpStream::connect(tracker).unwrap(),
            );
            drop(listener);
            for (mut from, mut to) in [(&one, &other), (&other, &one)].map(both_cloned) {
                say.send(from.try_clone().unwrap()).unwrap();
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        });
        Self { address, ends }
    }
}

fn both_cloned((one, other): (&TcpStream, &TcpStream)) -> (TcpStream, TcpStream) {
    (one.try_clone().unwrap(), other.try_clone().unwrap())
}

impl Drop for Relay {
    fn drop(&mut self) {
        for end in self.ends.iter() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

#[test]
fn who_names_two_trackers_of_one_list_is_told_and_moves_on_when_one_is_lost() {
    let tracker = TrackerProcess::start();
    let mut relays = [(); 2].map(|()| Some(Relay::to(tracker.servers)));
    let names = relays
        .each_ref()
        .map(|relay| relay.as_ref().unwrap().address.to_string());
    let mut announce = command();
    announce.args([
        "announce",
        "--port",
        "23460",
        "--tracker",
        &names[0],
        "--tracker",
        &names[1],
    ]);
    announce.env("GLTRACKER_PASSWORD", PASSWORD);
    let announcer = Program::start(announce);
    let told = announcer.errors.wait_for("has the same list as");
    announcer.errors.wait_for("name one of the two");
    let waits = usize::from(told.contains(&format!("{} has the same", names[1])));
    assert!(
        told.contains(&format!("as {}, which took over", names[1 - waits])),
        "{told}"
    );
    let times = |part: &str| announcer.errors.text().matches(part).count();
    let listed = format!("listed on {} as", names[waits]);
    assert_eq!((times(&listed), times(" refused ")), (1, 0));
    assert_eq!(tracker.list().len(), 1);
    // Where it had waited it does not wait any longer. (The relay is for one connection only.)
    relays[1 - waits] = None;
    announcer
        .errors
        .wait_for(&format!("lost {}: it hung up", names[1 - waits]));
    announcer
        .errors
        .wait_for(&format!("cannot reach {}", names[waits]));
}

#[test]
fn the_family_of_addresses_can_be_chosen() {
    let names = "10.2.0.1 tracker.example\nfd00::1 tracker.example\n10.2.0.1 four.example\n";
    let Some(network) = Network::new(names) else {
        return;
    };
    let host = network.host(&["10.2.0.1/16", "fd00::1/64"]);
    let running = tracker(&host);
    let player = network.host(&["10.2.0.7/16", "fd00::7/64"]);
    let words = ["announce", "tracker.example", "--port", "23460"];
    for (flag, listed) in [
        ("--ipv4", "as 10.2.0.7:23460"),
        ("--ipv6", "as [fd00::7]:23460"),
    ] {
        let mut announcer = Program::start(on(&player, &[&words[..], &[flag]].concat()));
        let told = announcer.errors.wait_for("listed on");
        assert!(told.ends_with(listed), "{told}");
        announcer.kill();
        running.wait_for_log("event=unlisted");
        assert_eq!(list(&player, &["tracker.example", flag]), Ok(()));
    }
    let error = list(&player, &["four.example", "--ipv6"]).unwrap_err();
    assert!(error.contains("it has no IPv6 address"), "{error}");
}
