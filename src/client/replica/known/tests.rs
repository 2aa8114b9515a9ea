use super::*;
use crate::protocol::refusal::ErrorCode;
use quickcheck::quickcheck;

fn address(port: u16) -> SocketAddr {
    ([198, 51, 100, 7], port).into()
}

fn infos(port: u16, more: &str) -> Infos {
    let text = format!("ip=198.51.100.7 port={port} {more}");
    Infos::default().with(&Changes::parse(&text).unwrap())
}

/// The changes of an answer whose last line is END.
fn take(list: &mut KnownList, lines: &[&str]) -> Vec<Change> {
    let (end, others) = lines.split_last().unwrap();
    for line in others {
        assert_eq!(list.take(line).unwrap(), None, "{line}");
    }
    list.take(end).unwrap().expect("an END ends the answer")
}

fn known(list: &KnownList) -> Vec<u16> {
    list.iter().map(|(address, _)| address.port()).collect()
}

const ONE: &str = "INFOS ip=198.51.100.7 port=1";
const TWO: &str = "INFOS ip=198.51.100.7 port=2";

#[test]
fn a_batch_tells_what_has_changed_and_a_whole_list_replaces() {
    let mut list = KnownList::default();
    let changes = take(&mut list, &[ONE, TWO, "END count=2 rev=a-1"]);
    let new = |port| Change::New(address(port), infos(port, ""));
    assert_eq!(changes, [new(1), new(2)]);

    let busy = "INFOS ip=198.51.100.7 port=1 nbplayers=1";
    let lines = [
        busy,
        "GONE ip=198.51.100.7 port=2",
        "GONE ip=198.51.100.7 port=9",
        "END count=3 rev=a-3 since=a-1",
    ];
    let changes = take(&mut list, &lines);
    let updated = Change::Updated(address(1), infos(1, "nbplayers=1"));
    assert_eq!(changes, [updated, Change::Gone(address(2))]);
    assert_eq!((known(&list), list.revision()), (vec![1], Some("a-3")));

    let changes = take(&mut list, &[TWO, "END count=1 rev=b-0"]);
    assert_eq!(changes, [Change::Gone(address(1)), new(2)]);
    assert_eq!(take(&mut list, &[TWO, "END count=1 rev=b-0"]), []);
    assert_eq!(take(&mut list, &["END count=0 rev=b-0 since=b-0"]), []);
    assert_eq!((known(&list), list.revision()), (vec![2], Some("b-0")));
}

#[test]
fn what_is_not_known_is_ignored() {
    let mut list = KnownList::default();
    let lines = [
        "PONG 7",
        "NEWS x=1",
        "INFOS ip=198.51.100.7",
        "INFOS port=7",
        "INFOS ip=localhost port=7",
        "INFOS ip=198.51.100.7 port=7 description=\u{1b}[2J",
        "INFOS ip=::ffff:198.51.100.7 port=1 mood=fine",
        "OK bye",
        "",
        "END count=5 rev=a-1 planet=mars word",
    ];
    assert_eq!(take(&mut list, &lines).len(), 1);
    assert_eq!(list.get(address(1)), Some(&infos(1, "mood=fine")));
}

#[test]
fn an_err_or_a_lost_connection_leaves_what_was_known() {
    let mut list = KnownList::default();
    take(&mut list, &[ONE, "END count=1 rev=a-1"]);
    list.take(TWO).unwrap();
    let Err(Error::Refused(refused)) = list.take("ERR busy come later") else {
        panic!("an ERR is a refusal");
    };
    assert!(refused.is(ErrorCode::Busy) && refused.text() == "come later");
    list.forget_part();
    assert_eq!(take(&mut list, &["END count=0 rev=a-1 since=a-1"]), []);
    assert_eq!((known(&list), list.revision()), (vec![1], Some("a-1")));
}

#[test]
fn an_end_that_does_not_fit_makes_the_list_void() {
    for end in [
        "END count=2 rev=a-2",
        "END count=0 rev=a-2",
        "END count=1 rev=a-2 since=a-0",
        "END count=1 rev=\"",
        "END count=18446744073709551616 rev=a-2",
    ] {
        let mut list = KnownList::default();
        take(&mut list, &["END count=0 rev=a-1"]);
        list.take(ONE).unwrap();
        let error = list.take(end).unwrap_err();
        assert!(matches!(error, Error::Wrong(_)), "{end}: {error}");
        assert_eq!((known(&list), list.revision()), (vec![], None));
    }
    // A tracker that counts lines which this client does not know may be a newer one.
    take(&mut KnownList::default(), &["NEWS", ONE, "END count=2"]);
}

#[test]
fn a_revision_that_could_not_be_sent_back_is_none() {
    for bad in ["", "\"a b\"", "\"a\\\"b\"", &"r".repeat(65)] {
        let mut list = KnownList::default();
        take(&mut list, &[&format!("END count=0 rev={bad}")]);
        assert_eq!(list.revision(), None, "{bad}");
    }
}

#[test]
fn nothing_grows_past_its_bound() {
    let bounds = Bounds {
        entries: 100,
        bytes: 100 * 40,
    };
    let mut list = KnownList {
        bounds,
        ..KnownList::default()
    };
    let entry = |n: usize| format!("INFOS ip=192.0.2.1 port={}", n + 1);
    for n in 0..100 {
        list.take(&entry(n)).unwrap();
    }
    list.take("END rev=a-1").unwrap();
    assert_eq!(list.len(), 100);
    list.take(&entry(100)).unwrap();
    let error = list.take("END rev=a-2 since=a-1").unwrap_err();
    assert!(matches!(error, Error::TooMuch(_)), "{error}");
    assert_eq!((list.len(), list.revision()), (100, Some("a-1")));

    let mut endless = |line: &dyn Fn(usize) -> String, bound: usize, of: &str| {
        let tries = (0..1000).map(|n| list.take(&line(n)).err());
        let (taken, error) = tries.enumerate().find_map(|(n, e)| Some((n, e?))).unwrap();
        assert!(error.to_string().contains(of), "{error}");
        assert_eq!(taken, bound);
        list.forget_part();
    };
    endless(&|_| "NEWS".to_owned(), 200, "lines");
    endless(&|_| "GONE ip=192.0.2.1 port=1".to_owned(), 200, "lines");
    let fat = "x".repeat(177);
    endless(&|n| format!("{} a={fat}", entry(n % 9)), 20, "bytes");
    // What replaces a fat list by another one fits, what is added to it does not.
    let lines: Vec<String> = (0..20)
        .map(|n| format!("{} a={fat}", entry(n % 9)))
        .collect();
    for since in ["", " since=a-2"] {
        lines[..18]
            .iter()
            .for_each(|line| drop(list.take(line).unwrap()));
        list.take(&format!("END rev=a-2{since}")).unwrap();
        assert_eq!(list.len(), 9);
    }
    for n in 9..24 {
        list.take(&format!("{} a={fat}", entry(n))).unwrap();
    }
    let error = list.take("END rev=a-3 since=a-2").unwrap_err();
    assert!(error.to_string().contains("4000 bytes"), "{error}");
}

quickcheck! {
    /// A client that is told changes knows what one knows that asked for everything.
    fn changes_lead_to_the_whole(steps: Vec<Vec<(u8, u8)>>) -> bool {
        let mut told = KnownList::default();
        let mut shown: BTreeMap<SocketAddr, Infos> = BTreeMap::new();
        let mut truth: BTreeMap<u16, u8> = BTreeMap::new();
        told.take("END count=0 rev=a-0").unwrap();
        for (number, step) in steps.iter().enumerate() {
            for (port, players) in step {
                let port = u16::from(port % 8) + 1;
                let line = match players % 3 {
                    0 => {
                        truth.remove(&port);
                        format!("GONE ip=198.51.100.7 port={port}")
                    }
                    _ => {
                        truth.insert(port, *players);
                        format!("INFOS ip=198.51.100.7 port={port} nbplayers={players}")
                    }
                };
                told.take(&line).unwrap();
            }
            let end = format!("END rev=a-{} since=a-{number}", number + 1);
            for change in told.take(&end).unwrap().unwrap() {
                match change {
                    Change::New(address, infos) => {
                        assert!(shown.insert(address, infos).is_none());
                    }
                    Change::Updated(address, infos) => {
                        assert!(shown.insert(address, infos.clone()) != Some(infos));
                    }
                    Change::Gone(address) => assert!(shown.remove(&address).is_some()),
                }
            }
        }
        let bytes: usize = told.iter().map(|(_, infos)| infos.spelled().len()).sum();
        let whole = truth.iter().map(|(port, players)| {
            (address(*port), infos(*port, &format!("nbplayers={players}")))
        });
        told.entries == whole.collect() && told.entries == shown && told.bytes == bytes
    }

    fn no_line_panics(lines: Vec<String>) -> bool {
        let mut list = KnownList::default();
        for line in &lines {
            for verb in ["", "INFOS ", "GONE ", "END ", "ERR "] {
                let _ = list.take(&format!("{verb}{line}"));
            }
        }
        true
    }
}
