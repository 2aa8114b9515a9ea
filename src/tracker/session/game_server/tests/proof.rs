//! Ports that are proven.

use super::*;

#[test]
fn a_number_is_good_once() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let mut session = listed(&tracker, &setting, now);
    let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} nbplayers=9"), now);
    assert!(
        answer.starts_with("ERR bad-challenge") && closing.is_none(),
        "{answer}"
    );
    assert_eq!(
        tracker
            .registry
            .borrow()
            .entry_of(1)
            .unwrap()
            .infos
            .number("nbplayers"),
        None
    );
}

#[test]
fn a_port_is_proven_by_the_number_of_a_datagram() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let s = Duration::from_secs;
    let checked = || {
        let entry = tracker.registry.borrow().entry_of(1).unwrap();
        entry.infos.get("checked").map(|value| value.into_owned())
    };
    let mut session = listed(&tracker, &setting, start);
    assert_eq!(wait(&mut session, start).0, "");
    assert_eq!(*tracker.datagrams.borrow(), [(0x2b, own(23460))]);
    assert_eq!(checked(), None);
    let wrong = say(&mut session, "INFOS 000000000000002a", start).0;
    assert!(
        wrong.starts_with("ERR bad-challenge"),
        "the number of the login: {wrong}"
    );
    let answer = say(
        &mut session,
        "INFOS 000000000000002b nbplayers=1",
        start + s(1),
    )
    .0;
    assert_eq!(
        (answer.as_str(), checked().as_deref()),
        ("OK checked\n", Some("yes"))
    );
    let again = say(&mut session, "INFOS 000000000000002b", start + s(1)).0;
    assert!(
        again.starts_with("ERR bad-challenge"),
        "used twice: {again}"
    );

    // Another port is another proof.
    assert_eq!(
        say(&mut session, "INFOS pingport=5000", start + s(2)).0,
        "OK\n"
    );
    assert_eq!(checked(), None);
    wait(&mut session, start + s(2));
    assert_eq!(tracker.datagrams.borrow().last(), Some(&(0x2c, own(5000))));
    say(&mut session, "INFOS 000000000000002c", start + s(3));
    assert_eq!(checked().as_deref(), Some("yes"));

    // Ten minutes later it is asked again; three datagrams that are not answered undo it.
    for second in (10..=590).step_by(10) {
        say(&mut session, "PONG", start + s(second));
    }
    let before = tracker.datagrams.borrow().len();
    for second in 600..=615 {
        wait(&mut session, start + s(second));
        say(&mut session, "PONG", start + s(second));
    }
    assert_eq!(tracker.datagrams.borrow().len(), before + 3);
    assert_eq!(checked(), None);
    assert_eq!(*tracker.proofs.borrow(), [true, true, false]);
    let late = say(&mut session, "INFOS 000000000000002d", start + s(616)).0;
    assert!(late.starts_with("ERR bad-challenge"), "{late}");
}

#[test]
fn with_require_check_only_the_proven_are_listed() {
    let setting = Setting {
        require_check: true,
        ..Setting::default()
    };
    let (tracker, start) = (alone(), Instant::now());
    let s = Duration::from_secs;
    let count = || tracker.registry.borrow().list().count();
    let first = |port: &str| {
        tracker.numbers.set(0x2a);
        let mut session = GameServerSession::new(&tracker, &setting, start);
        say(&mut session, "LOGIN secret", start);
        let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} {port}"), start);
        (session, answer, closing)
    };
    let (mut session, answer, _) = first("port=23460");
    assert_eq!(answer, "OK checking udp 198.51.100.7:23460\n");
    assert_eq!(say(&mut session, "INFOS nbplayers=1", start).0, "OK\n");
    wait(&mut session, start);
    assert_eq!(
        (count(), &tracker.datagrams.borrow()[..]),
        (0, &[(0x2b, own(23460))][..])
    );
    let answer = say(&mut session, "INFOS 000000000000002b map=x", start + s(1)).0;
    assert_eq!(
        (answer.as_str(), count()),
        ("OK listed 198.51.100.7:23460\n", 1)
    );
    let entry = tracker.registry.borrow().entry_of(1).unwrap();
    assert_eq!(
        entry.infos.to_string(),
        "ip=198.51.100.7 port=23460 nbplayers=1 checked=yes map=x"
    );
    let moved = say(&mut session, "INFOS port=23461", start + s(1)).0;
    assert!(moved.starts_with("ERR bad-value the port that was checked cannot change"));
    tracker.registry.borrow_mut().remove(1);

    let (mut session, _, _) = first("port=23460");
    let (answer, closing) = wait(&mut session, start + s(60));
    assert!(
        answer.starts_with("ERR unreachable udp 198.51.100.7:23460 did not"),
        "{answer}"
    );
    assert!(closing.is_some() && count() == 0);

    let (_, answer, closing) = first("port=1023");
    assert!(
        answer.starts_with("ERR unreachable") && closing.is_some(),
        "{answer}"
    );

    let (mut session, _, _) = first("port=23460");
    for _ in 0..50 {
        let (answer, closing) = say(&mut session, "INFOS 0123456789abcdef", start);
        assert!(
            answer.starts_with("ERR bad-challenge") && closing.is_none(),
            "{answer}"
        );
    }
}

#[test]
fn a_number_proves_the_port_that_was_asked_and_is_spent_by_nothing_less() {
    let setting = Setting {
        require_check: true,
        ..Setting::default()
    };
    let s = Duration::from_secs;
    for moved in ["port=80", "port=5000", "pingport=5353", "pingport="] {
        let (tracker, start) = (alone(), Instant::now());
        let mut session = GameServerSession::new(&tracker, &setting, start);
        say(&mut session, "LOGIN secret", start);
        let first = format!("INFOS {NUMBER} port=23460 pingport=4000");
        assert!(
            say(&mut session, &first, start)
                .0
                .starts_with("OK checking udp")
        );
        wait(&mut session, start);
        let number = "INFOS 000000000000002b";
        // What is refused spends nothing.
        assert!(
            say(&mut session, &format!("{number} nbplayers=-1"), start)
                .0
                .starts_with("ERR bad-value")
        );
        assert!(
            say(&mut session, &format!("{number} port="), start)
                .0
                .starts_with("ERR bad-value")
        );
        tracker.listed_slots.set(0);
        assert!(say(&mut session, number, start).0.starts_with("ERR busy"));
        tracker.listed_slots.set(1);
        // Another port is not proven by it, whatever way it is named.
        let (answer, _) = say(&mut session, &format!("{number} {moved}"), start);
        let is_listed = tracker.registry.borrow().list().count() > 0;
        match moved {
            // The datagrams go to pingport all the same.
            "port=80" | "port=5000" => {
                assert!(answer.starts_with("OK listed"), "{moved}: {answer}")
            }
            _ => assert!(
                answer.starts_with("OK checking udp") && !is_listed,
                "{moved}: {answer}"
            ),
        }
    }

    // Nor is a port of its own, and changing it again and again gives no more time.
    let (tracker, start) = (alone(), Instant::now());
    let mut session = GameServerSession::new(&tracker, &setting, start);
    say(&mut session, "LOGIN secret", start);
    say(&mut session, &format!("INFOS {NUMBER} port=23460"), start);
    wait(&mut session, start);
    let answer = say(&mut session, "INFOS 000000000000002b port=80", start).0;
    assert!(answer.starts_with("ERR unreachable"), "{answer}");
    assert_eq!(tracker.registry.borrow().list().count(), 0);
    let mut ended = None;
    for second in (4..80).step_by(4) {
        let now = start + s(second);
        say(&mut session, &format!("INFOS port={}", 5000 + second), now);
        ended = ended.or(wait(&mut session, now).1.map(|_| second));
    }
    assert_eq!(ended, Some(60));
}

#[test]
fn what_was_proven_before_a_restart_counts_until_it_is_proven_again() {
    let now = Instant::now();
    let restored = |text: &str, credential| {
        let tracker = alone();
        let infos = Infos::default().with(&Changes::parse(text).unwrap());
        let entry = Entry::new((&tracker).peer_ip(), infos, credential).unwrap();
        let until = now + Duration::from_secs(60);
        assert!(tracker.registry.borrow_mut().restore(9, entry, until));
        tracker
    };
    let strict = Setting {
        require_check: true,
        ..Setting::default()
    };
    let mine = Credential::Password(0);
    let tracker = restored("port=23460 checked=yes", mine);
    for setting in [&Setting::default(), &strict] {
        let mut session = listed(&tracker, setting, now);
        let entry = (&tracker).entry().unwrap();
        assert_eq!(
            entry.infos.to_string(),
            "ip=198.51.100.7 port=23460 checked=yes"
        );
        assert_eq!(session.next_deadline(), now, "it is asked at once");
        // It does not answer any more.
        let mut answers = String::new();
        while let Some(at) =
            Some(session.next_deadline()).filter(|at| *at < now + Duration::from_secs(9))
        {
            let mut out = Outbox::default();
            session.on_deadline(at, &mut out);
            answers += &out.take_text();
        }
        let is_checked = (&tracker)
            .entry()
            .is_some_and(|entry| entry.infos.get("checked").is_some());
        match setting.require_check {
            true => assert!(answers.starts_with("ERR unreachable"), "{answers}"),
            false => assert!(!is_checked),
        }
        // The next one finds it as the first did.
        tracker.registry.borrow_mut().remove(1);
        let entry = restored("port=23460 checked=yes", mine);
        tracker.registry.swap(&entry.registry);
    }
    // Another port to answer at, no proof, or not the same game server: to be proven first.
    for (text, credential) in [
        ("port=23460 pingport=23461 checked=yes", mine),
        ("port=23460", mine),
        ("port=23461 checked=yes", mine),
    ] {
        let tracker = restored(text, credential);
        let mut session = GameServerSession::new(&tracker, &strict, now);
        let _ = say(&mut session, "LOGIN secret", now);
        let (answer, _) = say(&mut session, &format!("INFOS {NUMBER} port=23460"), now);
        assert!(answer.starts_with("OK checking"), "{text}: {answer}");
    }
    let tracker = restored("port=23460 checked=yes", Credential::Key(1));
    let mut session = GameServerSession::new(&tracker, &strict, now);
    let _ = say(&mut session, "LOGIN secret", now);
    let (answer, _) = say(&mut session, &format!("INFOS {NUMBER} port=23460"), now);
    let told = "ERR taken 198.51.100.7:23460 is listed with another credential";
    assert!(answer.starts_with(told), "{answer}");
}
