//! Addresses that are not the one that a game server is seen at.

use super::*;

/// Logs in with `fields`, among which is an address that is not its own.
fn naming<'a>(
    tracker: &'a Alone,
    setting: &'a Setting,
    fields: &str,
    now: Instant,
) -> (GameServerSession<'a, &'a Alone>, String, Option<Ending>) {
    tracker.numbers.set(0x2a);
    let mut session = GameServerSession::new(tracker, setting, now);
    say(&mut session, "LOGIN secret", now);
    let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} {fields}"), now);
    (session, answer, closing)
}

#[test]
fn another_address_is_listed_when_it_is_proven_and_for_as_long_as_that_holds() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let s = Duration::from_secs;
    let shown = || (&tracker).entry().map(|entry| entry.infos.to_string());
    let fields = "ip=203.0.113.9 port=23460";
    let (mut session, answer, closing) = naming(&tracker, &setting, fields, start);
    assert_eq!(
        (answer.as_str(), closing),
        ("OK checking udp 203.0.113.9:23460\n", None)
    );
    wait(&mut session, start);
    let there: SocketAddr = "203.0.113.9:23460".parse().unwrap();
    assert_eq!(*tracker.datagrams.borrow(), [(0x2b, there)]);
    assert_eq!(say(&mut session, "INFOS nbplayers=1", start).0, "OK\n");
    assert_eq!(shown(), None, "it is not listed before");
    assert_eq!(
        say(&mut session, "INFOS 000000000000002b", start).0,
        "OK listed 203.0.113.9:23460\n"
    );
    let listed = "ip=203.0.113.9 port=23460 nbplayers=1 checked=yes";
    assert_eq!(shown().as_deref(), Some(listed));
    // What was proven cannot change, wherever it would go.
    for (line, part) in [
        (
            "INFOS port=23461",
            "the port that was checked cannot change",
        ),
        (
            "INFOS pingport=4000",
            "the port that was checked cannot change",
        ),
        (
            "INFOS ip=203.0.113.10",
            "the ip that you are listed at cannot change",
        ),
        (
            "INFOS ip=198.51.100.7",
            "the ip that you are listed at cannot change",
        ),
        ("INFOS ip=", "the ip that you are listed at cannot change"),
    ] {
        let (answer, closing) = say(&mut session, line, start);
        assert!(
            answer.contains(part) && closing.is_none(),
            "{line}: {answer}"
        );
    }
    assert_eq!(say(&mut session, "INFOS ip=203.0.113.9", start).0, "OK\n");
    assert_eq!(shown().as_deref(), Some(listed));
    // It is asked again, there, and is off the list if it does not answer.
    for second in (10..=590).step_by(10) {
        say(&mut session, "PONG", start + s(second));
    }
    let mut answers = String::new();
    for second in 600..=615 {
        let (text, closing) = wait(&mut session, start + s(second));
        answers += &text;
        if closing.is_some() {
            break;
        }
        say(&mut session, "PONG", start + s(second));
    }
    let told = "ERR unreachable udp 203.0.113.9:23460 did not send back the CHALLENGE";
    assert!(answers.contains(told), "{answers}");
    let datagrams = tracker.datagrams.borrow();
    assert!(datagrams.iter().all(|(_, target)| *target == there));
    assert_eq!(datagrams.len(), 4);
}

#[test]
fn another_address_can_be_named_in_both_families_and_until_it_is_proven() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    let fields = "ip=2001:db8::9 port=80 pingport=4000";
    let (mut session, answer, _) = naming(&tracker, &setting, fields, now);
    assert_eq!(answer, "OK checking udp [2001:db8::9]:4000\n");
    wait(&mut session, now);
    // The number of one address proves no other.
    let moved = "INFOS 000000000000002b ip=203.0.113.9";
    assert_eq!(
        say(&mut session, moved, now).0,
        "OK checking udp 203.0.113.9:4000\n"
    );
    assert!((&tracker).entry().is_none());
    // Its own needs no proof.
    let own = say(&mut session, "INFOS ip=198.51.100.7", now).0;
    assert_eq!(own, "OK listed 198.51.100.7:80\n");
    let moved = say(&mut session, "INFOS ip=203.0.113.9", now).0;
    assert!(
        moved.starts_with("ERR bad-value the ip that you are listed at cannot change"),
        "{moved}"
    );
}

#[test]
fn who_names_one_address_after_the_other_has_no_more_datagrams_sent() {
    let (tracker, setting, start) = (alone(), Setting::default(), Instant::now());
    let fields = "ip=203.0.113.9 port=5000";
    let (mut session, _, _) = naming(&tracker, &setting, fields, start);
    for n in 1..=40 {
        let now = start + Duration::from_millis(100) * n;
        wait(&mut session, now);
        let answer = say(&mut session, &format!("INFOS port={}", 5000 + n), now).0;
        assert!(
            answer.starts_with("OK checking udp 203.0.113.9:"),
            "{answer}"
        );
    }
    let datagrams = tracker.datagrams.borrow();
    assert_eq!(datagrams.len(), 5, "one a second: {datagrams:?}");
}

#[test]
fn an_address_that_cannot_be_true_is_refused_and_nothing_is_sent_there() {
    let (tracker, setting, now) = (alone(), Setting::default(), Instant::now());
    for (fields, told) in [
        (
            "ip=0.0.0.0",
            "ERR bad-ip nobody can be at 0.0.0.0; leave ip out to be",
        ),
        ("ip=::", "ERR bad-ip nobody can be at ::;"),
        (
            "ip=255.255.255.255",
            "ERR bad-ip nobody can be at 255.255.255.255;",
        ),
        ("ip=ff02::1", "ERR bad-ip nobody can be at ff02::1;"),
        (
            "ip=192.168.7.2",
            "ERR bad-ip only players in the same network reach 192.168.7.2; leave ip out to be \
             listed at 198.51.100.7, or name the address that players reach",
        ),
        (
            "ip=127.0.0.1",
            "ERR bad-ip only players on the same machine reach 127.0.0.1;",
        ),
        (
            "ip=fe80::1",
            "ERR bad-ip only players in the same network reach fe80::1;",
        ),
        (
            "ip=203.0.113.9 pingport=53",
            "ERR unreachable the tracker sees you at another",
        ),
    ] {
        let fields = format!("{fields} port=23460");
        let (_, answer, closing) = naming(&tracker, &setting, &fields, now);
        assert!(answer.starts_with(told), "{fields}: {answer}");
        assert!(closing.is_some(), "{fields}");
    }
    assert!(tracker.datagrams.borrow().is_empty());
    // None at all is its own.
    let (_, answer, _) = naming(&tracker, &setting, "ip= port=23460", now);
    assert_eq!(answer, "OK listed 198.51.100.7:23460\n");
    tracker.registry.borrow_mut().remove(1);
    // Not even to whoever is trusted.
    tracker.trusted.set(true);
    let (_, answer, _) = naming(&tracker, &setting, "ip=224.0.0.1 port=23460", now);
    assert!(
        answer.starts_with("ERR bad-ip nobody can be at"),
        "{answer}"
    );
    let (_, answer, _) = naming(&tracker, &setting, "ip=192.168.7.2 port=23460", now);
    assert_eq!(answer, "OK listed 192.168.7.2:23460\n");
}
