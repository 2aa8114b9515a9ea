use super::*;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

const PATIENCE: Duration = Duration::from_secs(20);

/// A tracker whose lines a test says itself.
struct Tracker(TcpListener);

impl Tracker {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn watched(&self, timings: Timings) -> (Watch, Receiver<Event>) {
        let (events, received) = channel();
        let address = TrackerAddress::new(self.0.local_addr().unwrap());
        let conditions: Conditions = "notempty".parse().unwrap();
        let on_event = move |event| drop(events.send(event));
        let watch = Watch::start(address, conditions, timings, on_event).unwrap();
        (watch, received)
    }

    /// The next connection, whose first line is `request`.
    fn asked(&self, request: &str) -> BufReader<TcpStream> {
        self.0.set_nonblocking(true).unwrap();
        let start = Instant::now();
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), request);
        stream
    }
}

fn say(stream: &mut BufReader<TcpStream>, lines: &str) {
    stream.get_mut().write_all(lines.as_bytes()).unwrap();
}

fn quick() -> Timings {
    Timings {
        poll: Duration::from_millis(20),
        polls: 2,
        ..Timings::default()
    }
}

fn batch(events: &Receiver<Event>) -> (usize, bool) {
    match events.recv_timeout(PATIENCE).unwrap() {
        Event::Batch {
            changes, is_live, ..
        } => (changes.len(), is_live),
        other => panic!("not a batch: {other:?}"),
    }
}

#[test]
fn what_is_known_is_kept_over_a_loss() {
    let tracker = Tracker::new();
    let (_watch, events) = tracker.watched(quick());
    let mut stream = tracker.asked("WATCH notempty");
    say(
        &mut stream,
        "INFOS ip=192.0.2.1 port=1\nEND count=1 rev=a-1\n",
    );
    assert_eq!(batch(&events), (1, true));
    say(
        &mut stream,
        "END count=0 rev=a-1 since=a-1\nINFOS ip=192.0.2.1 port=2\n",
    );
    assert_eq!(batch(&events), (0, true));
    drop(stream);
    let lost = events.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(lost, Event::Lost { why: Error::CutOff, retry_in } if retry_in <= Duration::from_secs(1)),
        "{lost:?}"
    );
    let mut stream = tracker.asked("WATCH since=a-1 notempty");
    say(
        &mut stream,
        "INFOS ip=192.0.2.1 port=3\nEND count=1 rev=a-2 since=a-1\n",
    );
    assert_eq!(batch(&events), (1, true));
}

#[test]
fn where_there_is_no_place_for_watchers_it_asks_and_later_watches() {
    let tracker = Tracker::new();
    let (_watch, events) = tracker.watched(quick());
    for code in ["busy", "too-many", "unknown-command"] {
        let mut stream = tracker.asked("WATCH notempty");
        say(&mut stream, &format!("ERR {code} sorry\n"));
        for _ in 0..2 {
            let mut stream = tracker.asked("LIST notempty");
            // Without a word to send back, it is the whole list each time.
            say(
                &mut stream,
                "INFOS ip=192.0.2.1 port=1\nEND count=1 rev=\nOK bye\n",
            );
            assert!(!batch(&events).1);
        }
    }
    let mut stream = tracker.asked("WATCH notempty");
    say(
        &mut stream,
        "INFOS ip=192.0.2.1 port=1\nEND count=1 rev=a-1\n",
    );
    assert_eq!(batch(&events), (0, true));
    // A watcher whose place is given away asks for what it lacks.
    say(&mut stream, "ERR busy your slot was given to a newcomer\n");
    let mut stream = tracker.asked("LIST since=a-1 notempty");
    say(&mut stream, "END count=0 rev=a-1 since=a-1\n");
    assert_eq!(batch(&events), (0, false));
}

#[test]
fn a_refusal_is_told_and_ends_it_only_where_asking_again_is_of_no_use() {
    let tracker = Tracker::new();
    let (watch, events) = tracker.watched(quick());
    say(&mut tracker.asked("WATCH notempty"), "ERR banned go away\n");
    let event = events.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(&event, Event::Refused { refused, retry_in: Some(_) } if refused.text() == "go away"),
        "{event:?}"
    );
    say(&mut tracker.asked("WATCH notempty"), "ERR bad-value no\n");
    let event = events.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(event, Event::Refused { retry_in: None, .. }),
        "{event:?}"
    );
    // Unless somebody wants it, but that is not done without end.
    let start = Instant::now();
    for turn in 0..3 {
        watch.retry();
        watch.retry();
        say(&mut tracker.asked("WATCH notempty"), "ERR bad-value no\n");
        let event = events.recv_timeout(PATIENCE).unwrap();
        assert!(
            matches!(event, Event::Refused { retry_in: None, .. }),
            "{event:?}"
        );
        // The first of them may come at once.
        assert!(start.elapsed() >= TRY_INTERVAL * turn);
    }
    watch.retry();
    let mut stream = tracker.asked("WATCH notempty");
    say(&mut stream, "END count=0 rev=a-1\n");
    assert_eq!(batch(&events), (0, true));
    drop(watch);
    let over = events.recv_timeout(PATIENCE).unwrap_err();
    assert_eq!(over, RecvTimeoutError::Disconnected, "the thread has ended");
}

#[test]
fn a_wait_is_cut_short_by_whoever_wants_it_now() {
    let tracker = Tracker::new();
    // Longer than any of what follows is waited for.
    let timings = Timings {
        poll: PATIENCE * 2,
        ..quick()
    };
    let (watch, events) = tracker.watched(timings);
    say(&mut tracker.asked("WATCH notempty"), "ERR busy later\n");
    for _ in 0..2 {
        say(&mut tracker.asked("LIST notempty"), "END count=0 rev=\n");
        batch(&events);
        watch.retry();
    }
    tracker.asked("WATCH notempty");
}

#[test]
fn a_dead_connection_is_noticed() {
    let tracker = Tracker::new();
    let timings = Timings {
        silence: Duration::from_millis(100),
        ..quick()
    };
    let (_watch, events) = tracker.watched(timings);
    let mut stream = tracker.asked("WATCH notempty");
    say(&mut stream, "END count=0 rev=a-1\n");
    assert_eq!(batch(&events), (0, true));
    let lost = events.recv_timeout(PATIENCE).unwrap();
    assert!(
        matches!(
            lost,
            Event::Lost {
                why: Error::Late,
                ..
            }
        ),
        "{lost:?}"
    );
}

#[test]
fn it_stops_at_once_whatever_it_waits_for() {
    let tracker = Tracker::new();
    for turn in 0..4 {
        let timings = Timings {
            poll: PATIENCE * 2,
            ..quick()
        };
        let (watch, events) = tracker.watched(timings);
        let mut stream = tracker.asked("WATCH notempty");
        match turn {
            // In the middle of a batch:
            0 => say(&mut stream, "INFOS ip=192.0.2.1 port=1\n"),
            // between two polls:
            1 => {
                say(&mut stream, "ERR busy later\n");
                say(&mut tracker.asked("LIST notempty"), "END count=0 rev=a-1\n");
                batch(&events);
            }
            // for ever:
            2 => {
                say(&mut stream, "ERR bad-syntax no\n");
                events.recv_timeout(PATIENCE).unwrap();
            }
            // before the next try:
            _ => {
                drop(stream);
                events.recv_timeout(PATIENCE).unwrap();
            }
        }
        drop(watch);
        let over = events.recv_timeout(PATIENCE / 2).unwrap_err();
        assert_eq!(over, RecvTimeoutError::Disconnected);
    }
}

#[test]
fn a_tracker_that_never_stops_is_heard_at_a_steady_pace() {
    const BATCHES: u32 = 20;
    let tracker = Tracker::new();
    let (_watch, events) = tracker.watched(quick());
    let mut stream = tracker.asked("WATCH notempty");
    say(&mut stream, &"END count=0 rev=a-1\n".repeat(1000));
    let start = Instant::now();
    for _ in 0..=BATCHES {
        assert_eq!(batch(&events), (0, true));
    }
    let time = start.elapsed();
    assert!(time >= BATCH_INTERVAL * (BATCHES - 1), "{time:?}");
}
