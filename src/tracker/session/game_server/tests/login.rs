//! Logging in.

use super::*;
use quickcheck::quickcheck;

#[test]
fn before_it_is_listed_every_mistake_ends_the_session() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    for (lines, code) in [
        (&["HELLO"][..], ErrorCode::UnknownCommand),
        (&["LOGIN wrong"], ErrorCode::BadPassword),
        (&["INFOS port=1"], ErrorCode::NotLoggedIn),
        (&["PONG 1"], ErrorCode::NotLoggedIn),
        (&["LOGIN secret", "LOGIN secret"], ErrorCode::BadSyntax),
        (&["LOGIN secret", "INFOS port=1"], ErrorCode::BadChallenge),
        (
            &["LOGIN secret", "INFOS 2a port=1"],
            ErrorCode::BadChallenge,
        ),
        (
            &["LOGIN secret", "INFOS 000000000000002b port=1"],
            ErrorCode::BadChallenge,
        ),
        (
            &["LOGIN secret", "INFOS 000000000000002a"],
            ErrorCode::BadValue,
        ),
        (
            &["LOGIN secret", "INFOS 000000000000002a port=0"],
            ErrorCode::BadValue,
        ),
        (
            &[
                "LOGIN secret",
                "INFOS 000000000000002a port=1 ip=192.168.7.2",
            ],
            ErrorCode::BadIp,
        ),
        (
            &["LOGIN secret", "INFOS 000000000000002a port=1 checked=yes"],
            ErrorCode::BadValue,
        ),
        (&["STATS"], ErrorCode::UnknownCommand),
    ] {
        tracker.numbers.set(0x2a);
        let mut session = GameServerSession::new(&tracker, &setting, now);
        let mut last = None;
        for line in lines {
            assert_eq!(last, None);
            last = say(&mut session, line, now).1;
        }
        assert!(
            matches!(&last, Some(Ending::Refused(refusal)) if refusal.code == code),
            "{lines:?}: {last:?}"
        );
        assert_eq!(tracker.registry.borrow().list().count(), 0);
    }
}

#[test]
fn no_room_on_the_list_is_said_and_ends_the_login() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    tracker.listed_slots.set(0);
    let mut session = GameServerSession::new(&tracker, &setting, now);
    say(&mut session, "LOGIN secret", now);
    let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} port=1"), now);
    assert!(
        answer.starts_with("ERR busy") && closing.is_some(),
        "{answer}"
    );
}

#[test]
fn nothing_is_sent_for_a_wrong_password_or_key() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    for (login, mac) in [
        ("wrong", String::new()),
        ("name=alice", format!(" mac={}", "0".repeat(64))),
    ] {
        tracker.numbers.set(0x2a);
        let mut session = GameServerSession::new(&tracker, &setting, now);
        let mut closing = say(&mut session, &format!("LOGIN {login}"), now).1;
        if closing.is_none() {
            let line = format!("INFOS {NUMBER} port=23460 ip=203.0.113.9{mac}");
            closing = say(&mut session, &line, now).1;
        }
        assert!(
            matches!(&closing, Some(Ending::Refused(refusal)) if refusal.code == ErrorCode::BadPassword),
            "{login}: {closing:?}"
        );
    }
    assert!(tracker.datagrams.borrow().is_empty());
}

#[test]
fn a_key_is_shown_by_a_mac_and_never_said() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let first_infos = |name: &str, fields: &dyn Fn(&str) -> String| {
        tracker.numbers.set(0x2a);
        let mut session = GameServerSession::new(&tracker, &setting, now);
        let challenge = say(&mut session, &format!("LOGIN name={name}"), now).0;
        assert_eq!(
            challenge,
            format!("CHALLENGE {NUMBER}\n"),
            "whatever the name"
        );
        let mac = crate::protocol::hmac::mac("between us", 0x2a, name, 23460);
        let answer = say(
            &mut session,
            &format!("INFOS {NUMBER} {}", fields(&mac)),
            now,
        )
        .0;
        (session, answer)
    };
    let (mut session, answer) = first_infos("alice", &|mac| format!("mac={mac} port=23460"));
    assert_eq!(answer, "OK listed 198.51.100.7:23460\n");
    let entry = tracker.registry.borrow().entry_of(1).unwrap();
    assert_eq!(entry.infos.to_string(), "ip=198.51.100.7 port=23460");
    assert_eq!(entry.credential, Credential::Key(1));
    let answer = say(&mut session, "INFOS mac=00", now).0;
    assert!(
        answer.starts_with("ERR bad-value mac belongs to the first INFOS"),
        "{answer}"
    );

    for (name, fields) in [
        (
            "alice",
            &(|_: &str| "port=23460".to_owned()) as &dyn Fn(&str) -> String,
        ),
        ("alice", &|mac| format!("mac={mac} port=23461")),
        ("alice", &|mac| format!("mac={}0 port=23460", &mac[..63])),
        ("bob", &|mac| format!("mac={mac} port=23460")),
    ] {
        let (_, answer) = first_infos(name, fields);
        assert!(answer.starts_with("ERR bad-password"), "{name}: {answer}");
    }
    tracker.numbers.set(0x2a);
    let mut session = GameServerSession::new(&tracker, &setting, now);
    say(&mut session, "LOGIN secret", now);
    let (answer, _) = say(&mut session, &format!("INFOS {NUMBER} port=1 mac=00"), now);
    assert!(answer.starts_with("ERR bad-value mac belongs"), "{answer}");
}

#[test]
fn logging_in_may_take_a_minute_and_in_a_crowd_five_seconds_a_step() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let s = Duration::from_secs;
    for (crowded, after) in [(false, 60), (true, 5)] {
        tracker.crowded.set(crowded);
        let mut session = GameServerSession::new(&tracker, &setting, start);
        say(&mut session, "LOGIN secret", start + s(2));
        let mut out = Outbox::default();
        while out.ending.is_none() {
            let deadline = session.next_deadline();
            assert!(deadline <= start + s(2 + after));
            session.on_deadline(deadline, &mut out);
        }
        assert_eq!(session.next_deadline(), start + s(2 + after));
        assert!(out.take_text().starts_with("ERR timeout"));
    }
}

quickcheck! {
    fn no_lines_panic_or_leave_an_entry_without_a_login(lines: Vec<String>, logs_in: bool) -> bool {
        let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
        let mut session = GameServerSession::new(&tracker, &setting, now);
        let mut lines = lines;
        if logs_in {
            lines.insert(0, "LOGIN secret".to_owned());
        }
        for line in &lines {
            for line in [line.clone(), format!("INFOS {line}"), format!("LOGIN {line}")] {
                let (answer, closing) = say(&mut session, &line, now);
                assert!(answer.lines().all(|line| line.len() < 1024));
                if closing.is_some() {
                    return tracker.registry.borrow().list().count() == 0;
                }
            }
        }
        true
    }
}
