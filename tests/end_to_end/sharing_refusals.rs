//! What is not to be used as an engine: the tracker says why in words, changes nothing there, and goes on alone.

use crate::credentials::TestFile;
use crate::engine::EngineProcess;
use crate::harness::TrackerProcess;
use crate::sharing_stage::{SOON, in_state, shows, tracker, with_each_engine, within};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

const FORMAT: &str = "{gltracker}:format";

/// Waits until a tracker says that it is refused, and why, and lists its own game server.
fn is_refused(tracker: &TrackerProcess, why: &str) {
    in_state(tracker, "refused");
    tracker.wait_for_log("event=not-sharing");
    let said = tracker.ask("STATS\nQUIT\n");
    assert!(said.contains("sharing-why="), "{said}");
    let log = tracker.wait_for_log(why);
    assert!(log.contains("event=not-sharing"), "{log}");
    tracker.log_in(7, "").send("QUIT");
    shows(tracker, "");
}

#[test]
fn a_wrong_password_is_told_and_a_right_one_is_used_at_once() {
    with_each_engine(|program| {
        let guarded = ["--requirepass", "right"];
        let Some(engine) = EngineProcess::start_program(program, &guarded) else {
            return;
        };
        let file = TestFile::new(&format!("share-{program}"), "wrong\n");
        let a = engine.tracker_at_once("a", &["--share-password-file", file.path()]);
        is_refused(&a, "correct --share-password-file");
        let none = engine.tracker_at_once("b", &[]);
        is_refused(&none, "it wants a password");
        std::fs::write(file.path(), "right\n").unwrap();
        within(SOON, || in_state(&a, "sharing"));
        let said = a.log().join("\n");
        assert!(
            !said.contains("right") || said.contains("what would be right"),
            "{said}"
        );
    });
}

#[test]
fn the_rights_that_a_refusal_names_are_enough_and_each_lack_is_told() {
    with_each_engine(|program| {
        let Some(engine) = EngineProcess::start_program(program, &[]) else {
            return;
        };
        let rights = "on >pw ~{gltracker}:* +@read +@write +@transaction +@connection -@dangerous \
                      +select +info +role";
        let grant = |rights: &str| {
            let words: Vec<&str> = ["ACL", "SETUSER", "bob"]
                .into_iter()
                .chain(rights.split(' '))
                .collect();
            assert_eq!(engine.ask(&words), "OK", "{program}");
        };
        grant(rights);
        let file = TestFile::new(&format!("bob-{program}"), "bob\npw\n");
        let a = engine.tracker_at_once("a", &["--share-password-file", file.path()]);
        in_state(&a, "sharing");
        let b = engine.tracker("b", &[]);
        let _seven = a.log_in(7, "");
        shows(&b, "7");
        grant("-set");
        in_state(&a, "refused");
        let line = a.wait_for_log("event=not-sharing");
        assert!(
            line.contains("ACL SETUSER") && line.contains("SET"),
            "{line}"
        );
        grant("+set");
        within(SOON, || in_state(&a, "sharing"));
        shows(&b, "7");
    });
}

#[test]
fn a_full_engine_is_told_and_used_again_when_it_has_room() {
    with_each_engine(|program| {
        let Some(engine) = EngineProcess::start_program(program, &[]) else {
            return;
        };
        let [a, b] = ["a", "b"].map(|name| engine.tracker(name, &[]));
        let (_seven, _eight) = (a.log_in(7, ""), b.log_in(8, ""));
        shows(&a, "7 8");
        shows(&b, "7 8");
        assert_eq!(engine.ask(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
        shows(&a, "7 8~");
        let line = a.wait_for_log("event=not-sharing");
        assert!(line.contains("it is full; raise maxmemory"), "{line}");
        in_state(&a, "refused");
        let _nine = a.log_in(9, "");
        shows(&a, "7 8~ 9");
        engine.ask(&["CONFIG", "SET", "maxmemory", "0"]);
        within(SOON, || {
            shows(&a, "7 8 9");
            shows(&b, "7 8 9");
        });
    });
}

/// Whoever reads the log is not to look for a dead engine when the password is what is missing.
#[test]
fn another_reason_is_said_as_soon_as_it_is_known() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    let a = engine.tracker("a", &[]);
    in_state(&a, "sharing");
    // Whoever is connected already is not asked for it.
    let set = ["CONFIG", "SET", "requirepass", "x"];
    assert_eq!(engine.ask(&set), "OK");
    engine.signal("STOP");
    a.wait_for_log("error=\"127.");
    in_state(&a, "away");
    engine.signal("CONT");
    within(SOON, || {
        a.wait_for_log("it wants a password");
    });
}

#[test]
fn what_others_keep_under_the_names_of_trackers_is_left_as_it_is() {
    let Some(engine) = EngineProcess::start(&[]) else {
        return;
    };
    for (value, why) in [
        (
            "the shop's own format",
            "holds 'the shop's own format', which no tracker has written",
        ),
        ("gltracker-share 2 x", "take the newer gltracker here"),
        ("gltracker-share 1 abc", "was changed by hand"),
    ] {
        engine.ask(&["FLUSHALL"]);
        engine.ask(&["SET", FORMAT, value]);
        let a = engine.tracker_at_once("a", &[]);
        is_refused(&a, why);
        assert_eq!(engine.ask(&["GET", FORMAT]), value);
        assert_eq!(engine.keys("*"), [FORMAT]);
        engine.ask(&["DEL", FORMAT]);
        within(SOON, || in_state(&a, "sharing"));
        // It comes back under trackers that run.
        engine.ask(&["SET", FORMAT, value]);
        in_state(&a, "refused");
        assert_eq!(engine.ask(&["GET", FORMAT]), value);
    }
    for key in [FORMAT, "{gltracker}:trackers"] {
        engine.ask(&["FLUSHALL"]);
        engine.ask(&["RPUSH", key, "x"]);
        let a = engine.tracker_at_once("a", &[]);
        is_refused(&a, "something else uses a key of that name");
        assert_eq!(engine.ask(&["LRANGE", key, "0", "-1"]), "x");
    }
}

/// Somebody who answers everything with the same bytes.
fn who_answers(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(bytes);
            let _ = stream.read(&mut buffer);
        }
    });
    address
}

#[test]
fn what_is_no_engine_is_told_apart() {
    let other = TrackerProcess::start();
    let old = b"+OK\r\n$19\r\nredis_version:5.0.1\r\n*1\r\n$6\r\nmaster\r\n$-1\r\n";
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for (address, why) in [
        (other.clients, "no Redis or Valkey"),
        (other.servers, "no Redis or Valkey"),
        (who_answers(http), "no Redis or Valkey"),
        (
            who_answers(old),
            "it is Redis 5.0.1; sharing needs Redis from 6.0",
        ),
    ] {
        is_refused(&tracker(&address.to_string(), "a", &[]), why);
    }
}
