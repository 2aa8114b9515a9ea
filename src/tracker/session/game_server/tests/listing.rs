//! On the list.

use super::*;

#[test]
fn a_listed_one_is_forgiven_twenty_mistakes() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let mut session = listed(&tracker, &setting, now);
    for _ in 0..20 {
        let (answer, closing) = say(&mut session, "INFOS port=0", now);
        assert!(
            answer.starts_with("ERR bad-value ") && closing.is_none(),
            "{answer}"
        );
    }
    assert_eq!(tracker.registry.borrow().list().count(), 1);
    let (answer, closing) = say(&mut session, "HELLO", now);
    assert!(answer.contains("ERR too-many"), "{answer}");
    assert!(matches!(closing, Some(Ending::Refused(_))));
}

#[test]
fn who_quits_is_off_the_list_before_it_is_told_so() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let mut session = listed(&tracker, &setting, now);
    assert_eq!(say(&mut session, "QUIT", now).0, "OK bye\n");
    assert_eq!(tracker.registry.borrow().list().count(), 0);
}

#[test]
fn an_update_that_changes_nothing_is_no_change_of_the_list() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let mut session = listed(&tracker, &setting, now);
    let revision = || tracker.registry.borrow().list().revision();
    assert_eq!(say(&mut session, "INFOS nbplayers=3 map=x", now).0, "OK\n");
    let before = revision();
    assert_eq!(
        say(&mut session, "INFOS nbplayers=03 ip=198.51.100.7", now).0,
        "OK\n"
    );
    assert_eq!(say(&mut session, "INFOS", now).0, "OK\n");
    assert_eq!(revision(), before);
    assert_eq!(say(&mut session, "INFOS map=", now).0, "OK\n");
    assert_ne!(revision(), before);
    assert_eq!(
        say(&mut session, "INFOS port=7", now).0,
        "OK listed 198.51.100.7:7\n"
    );
    let (answer, _) = say(&mut session, "INFOS port=", now);
    assert!(
        answer.starts_with("ERR bad-value port=<number> is required"),
        "{answer}"
    );
}

#[test]
fn a_trusted_peer_may_name_another_address_and_send_as_it_likes() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    tracker.trusted.set(true);
    let mut session = listed(&tracker, &setting, now);
    assert_eq!(
        say(&mut session, "INFOS ip=203.0.113.9", now).0,
        "OK listed 203.0.113.9:23460\n"
    );
    for n in 0..1000 {
        assert_eq!(
            say(&mut session, &format!("INFOS nbplayers={n}"), now).0,
            "OK\n"
        );
    }
    let entry = tracker.registry.borrow().entry_of(1).unwrap();
    assert_eq!(
        entry.infos.to_string(),
        "ip=203.0.113.9 port=23460 nbplayers=999"
    );
    wait(&mut session, now);
    assert_eq!(tracker.datagrams.borrow().len(), 1, "to its own address");
}

#[test]
fn a_storm_of_lines_ends_the_session() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    for line in ["INFOS nbplayers=1", "", "PING 1"] {
        let mut session = listed(&tracker, &setting, now);
        let last = (0..).find_map(|n| Some((n, say(&mut session, line, now).1?)));
        let Some((198, Ending::Refused(refusal))) = last else {
            panic!("{line}: {last:?}")
        };
        assert_eq!(refusal.code, ErrorCode::TooMany, "two lines were the login");
    }
}

#[test]
fn silence_is_pinged_once_and_then_dropped() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let s = Duration::from_secs;
    let mut session = listed(&tracker, &setting, start);
    // A port that is never asked: datagrams are tested by themselves.
    assert_eq!(say(&mut session, "INFOS pingport=1", start).0, "OK\n");
    let mut out = Outbox::default();
    assert_eq!(session.next_deadline(), start + s(15));
    session.on_deadline(start + s(15), &mut out);
    assert_eq!(out.take_text(), "PING 1\n");
    assert_eq!(session.next_deadline(), start + s(30));
    say(&mut session, "PONG 1", start + s(16));
    assert_eq!(session.next_deadline(), start + s(31));
    session.on_deadline(start + s(31), &mut out);
    assert_eq!(out.take_text(), "PING 2\n");
    session.on_deadline(start + s(45), &mut out);
    assert_eq!((out.take_text().as_str(), out.ending.as_ref()), ("", None));
    session.on_deadline(start + s(46), &mut out);
    assert!(out.take_text().starts_with("ERR timeout"));
    assert!(out.ending.is_some());
}

#[test]
fn nobody_is_dropped_without_having_been_asked() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let s = Duration::from_secs;
    let mut session = listed(&tracker, &setting, start);
    say(&mut session, "INFOS pingport=1", start);
    // The tracker stood still meanwhile.
    let mut out = Outbox::default();
    session.on_deadline(start + s(40), &mut out);
    assert_eq!(
        (out.take_text().as_str(), out.ending.as_ref()),
        ("PING 1\n", None)
    );
    assert_eq!(session.next_deadline(), start + s(55));
    session.on_deadline(start + s(55), &mut out);
    assert!(out.take_text().starts_with("ERR timeout"));
}
