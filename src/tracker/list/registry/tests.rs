use super::*;
use crate::protocol::fields::Filter;
use crate::protocol::fields::{Changes, Infos};
use crate::tracker::access::identity::Credential;
use crate::tracker::list::history::LEAST_KEPT;
use quickcheck::{Arbitrary, Gen, quickcheck};
use std::collections::BTreeMap;

fn entry(port: u16, credential: u32, players: u16) -> Entry {
    let said = format!("port={port} nbplayers={players}");
    let infos = Infos::default().with(&Changes::parse(&said).unwrap());
    Entry::new(
        "192.0.2.1".parse().unwrap(),
        infos,
        Credential::Password(credential),
    )
    .unwrap()
}

fn text(list: &List) -> String {
    let bytes: Vec<u8> = list.encoded().flatten().copied().collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_list_is_encoded_with_the_trackers_words() {
    let mut registry = Registry::new(0xc0ffee);
    assert_eq!(registry.list().revision().to_string(), "c0ffee-0");
    registry.put(1, entry(23460, 0, 3)).unwrap();
    let list = registry.list();
    assert_eq!(text(&list), "INFOS ip=192.0.2.1 port=23460 nbplayers=3\n");
    assert_eq!(list.revision().to_string(), "c0ffee-1");
}

#[test]
fn a_list_that_is_held_does_not_change() {
    let mut registry = Registry::new(1);
    for n in 0..100 {
        registry.put(n, entry(1000 + n as u16, 0, 0)).unwrap();
    }
    let held = registry.list();
    let before = text(&held);
    for n in 0..100 {
        registry.remove(n).unwrap();
    }
    assert_eq!(text(&held), before);
    assert_eq!((held.count(), registry.list().count()), (100, 0));
    assert_eq!(text(&registry.list()), "");
}

#[test]
fn a_ghost_gives_way_to_its_own_game_server_only() {
    let mut registry = Registry::new(1);
    assert_eq!(registry.put(1, entry(5, 7, 0)), Ok(None));
    assert_eq!(registry.put(2, entry(5, 8, 0)), Err(Taken::ByAnother));
    assert_eq!(registry.put(3, entry(5, 7, 9)), Ok(Some(1)));
    assert_eq!(
        registry.remove(1),
        None,
        "the ghost has nothing left to take away"
    );
    assert_eq!(
        registry.entry_of(3).unwrap().infos.number("nbplayers"),
        Some(9)
    );
    assert_eq!(registry.list().count(), 1);
}

#[test]
fn what_is_stale_goes_to_its_own_game_server_or_is_forgotten() {
    let start = Instant::now();
    let until = start + STALE_FOR;
    let mut registry = Registry::new(1);
    let restored = |port, credential| Entry {
        credential,
        ..entry(port, 0, 3)
    };
    for (holder, credential) in [
        (1, Credential::Forgotten),
        (2, Credential::Key(1)),
        (3, Credential::Forgotten),
    ] {
        assert!(registry.restore(holder, restored(holder as u16, credential), until));
    }
    assert!(!registry.restore(4, restored(1, Credential::Forgotten), until));
    let then = registry.list().revision();
    let stale = Filter::parse("stale=yes").unwrap();
    let (count, lines) = registry.list().encode_matching(&stale);
    assert_eq!((count, lines.len()), (3, text(&registry.list()).len()));

    // Not from another address, and not with another credential than a key.
    let elsewhere = Entry {
        peer: "192.0.2.9".parse().unwrap(),
        ..entry(1, 0, 0)
    };
    assert_eq!(registry.put(10, elsewhere), Err(Taken::FromElsewhere));
    assert_eq!(registry.put(10, entry(2, 0, 0)), Err(Taken::ByAnother));
    assert_eq!(
        registry.put(10, restored(2, Credential::Key(2))),
        Err(Taken::ByAnother)
    );
    assert_eq!(registry.put(11, entry(1, 5, 4)), Ok(Some(1)));
    assert_eq!(
        registry.put(12, restored(2, Credential::Key(1))),
        Ok(Some(2))
    );
    assert_eq!(
        registry.put(13, entry(1, 6, 4)),
        Err(Taken::ByAnother),
        "it is live now"
    );
    assert_eq!(
        since(&registry, then, "").unwrap(),
        "INFOS ip=192.0.2.1 port=1 nbplayers=4\nINFOS ip=192.0.2.1 port=2 nbplayers=3\n"
    );

    let then = registry.list().revision();
    let almost = until - Duration::from_millis(1);
    assert_eq!(
        (registry.forget(almost), registry.list().count()),
        (None, 3)
    );
    assert_eq!(registry.next_to_forget(), Some(until));
    assert_eq!(registry.forget(until).unwrap().address.port(), 3);
    assert_eq!(registry.forget(until), None);
    assert_eq!(
        (registry.next_to_forget(), registry.list().count()),
        (None, 2)
    );
    let gone = "GONE ip=192.0.2.1 port=3\n";
    assert_eq!(since(&registry, then, "").unwrap(), gone);
}

#[test]
fn who_is_at_an_address_itself_takes_it_over_from_those_who_have_named_it() {
    let named = |n: u16, peer: &str, key: u32| Entry {
        peer: peer.parse().unwrap(),
        credential: Credential::Key(key),
        ..entry(n, 0, 0)
    };
    let mut registry = Registry::new(1);
    let (itself, other) = ("192.0.2.1", "198.51.100.7");
    assert_eq!(registry.put(1, named(5, other, 1)), Ok(None));
    // Not from a third address, whose it is not, and not with another credential.
    let third = named(5, "198.51.100.8", 1);
    assert_eq!(registry.replaced(2, &third), Err(Taken::FromElsewhere));
    assert_eq!(registry.put(2, third), Err(Taken::FromElsewhere));
    assert_eq!(registry.put(3, named(5, other, 2)), Err(Taken::ByAnother));
    assert_eq!(registry.put(3, named(5, itself, 2)), Ok(Some(1)));
    assert_eq!(registry.put(4, named(5, itself, 1)), Err(Taken::ByAnother));
    registry.remove(3);
    assert_eq!(registry.put(1, named(5, other, 1)), Ok(None));
    assert_eq!(registry.put(4, named(5, itself, 1)), Ok(Some(1)));
    assert_eq!(
        registry.put(5, named(5, other, 1)),
        Err(Taken::FromElsewhere)
    );
    // To ask changes nothing, and one's own place is nobody else's.
    assert_eq!(registry.replaced(6, &named(5, itself, 1)), Ok(Some(4)));
    assert_eq!(registry.replaced(4, &named(5, itself, 1)), Ok(None));
    assert_eq!((registry.entry_of(1), registry.list().count()), (None, 1));
}

fn since(registry: &Registry, revision: Revision, filter: &str) -> Option<String> {
    let filter = Filter::parse(filter).unwrap();
    let recent = registry.since(revision)?;
    let (count, lines) = recent.encode(&filter);
    assert_eq!(lines.lines().count(), count);
    Some(lines)
}

#[test]
fn what_has_changed_is_told_and_nothing_else() {
    let mut registry = Registry::new(1);
    for n in 1..=4 {
        registry.put(n, entry(n as u16, 0, 0)).unwrap();
    }
    let then = registry.list().revision();
    assert_eq!(since(&registry, then, ""), Some(String::new()));
    registry.put(1, entry(1, 0, 5)).unwrap();
    registry.put(1, entry(1, 0, 6)).unwrap();
    registry.remove(2);
    registry.put(3, entry(33, 0, 0)).unwrap();
    registry.put(4, entry(4, 0, 1)).unwrap();
    registry.put(4, entry(4, 0, 0)).unwrap();
    registry.put(5, entry(5, 0, 1)).unwrap();
    registry.remove(5);
    assert_eq!(
        since(&registry, then, "").unwrap(),
        "INFOS ip=192.0.2.1 port=1 nbplayers=6\n\
             GONE ip=192.0.2.1 port=2\n\
             GONE ip=192.0.2.1 port=3\n\
             INFOS ip=192.0.2.1 port=33 nbplayers=0\n"
    );
    assert_eq!(
        since(&registry, then, "nbplayers=0").unwrap(),
        "GONE ip=192.0.2.1 port=1\n\
             GONE ip=192.0.2.1 port=2\n\
             GONE ip=192.0.2.1 port=3\n\
             INFOS ip=192.0.2.1 port=33 nbplayers=0\n"
    );
}

#[test]
fn what_is_too_old_or_of_another_tracker_cannot_be_told() {
    let mut registry = Registry::new(1);
    for n in 0..3 * LEAST_KEPT as u64 {
        registry.put(1, entry(1, 0, n as u16)).unwrap();
    }
    let Revision { epoch, count } = registry.list().revision();
    let tells = |epoch, count| registry.since(Revision { epoch, count }).is_some();
    assert!(tells(epoch, count) && tells(epoch, count - LEAST_KEPT as u64));
    assert!(!tells(epoch, count - 2 * LEAST_KEPT as u64));
    assert!(!tells(epoch, 0) && !tells(epoch, count + 1) && !tells(epoch + 1, count));
}

#[derive(Debug, Clone)]
enum Operation {
    Put {
        holder: u64,
        port: u16,
        credential: u32,
        players: u16,
    },
    Remove {
        holder: u64,
    },
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let holder = u64::arbitrary(g) % 80;
        if u8::arbitrary(g) % 4 == 0 {
            return Self::Remove { holder };
        }
        Self::Put {
            holder,
            port: 1 + u16::arbitrary(g) % 90,
            credential: u32::from(u8::arbitrary(g) % 8 == 0),
            players: u16::arbitrary(g) % 10,
        }
    }
}

quickcheck! {
    fn the_registry_behaves_as_a_plain_map_does(operations: Vec<Operation>) -> bool {
        let mut registry = Registry::new(1);
        // address -> (holder, credential, line)
        let mut model: BTreeMap<u16, (u64, u32, String)> = BTreeMap::new();
        for operation in operations {
            match operation {
                Operation::Put { holder, port, credential, players } => {
                    let entry = entry(port, credential, players);
                    let line = entry.line().concat();
                    let there = model.get(&port).cloned();
                    let expected = match &there {
                        Some((other, theirs, _)) if *other != holder => {
                            if *theirs == credential { Ok(Some(*other)) } else { Err(Taken::ByAnother) }
                        }
                        _ => Ok(None),
                    };
                    if expected.is_ok() {
                        model.retain(|_, (other, ..)| *other != holder);
                        model.insert(port, (holder, credential, line));
                    }
                    assert_eq!(registry.put(holder, entry), expected);
                }
                Operation::Remove { holder } => {
                    let before = model.len();
                    model.retain(|_, (other, ..)| *other != holder);
                    assert_eq!(registry.remove(holder).is_some(), model.len() < before);
                }
            }
            let list = registry.list();
            let mut listed: Vec<String> =
                text(&list).split_inclusive('\n').map(str::to_owned).collect();
            let mut expected: Vec<String> =
                model.values().map(|(_, _, line)| line.clone()).collect();
            listed.sort();
            expected.sort();
            assert_eq!(listed, expected);
            assert_eq!(list.count(), expected.len());
            for (holder, credential, line) in model.values() {
                let entry = registry.entry_of(*holder).unwrap();
                assert_eq!(entry.line().concat(), *line);
                assert_eq!(entry.credential, Credential::Password(*credential));
            }
        }
        true
    }

    fn the_old_list_and_the_answer_are_the_new_list(
        operations: Vec<Operation>, filters: Vec<u8>
    ) -> bool {
        let kinds = ["", "notempty", "nbplayers>=5", "nbplayers!=3 nbplayers<=7"];
        let mut registry = Registry::new(1);
        // What clients have: a filter, a revision, and the lines by address.
        let mut clients: Vec<(Filter, Revision, BTreeMap<String, String>)> = Vec::new();
        let mut filters = filters.into_iter().cycle();
        for operation in operations {
            match operation {
                Operation::Put { holder, port, credential, players } => {
                    let _ = registry.put(holder, entry(port, credential, players));
                }
                Operation::Remove { holder } => drop(registry.remove(holder)),
            }
            let list = registry.list();
            let kind = filters.next().unwrap_or_default();
            let filter = Filter::parse(kinds[usize::from(kind) % kinds.len()]).unwrap();
            // Some ask again every time, some only at the end.
            for (filter, revision, lines) in
                clients.iter_mut().skip(usize::from(kind) % 5).step_by(3)
            {
                catch_up(&registry, filter, revision, lines);
            }
            let lines = by_address(&list.encode_matching(&filter).1);
            clients.push((filter, list.revision(), lines));
        }
        for (filter, revision, lines) in &mut clients {
            catch_up(&registry, filter, revision, lines);
            let now = by_address(&registry.list().encode_matching(filter).1);
            assert_eq!(*lines, now);
        }
        true
    }
}

fn by_address(lines: &[u8]) -> BTreeMap<String, String> {
    let lines = std::str::from_utf8(lines).unwrap().lines();
    lines
        .map(|line| (address_in(line), line.to_owned()))
        .collect()
}

fn address_in(line: &str) -> String {
    let mut words = line.split(' ').skip(1);
    format!("{} {}", words.next().unwrap(), words.next().unwrap())
}

/// What a client does with the answer; and looks whether every line of it was needed.
fn catch_up(
    registry: &Registry,
    filter: &Filter,
    revision: &mut Revision,
    lines: &mut BTreeMap<String, String>,
) {
    let recent = registry.since(*revision).unwrap();
    for line in recent.encode(filter).1.lines() {
        let address = address_in(line);
        if line.starts_with("GONE ") {
            assert!(lines.remove(&address).is_some(), "{line}: was not there");
        } else {
            let before = lines.insert(address, line.to_owned());
            assert_ne!(before.as_deref(), Some(line), "has not changed");
        }
    }
    *revision = registry.list().revision();
}
