//! `gltracker list` on real trackers, strange ones, and game servers that answer pings; and the
//! library behind it, where it stays connected.

use crate::harness::{self, Alive, Peer, Running, TrackerProcess, command, own_address};
use crate::patience::{PATIENCE, in_time, uninterrupted, wait_until};
use crate::skips::skip;
use gltracker::client::Change;
use gltracker::client::watch::{Event, Timings, Watch};
use gltracker::client::{Conditions, TrackerAddress};
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nobody listens on this port.
const NOBODY: &str = "127.0.0.1:1";

pub(crate) fn outcome(command: Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = harness::outcome(command);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

pub(crate) fn list(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = command();
    command.arg("list").args(arguments);
    outcome(command)
}

/// A UDP port that answers each PING after `delay`.
fn pong(delay: Duration) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            let Some(word) = text.strip_prefix("PING ") else {
                assert!(text.starts_with("CHALLENGE "), "{text}");
                continue;
            };
            assert!(word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit()));
            let (socket, pong) = (socket.try_clone().unwrap(), format!("PONG {word}"));
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                let _ = socket.send_to(pong.as_bytes(), from);
            });
        }
    });
    port
}

/// The mean of five pings, in milliseconds, as this machine lets anybody measure it now.
fn plain_ping(port: u16) -> f64 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(("127.0.0.1", port)).unwrap();
    let start = Instant::now();
    for _ in 0..5 {
        socket.send(b"PING 0123456789abcdef").unwrap();
        uninterrupted(|| socket.recv(&mut [0; 64])).unwrap();
    }
    start.elapsed().as_secs_f64() * 1000.0 / 5.0
}

/// A tracker that says `answer` to whoever asks, for as long as the test runs.
pub(crate) fn strange_tracker(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.into();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
            let mut request = String::new();
            stream.read_line(&mut request).unwrap();
            stream.read_line(&mut request).unwrap();
            // A client that has had enough hangs up.
            let _ = stream.get_mut().write_all(&answer);
        }
    });
    address
}

/// The address of each row, where nothing speaks against any.
fn addresses(table: &str) -> Vec<&str> {
    let rows = table.lines().skip(1);
    let words = |row| str::split(row, [' ', '\t']);
    rows.map(|row| words(row).rfind(|word| !word.is_empty()).unwrap())
        .collect()
}

#[test]
fn the_nearest_come_first_and_those_that_do_not_answer_last() {
    let tracker = TrackerProcess::start();
    let clients = tracker.clients.to_string();
    let near = pong(Duration::from_millis(30));
    let middle = pong(Duration::from_millis(90));
    let far = pong(Duration::from_millis(410));
    let _all: [Alive; 4] = [
        (1, "nbplayers=9 description=silent"),
        (far, "nbplayers=8 description=far"),
        (2, &format!("pingport={middle} description=middle")),
        (near, "nbplayers=1 maxplayers=4 description=\"near by\""),
    ]
    .map(|(port, fields)| tracker.log_in(port, fields).stay_alive());

    // A busy machine adds what it likes to a ping: of several tries one has to be right.
    let order: [String; 4] = [near, 2, far, 1].map(|port| format!("127.0.0.1:{port}"));
    for (format, first) in [(&[][..], "NAME"), (&["--tsv"], "description\t")] {
        let is_in_order = (0..20).any(|_| {
            let (code, table, errors) = list(&[&[&*clients], format].concat());
            assert_eq!((code, errors.as_str()), (Some(0), ""), "{table}");
            assert!(table.starts_with(first), "{table}");
            addresses(&table) == order
        });
        assert!(is_in_order, "never the nearest first");
    }
    let mut measured = HashSet::new();
    let is_measured = (0..20).any(|_| {
        let plain = [near, middle, far].map(|port| std::thread::spawn(move || plain_ping(port)));
        let (code, tsv, _) = list(&[&clients, "--tsv"]);
        assert_eq!(code, Some(0));
        let plain = plain.map(|thread| thread.join().unwrap());
        let pings: HashMap<&str, Option<f64>> = addresses(&tsv)
            .into_iter()
            .zip(tsv.lines().skip(1))
            .map(|(address, line)| (address, line.split('\t').nth(3).unwrap().parse().ok()))
            .collect();
        assert_eq!(pings[&*order[3]], None, "unknown is not zero: {tsv}");
        for ((address, delay), plain) in order.iter().zip([30.0, 90.0, 410.0]).zip(plain) {
            // One that came too late was not measured.
            let ping = pings[address.as_str()].unwrap_or(f64::MAX);
            assert!(ping >= delay, "{ping} for {delay}");
            if ping < plain.max(delay) * 1.2 {
                measured.insert(address);
            }
        }
        measured.len() == 3
    });
    assert!(is_measured, "never within 20 %: {measured:?}");

    let by_players = list(&[&clients, "--sort", "players", "--limit=2"]).1;
    assert_eq!(addresses(&by_players), [&*order[3], &order[2]]);
    let by_name = list(&[&clients, "--sort=name", "--no-ping", "nbplayers>=1"]).1;
    assert_eq!(addresses(&by_name), [&*order[2], &order[0], &order[3]]);
    assert!(!by_name.contains("PING"), "{by_name}");
    let one = list(&[&clients, "description=near by", "--no-ping"]).1;
    assert_eq!(addresses(&one), [&order[0]]);
}

#[test]
fn a_lost_probe_has_a_sign_and_an_answer_that_is_late_is_no_silence() {
    let tracker = TrackerProcess::start();
    let forgetful = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = forgetful.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut asked = 0;
        while let Ok((length, from)) = forgetful.recv_from(&mut buffer) {
            let is_ping = buffer.starts_with(b"PING ");
            asked += usize::from(is_ping);
            buffer[1] = b'O';
            if is_ping && asked % 5 != 2 {
                let _ = forgetful.send_to(&buffer[..length], from);
            }
        }
    });
    let late = pong(Duration::from_millis(1300));
    let _all: [Alive; 3] = [(port, "lossy"), (1, "silent"), (late, "late")].map(|(port, name)| {
        tracker
            .log_in(port, &format!("description={name}"))
            .stay_alive()
    });
    // A busy machine may lose more than the game server does, and come late with what is not.
    let is_told = (0..20).any(|_| {
        let table = list(&[&tracker.clients.to_string()]).1;
        let rows: Vec<&str> = table.lines().skip(1).collect();
        let starts =
            |row: usize, name, ping| rows[row].starts_with(name) && rows[row].contains(ping);
        starts(0, "lossy ", " ms!  ")
            && starts(1, "late ", "  >1000 ms  ")
            && starts(2, "silent ", "  -  ")
    });
    assert!(is_told, "{:?}", list(&[&tracker.clients.to_string()]));
}

#[test]
fn a_game_server_that_is_listed_by_both_families_is_one_row() {
    let line = |ip, name| format!("INFOS ip={ip} port=4 group=friday description={name}\n");
    let of = |lines: &[String]| {
        let answer = lines.concat() + &format!("END count={} rev=a-1\nOK bye\n", lines.len());
        let tracker = strange_tracker(answer).to_string();
        let (code, json, errors) = list(&[&tracker, "--json"]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{json}");
        let also = json.matches("\"also\":\"").count();
        (json.matches("\"address\":").count(), also)
    };
    let (four, six) = (line("127.0.0.1", "x"), line("::1", "x"));
    assert_eq!(of(&[four.clone(), six.clone()]), (1, 1));
    assert_eq!(
        of(&[four.clone(), line("::1", "y")]),
        (2, 0),
        "it says another name"
    );
    assert_eq!(
        of(&[four, six, line("127.0.0.2", "x")]),
        (3, 0),
        "a stranger hides nobody"
    );
}

#[test]
fn trackers_are_merged_and_a_dead_one_does_not_spoil_the_others() {
    let (one, other) = (TrackerProcess::start(), TrackerProcess::start());
    let (first, second) = (one.clients.to_string(), other.clients.to_string());
    let _both = [one.log_in(5, "speed=fast"), other.log_in(5, "speed=fast")];
    let _second = other.log_in(6, "");
    let refusing = strange_tracker("ERR busy \u{1b}[31mgo\u{7} away\n").to_string();
    let cut_off = strange_tracker("INFOS ip=192.0.2.1 port=9\n").to_string();
    let trackers = [NOBODY, &first, &refusing, &second, &cut_off];

    let (code, json, errors) = list(&[&trackers[..], &["--json", "--no-ping"]].concat());
    assert_eq!(code, Some(0), "{errors}");
    let row = |port: u16, trackers: String, more: &str| {
        format!(
            "{{\"address\":\"127.0.0.1:{port}\",\"ping_ms\":null,\"sent\":0,\"answered\":0,\
             \"available\":null,\"trackers\":[{trackers}],\
             \"infos\":{{\"ip\":\"127.0.0.1\",\"port\":{port}{more}}},\"doubt\":null,\"fresh\":[],\"late\":false,\"also\":null}}"
        )
    };
    let both = row(
        5,
        format!("\"{first}\",\"{second}\""),
        ",\"speed\":\"fast\"",
    );
    let expected = format!("[\n{both},\n{}\n]\n", row(6, format!("\"{second}\""), ""));
    assert_eq!(json, expected);
    let mut errors: Vec<&str> = errors.lines().collect();
    errors.sort_unstable();
    let mut parts = [
        (NOBODY, "no connection: nobody listens there"),
        (&refusing, "it said ERR busy \\u{1b}[31mgo\\u{7} away"),
        (
            &cut_off,
            "the answer was cut off before its END, it is not a list",
        ),
    ]
    .map(|(tracker, text)| format!("gltracker: {tracker}: {text}"));
    parts.sort_unstable();
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (line, part) in errors.iter().zip(&parts) {
        assert!(line.starts_with(part), "{errors:?}");
    }

    // The environment names trackers where no argument does.
    for arguments in [&["list", "--tsv"][..], &["list", &first, "--tsv"]] {
        let mut command = command();
        command.args(arguments).arg("--no-ping");
        let (code, tsv, _) = outcome({
            command.env("GLTRACKER_TRACKER", format!("{first}, {second}"));
            command
        });
        assert_eq!(code, Some(0));
        assert_eq!(
            tsv.lines().count(),
            1 + if arguments.len() == 2 { 2 } else { 1 }
        );
    }
}

#[test]
fn nothing_found_is_exit_code_1_and_nobody_reached_is_3() {
    let tracker = TrackerProcess::start();
    let clients = tracker.clients.to_string();
    let refusing = strange_tracker("ERR banned no\n").to_string();
    for (arguments, code, printed, said) in [
        (
            &[&*clients][..],
            1,
            "",
            "there is no game server on the list",
        ),
        (&[&clients, "notempty"], 1, "", "satisfies these conditions"),
        (&[&clients, "--json"], 1, "[]\n", "there is no game server"),
        (&[&clients, NOBODY], 1, "", "there is no game server"),
        (&[&refusing], 1, "", "it said ERR banned no"),
        (&[&refusing, NOBODY], 1, "", "it said ERR banned no"),
        (&[NOBODY], 3, "", "127.0.0.1:1: no connection: "),
        (&["no-such-host.invalid"], 3, "", "the name was not found"),
        (&[&clients, "maxplayers"], 2, "", "quote a condition"),
        (&["fast"], 2, "", "write speed=fast"),
        (&["nosuchword"], 3, "", "; a condition is written key=value"),
        (&["two words"], 2, "", "'two words' is not an address"),
        (
            &[&clients, "nbplayers>=x"],
            2,
            "",
            "compared with a whole number",
        ),
    ] {
        let (got, output, errors) = list(arguments);
        assert_eq!(got, Some(code), "{arguments:?}: {errors}");
        assert_eq!(output, printed, "{arguments:?}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
    let (code, tsv, _) = list(&[&clients, "--tsv"]);
    assert_eq!(
        (code, tsv.lines().count()),
        (Some(1), 1),
        "the names are there"
    );
}

/// Whatever key it has: the list is not written to a file of that name.
#[test]
#[cfg(target_os = "linux")]
fn a_condition_that_the_shell_took_for_a_file_is_refused() {
    let folder = std::env::temp_dir().join(format!("gltracker-took-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "\"$0\" list 127.0.0.1:1 zone>=8",
        harness::gltracker(),
    ]);
    shell.current_dir(&folder);
    let (code, _, errors) = outcome(shell);
    let written = std::fs::read_to_string(folder.join("=8")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((code, &*written), (Some(2), ""), "{errors}");
    assert!(errors.contains("a file named '=8'; quote it"), "{errors}");
}

#[test]
fn what_a_hostile_tracker_sends_is_plain_text_on_the_terminal() {
    let evil = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}\u{2028}";
    let mut answer = String::new();
    let mut count = 0;
    for (n, key) in ["description", "version", "speed", "size", "x"]
        .into_iter()
        .enumerate()
    {
        answer += &format!("INFOS ip=127.0.0.1 port={} {key}={evil}\n", 10 + n);
        count += 1;
    }
    let marks = "\u{301}".repeat(120);
    answer += &format!("INFOS ip=127.0.0.1 port=9 description=\"a b{marks}\" speed=金曜日\n");
    answer += &format!("INFOS ip=127.0.0.1 port=8 description=\"a{marks}\"\n{evil}\nOK {evil}\n");
    answer += &format!("END count={} rev=a-1 {evil}\n", count + 2);
    let hostile = strange_tracker(answer.clone()).to_string();
    let liar = strange_tracker(answer.replace("END count=7", "END count=20")).to_string();
    let screaming = strange_tracker(format!("ERR {evil} {evil}\n")).to_string();
    let endless = strange_tracker(vec![b'x'; 3 << 20]).to_string();
    let page = strange_tracker(format!("HTTP/1.1 400 {evil}\r\n\r\n")).to_string();
    let marked = strange_tracker(format!("END count=0 rev={evil}\n")).to_string();
    let trackers = [&*hostile, &liar, &screaming, &endless, &page, &marked];
    for format in [&[][..], &["--tsv"], &["--json"]] {
        let (_, output, errors) = list(&[&trackers[..], format].concat());
        for c in output.chars().chain(errors.chars()) {
            let is_of_the_format = c == '\n' || (c == '\t' && format == ["--tsv"]);
            let is_bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let is_separator = matches!(c, '\u{2028}' | '\u{2029}');
            assert!(
                is_of_the_format || !(c.is_control() || is_bidi || is_separator),
                "{c:?} in {output:?} {errors:?}"
            );
        }
        for part in [
            "END counts 20 lines, and 7 came",
            "ERR \\u{1b}[2J",
            "a line has at most 1024 bytes",
            "HTTP/1.1 400 \\u{1b}[2J",
            "rev holds \\u{1b}",
        ] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
        assert_eq!(errors.lines().count(), 5, "{errors}");
        // A game server that could not have logged in with its fields is left out.
        let rows = output.matches("127.0.0.1:8").count() + output.matches("127.0.0.1:9").count();
        assert_eq!(rows, 2, "{output}");
        assert!(!output.contains("127.0.0.1:1"), "{output}");
        let has_tower = output.contains(&"\u{301}".repeat(9));
        assert_eq!(has_tower, !format.is_empty(), "{output}");
    }
}

#[test]
fn a_closed_pipe_is_success() {
    let many: String = (1..=500)
        .map(|port| {
            format!(
                "INFOS ip=192.0.2.1 port={port} description={}\n",
                "x".repeat(200)
            )
        })
        .collect();
    let tracker = strange_tracker(many + "END count=500 rev=a-1\n").to_string();
    let mut outcome = first_line_of_list(&tracker);
    for _ in 0..3 {
        // So much is not read in time on a machine that is very busy.
        if outcome.2.ends_with("it did not answer in time\n") {
            outcome = first_line_of_list(&tracker);
        }
    }
    let (code, line, errors) = outcome;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(line.starts_with("NAME"), "{line}");
}

/// Exit code, first line and standard error of a `gltracker list` of which nobody reads more.
fn first_line_of_list(tracker: &str) -> (Option<i32>, String, String) {
    let mut command = command();
    command.args(["list", tracker, "--no-ping"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command);
    let (stdout, stderr) = (running.0.stdout.take(), running.0.stderr.take());
    // `head -1`: 100 KB do not fit into the pipe that is closed here.
    let (line, errors) = in_time("it ends", move || {
        let (mut line, mut errors) = (String::new(), String::new());
        let mut stdout = BufReader::with_capacity(64, stdout.unwrap());
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        stderr.unwrap().read_to_string(&mut errors).unwrap();
        (line, errors)
    });
    let status = wait_until("it has ended", || running.0.try_wait().unwrap());
    (status.code(), line, errors)
}

#[test]
fn json_is_json_whatever_is_in_it() {
    let tracker = TrackerProcess::start();
    let name = "lone \\\" quote \\\\ 🎮 金曜日";
    let _one = tracker.log_in(7, &format!("nbplayers=3 description=\"{name}\" a=' b={{}}"));
    let clients = tracker.clients.to_string();
    let (code, json, _) = list(&[&clients, "--json", "--no-ping"]);
    assert_eq!(code, Some(0));
    assert!(
        json.contains(&format!("\"description\":\"{name}\"")),
        "{json}"
    );
    let script = "import json, sys
row, = json.load(sys.stdin)
assert row['address'] == '127.0.0.1:7' and row['ping_ms'] is None, row
assert row['infos']['nbplayers'] == 3 and row['infos']['b'] == '{}', row
assert row['infos']['description'] == 'lone \" quote \\\\ 🎮 金曜日', row";
    let mut python = Command::new("python3");
    python.args(["-c", script]).stdin(Stdio::piped());
    let Ok(mut python) = python.spawn() else {
        return skip("python3");
    };
    python
        .stdin
        .take()
        .unwrap()
        .write_all(json.as_bytes())
        .unwrap();
    assert!(python.wait().unwrap().success(), "{json}");
}

#[test]
fn a_tracker_that_says_nothing_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    let tracker = TrackerProcess::start();
    let _one: Peer = tracker.log_in(7, "");
    let (code, table, errors) = list(&[&silent, &tracker.clients.to_string(), "--no-ping"]);
    assert_eq!((code, table.lines().count()), (Some(0), 2), "{table}");
    assert_eq!(
        errors,
        format!("gltracker: {silent}: it did not answer in time\n")
    );
}

/// The next batch of a list that is watched: what has changed, and whether it is live.
fn batch(events: &Receiver<Event>) -> (Vec<Change>, bool) {
    match events.recv_timeout(PATIENCE).unwrap() {
        Event::Batch {
            changes, is_live, ..
        } => (changes, is_live),
        other => panic!("not a batch: {other:?}"),
    }
}

fn watched(tracker: SocketAddr) -> (Watch, Receiver<Event>) {
    let (events, received) = channel();
    let timings = Timings {
        poll: Duration::from_millis(50),
        ..Timings::default()
    };
    let on_event = move |event| drop(events.send(event));
    let tracker = TrackerAddress::new(tracker);
    let watch = Watch::start(tracker, Conditions::default(), timings, on_event).unwrap();
    (watch, received)
}

#[test]
fn a_watched_list_follows_and_survives_the_tracker() {
    let slots = ["--max-slots", "80"];
    let mut tracker = TrackerProcess::start_at(own_address(), own_address(), &slots);
    let mut one = tracker.log_in(5, "");
    let (_watch, events) = watched(tracker.clients);
    let (changes, is_live) = batch(&events);
    assert!(is_live && matches!(&changes[..], [Change::New(address, _)] if address.port() == 5));
    assert_eq!(one.ask("INFOS nbplayers=1"), "OK");
    let (changes, _) = batch(&events);
    assert!(
        matches!(&changes[..], [Change::Updated(_, infos)] if infos.number("nbplayers") == Some(1)),
        "{changes:?}"
    );
    assert_eq!(one.ask("QUIT"), "OK bye");
    assert!(matches!(&batch(&events).0[..], [Change::Gone(_)]));
    let _other = tracker.log_in(6, "");
    assert!(matches!(&batch(&events).0[..], [Change::New(..)]));

    // Another run knows nothing of the revisions of the first.
    tracker.kill();
    let lost = events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(lost, Event::Lost { .. }), "{lost:?}");
    let tracker = TrackerProcess::start_at(own_address(), tracker.clients, &slots);
    let start = Instant::now();
    let changes = loop {
        assert!(start.elapsed() < PATIENCE, "it does not come back");
        match events.recv_timeout(PATIENCE).unwrap() {
            Event::Batch { changes, .. } => break changes,
            Event::Lost { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(&changes[..], [Change::Gone(_)]), "{changes:?}");
    let _third = tracker.log_in(7, "");
    assert!(matches!(&batch(&events).0[..], [Change::New(..)]));
}

#[test]
fn who_is_one_watcher_too_many_asks_every_few_seconds() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
    let stranger = ([127, 0, 0, 1], tracker.clients.port()).into();
    let watchers: Vec<_> = (0..4).map(|_| watched(stranger)).collect();
    assert!(watchers.iter().all(|(_, events)| batch(events).1));
    let (_fifth, events) = watched(stranger);
    assert!(!batch(&events).1);
    let _one = tracker.log_in(5, "");
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "it is never seen");
        let (changes, is_live) = batch(&events);
        assert!(!is_live);
        if matches!(&changes[..], [Change::New(..)]) {
            break;
        }
        assert!(changes.is_empty(), "{changes:?}");
    }
    // Dropping one makes its place free at once, and the fifth will find it.
    tracker.wait_for_stat("watcher", "4/10");
    drop(watchers);
    let start = Instant::now();
    while !batch(&events).1 {
        assert!(start.elapsed() < PATIENCE, "it does not watch");
    }
    tracker.wait_for_stat("watcher", "1/10");
}
