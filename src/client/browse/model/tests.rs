use super::*;
use crate::client::browse::favourites::Favourites;
use crate::client::browse::keyboard::Key;
use crate::client::columns::Sort;
use crate::client::ping::{self, Target};
use crate::client::replica::Doubt;
use crate::protocol::fields::{Changes, Infos};
use crate::query::Status;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

mod doubts;
mod liked;
mod order;
mod selection;

pub(crate) fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], number))
}

pub(crate) fn entry(number: u16, said: &str) -> Listed {
    let said = format!("port={number} {said}");
    let changes = Changes::parse(&said).unwrap();
    let infos = Infos::default().with(&changes);
    let doubt = Doubt::of(address(number).ip(), &infos, None);
    (address(number), infos, doubt)
}

pub(crate) fn model() -> Model {
    Model::new("tracker.example".to_owned(), None, Favourites::default())
}

/// The tracker is lost and tried again.
pub(crate) fn lost(why: &str) -> Event {
    Event::Lost {
        why: why.to_owned(),
        is_retried: true,
        was_heard: true,
    }
}

/// Five game servers: near and empty, far, full, silent, not measured.
pub(crate) fn five(now: Instant) -> Model {
    five_for(None, now)
}

/// The same, for a player who has this version.
pub(crate) fn five_for(version: Option<&str>, now: Instant) -> Model {
    let mut model = model();
    model.game_version = version.map(str::to_owned);
    let list = [
        entry(
            1,
            "description=\"near and empty\" nbplayers=0 maxplayers=8 version=0.70",
        ),
        entry(2, "description=far nbplayers=3 maxplayers=8 version=0.70"),
        entry(3, "description=full nbplayers=8 maxplayers=8 version=0.69"),
        entry(4, "description=silent nbplayers=2 version=0.70"),
        entry(5, "description=new nbplayers=1 version=0.70"),
    ];
    model.on_event(Event::List(list.to_vec()), now);
    for (number, ping) in [
        (1, answered(12)),
        (2, answered(450)),
        (3, answered(30)),
        (4, Ping::Silent),
    ] {
        model.on_event(pinged(address(number), ping), now);
    }
    model.settle();
    model
}

pub(crate) fn answered(milliseconds: u64) -> Ping {
    Ping::Answered {
        mean: Duration::from_millis(milliseconds),
        lost: 0,
    }
}

/// This was measured with `PING` at an address.
pub(crate) fn pinged(address: SocketAddr, ping: Ping) -> Event {
    let none = ping::Ping::none(address.into());
    Event::Ping(match ping {
        Ping::Answered { mean, lost } => ping::Ping {
            mean: Some(mean),
            sent: 5,
            answered: 5 - lost,
            ..none
        },
        Ping::Late => ping::Ping {
            is_late: true,
            ..none
        },
        _ => none,
    })
}

fn targets<const N: usize>(addresses: [SocketAddr; N]) -> Vec<Target> {
    addresses.map(Target::from).to_vec()
}

pub(crate) fn press(model: &mut Model, keys: &str) -> Option<Action> {
    let now = Instant::now();
    let mut action = None;
    for key in keys.chars() {
        let key = match key {
            '\n' => Key::Enter,
            '\x1b' => Key::Escape,
            '\x08' => Key::Backspace,
            '<' => Key::Home,
            '>' => Key::End,
            key => Key::Char(key),
        };
        action = model.on_event(Event::Key(key), now);
        model.settle();
    }
    action
}

fn ports(model: &Model) -> Vec<u16> {
    model.shown().map(|row| row.address.port()).collect()
}

fn selected(model: &Model) -> u16 {
    model.selected().unwrap().address.port()
}

#[test]
fn a_name_that_shows_nothing_is_the_address() {
    let mut model = model();
    let list = [
        "",
        "description=\u{200b}",
        "description=\"\u{a0} \u{2800}\"",
        "description=x",
    ];
    let list = (1..).zip(list).map(|(port, said)| entry(port, said));
    model.on_event(Event::List(list.collect()), Instant::now());
    let names: Vec<String> = model.rows.values().map(Row::name).collect();
    assert_eq!(names, ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "x"]);
}

#[test]
fn an_update_keeps_the_ping_and_what_is_new_is_measured() {
    let (now, mut model) = (Instant::now(), five(Instant::now()));
    let list = [
        entry(1, "nbplayers=5"),
        entry(2, "pingport=99"),
        entry(9, ""),
    ];
    let action = model.on_event(Event::List(list.to_vec()), now);
    assert_eq!(
        action,
        Some(Action::Ping(targets([address(99), address(9)])))
    );
    model.settle();
    let pings: Vec<Ping> = model.shown().map(|row| row.ping).collect();
    assert_eq!(pings, [answered(12), Ping::Waiting, Ping::Waiting]);
    let again = press(&mut model, "r");
    assert_eq!(
        again,
        Some(Action::Refresh(targets([1, 99, 9].map(address))))
    );
    assert!(model.shown().all(|row| row.ping == Ping::Waiting));
}

#[test]
fn a_lost_tracker_is_asked_again_when_the_player_wants_that() {
    let now = Instant::now();
    let mut model = five(now);
    press(&mut model, "r");
    assert_eq!(model.connection, Connection::Live);
    model.on_event(lost("it is away"), now);
    assert!(matches!(press(&mut model, "r"), Some(Action::Refresh(_))));
    assert_eq!(model.connection, Connection::Connecting);
}

#[test]
fn a_ping_counts_for_whoever_is_to_be_pinged_there_now() {
    let (now, mut model) = (Instant::now(), model());
    let pings = |model: &Model| model.rows.values().map(|row| row.ping).collect::<Vec<_>>();
    let list = |second: &str| Event::List(vec![entry(1, ""), entry(2, second)]);
    let action = model.on_event(list("pingport=1"), now);
    assert_eq!(
        action,
        Some(Action::Ping(targets([address(1), address(1)]))),
        "the pinger does that once"
    );
    let action = model.on_event(list("pingport=9"), now);
    assert_eq!(action, Some(Action::Ping(targets([address(9)]))));
    model.on_event(pinged(address(9), answered(5)), now);
    model.on_event(pinged(address(1), Ping::Silent), now);
    assert_eq!(pings(&model), [Ping::Silent, answered(5)]);
    assert_eq!(model.on_event(list("pingport=9 speed=fast"), now), None);
    model.on_event(list("pingport=1"), now);
    model.on_event(pinged(address(1), answered(7)), now);
    assert_eq!(pings(&model), [answered(7); 2]);
}

#[test]
fn what_a_game_server_has_answered_counts_until_a_tracker_says_something_else() {
    let (now, mut model) = (Instant::now(), model());
    let list = |said: &str| Event::List(vec![entry(1, said)]);
    let players = |model: &Model| model.rows[&address(1)].players();
    model.on_event(list("nbplayers=1 query=quake3"), now);
    let target = model.rows[&address(1)].target.unwrap();
    let answer = |players| {
        let status = Status {
            players: Some(players),
            map: Some("q3dm6".to_owned()),
            ..Status::default()
        };
        Event::Ping(ping::Ping {
            status: Some(Box::new(status)),
            ..ping::Ping::none(target)
        })
    };
    model.on_event(answer(5), now);
    model.on_event(answer(6), now);
    model.settle();
    assert_eq!(players(&model), 6);
    assert!(model.fields.is_empty(), "the map is the admin's to say");
    model.on_event(list("nbplayers=1 query=quake3"), now);
    assert_eq!(players(&model), 6, "another one has changed");
    model.on_event(list("nbplayers=2 query=quake3"), now);
    assert_eq!(players(&model), 2);
    model.on_event(answer(3), now);
    model.on_event(list("nbplayers=1 map=mine query=quake3"), now);
    assert_eq!(players(&model), 1);
    assert_eq!(
        model.rows[&address(1)].infos.get("map").as_deref(),
        Some("mine")
    );
    // Who is asked by another protocol is measured anew.
    model.on_event(answer(7), now);
    let action = model.on_event(list("nbplayers=1"), now);
    assert_eq!(action, Some(Action::Ping(targets([address(1)]))));
    assert_eq!(players(&model), 1);
}

#[test]
fn a_search_takes_words_without_accents_and_fields() {
    let mut model = Model::new("t".to_owned(), None, Favourites::default());
    let list = vec![
        entry(1, "description=\"Crème Brûlée\" map=dome"),
        entry(2, "description=\"the dome\" map=ice"),
    ];
    model.on_event(Event::List(list), Instant::now());
    model.settle();
    for (searched, found) in [
        ("brulee", &[1][..]),
        ("BRÛL crème", &[1]),
        ("ice creme", &[]),
        ("dome", &[1, 2]),
        ("map=dome", &[1]),
        ("MAP=i the", &[2]),
    ] {
        press(&mut model, &format!("/{searched}"));
        assert_eq!(ports(&model), found, "{searched}");
        press(&mut model, "\x1b");
    }
}

#[test]
fn filters_and_search_hide_and_show_again() {
    let mut model = five_for(Some("0.70"), Instant::now());
    for (key, left) in [
        ("n", &[5, 2, 4, 3][..]),
        ("u", &[1, 5, 2, 4]),
        ("v", &[1, 5, 2, 4]),
    ] {
        press(&mut model, key);
        assert_eq!(ports(&model), left, "{key}");
        press(&mut model, key);
        assert_eq!(model.shown().len(), 5);
    }
    press(&mut model, "/F");
    assert_eq!(ports(&model), [2, 3], "letter case means nothing");
    press(&mut model, "ar");
    assert_eq!(ports(&model), [2]);
    press(&mut model, "\x08\x08");
    assert_eq!(ports(&model), [2, 3]);
    press(&mut model, "\n");
    assert_eq!((model.page, ports(&model)), (Page::List, vec![2, 3]));
    assert_eq!(press(&mut model, "\x1b"), None, "shows all again");
    assert_eq!(model.shown().len(), 5);
    assert_eq!(press(&mut model, "\x1b"), Some(Action::Quit));
    press(&mut model, "/192.0.2.1:4");
    assert_eq!(ports(&model), [4]);
    press(&mut model, "q\x1b");
    assert_eq!((model.page, model.shown().len()), (Page::List, 5));
}

#[test]
fn keys_ask_for_what_they_say() {
    let mut model = five(Instant::now());
    assert!(matches!(press(&mut model, "\n"), Some(Action::Join(at, _)) if at == address(1)));
    assert_eq!(
        press(&mut model, "c"),
        Some(Action::Copy("192.0.2.1:1".to_owned()))
    );
    assert_eq!(press(&mut model, "f"), Some(Action::SaveFavourites));
    assert!(model.selected().unwrap().favourite && model.favourites.contains(address(1)));
    let said = |model: &Model| model.notice.clone().unwrap().0;
    assert_eq!(said(&model), "near and empty is a favourite now");
    // Another browser's:
    model.favourites.toggle(address(2));
    model.mark_favourites();
    let favourites = model.rows.values().filter(|row| row.favourite);
    assert_eq!(favourites.count(), 2);
    assert_eq!(press(&mut model, "q"), Some(Action::Quit));
    press(&mut model, "?");
    assert_eq!(model.page, Page::Help);
    assert_eq!(press(&mut model, "q"), None);
    assert_eq!(model.page, Page::List);
    assert!(matches!(press(&mut model, "i\n"), Some(Action::Join(..))));
    assert_eq!(press(&mut model, "v"), None);
    let now = Instant::now();
    assert_eq!(
        model.on_event(Event::Key(Key::Interrupt), now),
        Some(Action::Quit)
    );
}

#[test]
fn the_help_is_opened_over_the_details_and_closed_to_them() {
    let mut model = five(Instant::now());
    for (keys, page) in [
        ("?", Page::Help),
        ("\x1b", Page::List),
        ("i", Page::Details),
        ("?", Page::Help),
        ("?", Page::Details),
        ("?\x1b", Page::Details),
        ("\x1b", Page::List),
    ] {
        assert_eq!(press(&mut model, keys), None);
        assert_eq!(model.page, page, "{keys:?}");
    }
    // What the details were about may leave the list meanwhile.
    press(&mut model, "i?");
    model.on_event(Event::List(vec![entry(2, "")]), Instant::now());
    press(&mut model, "?");
    assert_eq!(model.page, Page::List);
}

#[test]
fn trouble_is_told_by_its_weight() {
    let mut model = five(Instant::now());
    let trouble = |model: &Model| -> Vec<Option<String>> {
        model.shown().map(|row| model.trouble(row)).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        trouble(&model),
        [
            None,
            None,
            None,
            some("over 400 ms away"),
            some("no answer to pings")
        ]
    );
    model.game_version = Some("0.70".to_owned());
    assert_eq!(trouble(&model)[1], some("version 0.69, yours is 0.70"));
}
