//! The conversation with a game server, on a pretend clock.

use super::*;
use crate::tracker::list::registry::Registry;
use crate::tracker::session::Ending;
use quickcheck::quickcheck;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// A tracker of one connection.
struct Alone {
    registry: RefCell<Registry>,
    crowded: Cell<bool>,
    listed_slots: Cell<u32>,
    trusted: Cell<bool>,
    numbers: Cell<u64>,
    datagrams: RefCell<Vec<(u64, SocketAddr)>>,
    proofs: RefCell<Vec<bool>>,
}

impl Services for &Alone {
    fn peer_ip(&self) -> IpAddr {
        "::ffff:198.51.100.7".parse().unwrap()
    }
    fn verify(&self, password: &str) -> Option<Credential> {
        (password == "secret").then_some(Credential::Password(0))
    }
    fn is_trusted(&self) -> bool {
        self.trusted.get()
    }
    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let expected = crate::protocol::proof::mac("between us", number, name, port);
        (name == "alice" && mac == expected).then_some(Credential::Key(1))
    }
    fn send_proof(&self, number: u64, target: SocketAddr, _: Instant) -> bool {
        self.datagrams.borrow_mut().push((number, target));
        true
    }
    fn proven(&self, _: SocketAddr, is_reachable: bool) {
        self.proofs.borrow_mut().push(is_reachable);
    }
    fn leave(&self) {
        self.registry.borrow_mut().remove(1);
    }
    fn challenge_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get() - 1
    }
    fn is_crowded(&self) -> bool {
        self.crowded.get()
    }
    fn entry(&self) -> Option<Arc<Entry>> {
        self.registry.borrow().entry_of(1)
    }
    fn stale(&self, entry: &Entry) -> Option<Arc<Entry>> {
        self.registry.borrow().stale_before(entry)
    }
    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let replaced = self.registry.borrow().replaced(1, entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }
    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        if self.listed_slots.get() == 0 {
            return Err(Refusal::new(ErrorCode::Busy, "full"));
        }
        let taken = |_| Refusal::new(ErrorCode::Taken, "taken");
        self.registry
            .borrow_mut()
            .put(1, entry)
            .map(|_| ())
            .map_err(taken)
    }
    fn stats(&self) -> Option<String> {
        None
    }
}

/// The address that the game server is seen at.
fn own(port: u16) -> SocketAddr {
    ([198, 51, 100, 7], port).into()
}

fn alone() -> Alone {
    Alone {
        registry: RefCell::new(Registry::new(1)),
        crowded: Cell::new(false),
        listed_slots: Cell::new(1),
        trusted: Cell::new(false),
        numbers: Cell::new(0x2a),
        datagrams: RefCell::default(),
        proofs: RefCell::default(),
    }
}

fn say(
    session: &mut GameServerSession<'_, &Alone>,
    line: &str,
    now: Instant,
) -> (String, Option<Ending>) {
    let mut out = Outbox::default();
    session.on_line(Ok(line), now, &mut out);
    let text = out.take_text();
    (text, out.ending)
}

const NUMBER: &str = "000000000000002a";

fn listed<'a>(
    tracker: &'a Alone,
    setting: &'a Setting,
    now: Instant,
) -> GameServerSession<'a, &'a Alone> {
    tracker.numbers.set(0x2a);
    let mut session = GameServerSession::new(tracker, setting, now);
    assert_eq!(
        say(&mut session, "LOGIN secret", now).0,
        format!("CHALLENGE {NUMBER}\n")
    );
    let (answer, closing) = say(&mut session, &format!("INFOS {NUMBER} port=23460"), now);
    assert_eq!(
        (answer.as_str(), closing),
        ("OK listed 198.51.100.7:23460\n", None)
    );
    session
}

#[test]
fn before_it_is_listed_every_mistake_ends_the_conversation() {
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

/// Lets time pass until `until`; what was sent on the connection meanwhile.
fn wait(session: &mut GameServerSession<'_, &Alone>, until: Instant) -> (String, Option<Ending>) {
    let mut out = Outbox::default();
    while session.next_deadline() <= until && out.ending().is_none() {
        session.on_deadline(session.next_deadline(), &mut out);
    }
    (out.take_text(), out.ending)
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
        let mac = crate::protocol::proof::mac("between us", 0x2a, name, 23460);
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
fn a_storm_of_lines_ends_the_conversation() {
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
    assert_eq!((out.take_text().as_str(), out.ending()), ("", None));
    session.on_deadline(start + s(46), &mut out);
    assert!(out.take_text().starts_with("ERR timeout"));
    assert!(out.ending().is_some());
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
    assert_eq!((out.take_text().as_str(), out.ending()), ("PING 1\n", None));
    assert_eq!(session.next_deadline(), start + s(55));
    session.on_deadline(start + s(55), &mut out);
    assert!(out.take_text().starts_with("ERR timeout"));
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
        while out.ending().is_none() {
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
