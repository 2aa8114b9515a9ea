//! What is selected stays so.

use super::*;
use quickcheck::{Arbitrary, Gen, quickcheck};
use std::collections::BTreeMap;

#[test]
fn what_the_player_has_selected_stays_selected() {
    let (now, mut model) = (Instant::now(), five(Instant::now()));
    assert_eq!(selected(&model), 1);
    model.on_event(pinged(address(3), answered(1)), now);
    model.settle();
    assert_eq!(
        selected(&model),
        3,
        "the first, as long as nothing was chosen"
    );
    press(&mut model, "j");
    assert_eq!(selected(&model), 1);
    model.on_event(pinged(address(1), answered(300)), now);
    model.on_event(pinged(address(5), answered(2)), now);
    model.settle();
    assert_eq!((ports(&model), selected(&model)), (vec![3, 5, 1, 2, 4], 1));
    press(&mut model, "o");
    assert_eq!(selected(&model), 1);
    press(&mut model, ">");
    assert_eq!(Some(selected(&model)), ports(&model).last().copied());
    press(&mut model, "jj<k");
    assert_eq!(selected(&model), ports(&model)[0]);
}

#[test]
fn whatever_is_done_to_what_is_selected_chooses_it() {
    let now = Instant::now();
    for keys in ["f", "c", "i\x1b", "\n"] {
        let mut model = five(now);
        press(&mut model, keys);
        model.on_event(pinged(address(3), answered(1)), now);
        model.settle();
        assert_eq!((ports(&model)[0], selected(&model)), (3, 1), "{keys:?}");
    }
}

#[test]
fn what_was_searched_and_found_stays_selected() {
    let mut model = five(Instant::now());
    press(&mut model, "/new\n");
    assert_eq!((ports(&model), selected(&model)), (vec![5], 5));
    press(&mut model, "\x1b");
    assert_eq!((ports(&model), selected(&model)), (vec![1, 3, 5, 2, 4], 5));
    // A search that is given up has changed nothing.
    press(&mut model, "/f");
    assert_eq!((ports(&model), selected(&model)), (vec![3, 2], 3));
    press(&mut model, "a");
    assert_eq!((ports(&model), selected(&model)), (vec![2], 2));
    press(&mut model, "\x08\x08n");
    assert_eq!((ports(&model), selected(&model)), (vec![1, 5, 4], 5));
    press(&mut model, "othing");
    assert!(model.selected().is_none());
    press(&mut model, "\x1b");
    assert_eq!(selected(&model), 5);
    // Unless another one was chosen on the way.
    press(&mut model, "/f");
    model.on_event(Event::Key(Key::Down), Instant::now());
    press(&mut model, "\x1b");
    assert_eq!(selected(&model), 2);
}

#[test]
fn when_the_selected_one_leaves_its_place_goes_to_the_next() {
    let (now, mut model) = (Instant::now(), five(Instant::now()));
    press(&mut model, "ji");
    assert_eq!((selected(&model), model.page), (3, Page::Details));
    let list = [entry(1, ""), entry(2, ""), entry(5, "")];
    model.on_event(Event::List(list.to_vec()), now);
    model.settle();
    assert_eq!((ports(&model), selected(&model)), (vec![1, 5, 2], 5));
    assert_eq!(model.page, Page::List);
    assert_eq!(model.notice.as_ref().unwrap().0, "full has left the list");
    model.on_event(Event::List(Vec::new()), now);
    model.settle();
    assert!(model.selected().is_none());
    assert_eq!(press(&mut model, "jkficO"), None, "no key minds that");
    assert_eq!(press(&mut model, "\n"), None);
}

/// What may happen to a browser.
#[derive(Debug, Clone)]
enum Something {
    Key(char),
    List(Vec<u8>),
    Ping(u8, u16),
    Size(u8, u8),
}

impl Arbitrary for Something {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 8 {
            0 => Self::List(Vec::arbitrary(g)),
            1 | 2 => Self::Ping(u8::arbitrary(g), u16::arbitrary(g)),
            3 => Self::Size(u8::arbitrary(g), u8::arbitrary(g) % 40),
            _ => Self::Key(
                *g.choose(&[
                    'j', 'k', '<', '>', 'n', 'u', 'o', 'O', '/', 'i', '?', '\n', '\x1b', 'f', 'F',
                    '*', '1',
                ])
                .unwrap(),
            ),
        }
    }
}

quickcheck! {
    fn what_is_selected_is_shown_and_in_sight(happened: Vec<Something>) -> bool {
        let (now, mut model) = (Instant::now(), model());
        for something in happened {
            match something {
                Something::Key(key) => drop(press(&mut model, &key.to_string())),
                Something::List(numbers) => {
                    let list = numbers.iter().map(|&n| {
                        entry(1 + u16::from(n), &format!("nbplayers={} maxplayers=3", n % 4))
                    });
                    let list: BTreeMap<_, _> = list.map(|listed| (listed.0, listed)).collect();
                    model.on_event(Event::List(list.into_values().collect()), now);
                }
                Something::Ping(number, time) => {
                    let ping = answered(time.into());
                    model.on_event(pinged(address(1 + u16::from(number)), ping), now);
                }
                Something::Size(columns, lines) => {
                    model.on_event(Event::Size(columns.into(), lines.into()), now);
                }
            }
            model.settle();
            let shown: Vec<SocketAddr> = model.shown().map(|row| row.address).collect();
            let place = model.selected.and_then(|at| shown.iter().position(|shown| *shown == at));
            assert_eq!(place.is_some(), !shown.is_empty());
            if let Some(place) = place {
                assert!((model.top()..model.top() + model.room()).contains(&place));
            }
        }
        true
    }
}
