use super::*;
use crate::protocol::fields::Changes;
use crate::query::Status;

/// A row that was pinged, or whose ping was not answered.
pub(crate) fn row(port: u16, fields: &str, millis: Option<u64>) -> Row {
    let address: SocketAddr = ([198, 51, 100, 7], port).into();
    let text = format!("ip=198.51.100.7 port={port} {fields}");
    let infos = Infos::default().with(&Changes::parse(&text).unwrap());
    let ping = Ping {
        mean: millis.map(Duration::from_millis),
        sent: 5,
        answered: if millis.is_some() { 5 } else { 0 },
        ..Ping::none(Target::of(address, &infos))
    };
    Row {
        address,
        also: None,
        has_counted: false,
        doubt: Doubt::of(address.ip(), &infos, None),
        infos,
        ping: Some(ping),
        trackers: vec!["tracker.example".parse().unwrap()],
    }
}

fn order(sort: &Sort, rows: &[Row], is_pinged: bool) -> Vec<u16> {
    let mut findings = Findings::new(&rows[0].trackers);
    for row in rows {
        findings.found(0, None, row.address, &row.infos);
        findings.pinged(row.ping.clone().unwrap());
    }
    let rows = findings.sorted(sort, is_pinged);
    rows.iter().map(|row| row.address.port()).collect()
}

#[test]
fn the_nearest_come_first_and_the_unavailable_last() {
    let rows = [
        row(1, "nbplayers=9", None),
        row(2, "nbplayers=1", Some(401)),
        row(3, "nbplayers=1 description=b", Some(20)),
        row(4, "nbplayers=1 description=A", Some(20)),
        row(5, "nbplayers=2 description=z", Some(20)),
        row(6, "", Some(20)),
        row(7, "", Some(400)),
        row(8, "", Some(3)),
        row(9, "nbplayers=3", None),
    ];
    assert_eq!(order(&Sort::Ping, &rows, true), [8, 5, 4, 3, 6, 7, 2, 1, 9]);
    assert_eq!(
        order(&Sort::Ping, &rows, false),
        [1, 9, 5, 4, 3, 2, 6, 7, 8]
    );
    assert_eq!(
        order(&Sort::Players, &rows, true),
        [1, 9, 5, 4, 3, 2, 8, 6, 7]
    );
    assert_eq!(order(&Sort::Name, &rows, true), [4, 3, 5, 8, 6, 7, 2, 1, 9]);
}

#[test]
fn who_answers_late_stands_before_who_does_not_answer() {
    let mut rows = [
        row(1, "nbplayers=9", None),
        row(2, "", None),
        row(3, "", Some(900)),
    ];
    rows[1].ping.as_mut().unwrap().is_late = true;
    assert_eq!(order(&Sort::Ping, &rows, true), [3, 2, 1]);
}

#[test]
fn a_game_server_with_two_addresses_is_the_nearer_one() {
    for (millis, nearer) in [
        ([Some(30), Some(20)], 1),
        ([Some(20), Some(30)], 0),
        ([None, Some(30)], 1),
        ([None, None], 0),
    ] {
        let mut both = millis.map(|millis| row(1, "group=x", millis));
        let six: SocketAddr = "[2001:db8::1]:1".parse().unwrap();
        both[1].address = six;
        both[1].ping.as_mut().unwrap().target = six.into();
        let mut findings = Findings::new(&both[0].trackers);
        for row in &both {
            findings.found(0, None, row.address, &row.infos);
            findings.pinged(row.ping.clone().unwrap());
        }
        let rows = findings.sorted(&Sort::Name, true);
        let further = both[1 - nearer].address;
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].address, rows[0].also),
            (both[nearer].address, Some(further))
        );
    }
}

#[test]
fn any_field_and_the_address_are_orders_and_who_says_nothing_is_last() {
    let rows = [
        row(1, "map=10 nbplayers=1", Some(1)),
        row(2, "", Some(2)),
        row(3, "map=Arena", Some(3)),
        row(4, "map=9 nbplayers=2", Some(4)),
    ];
    let map = Sort::Field("map".to_owned());
    assert_eq!(order(&map, &rows, true), [4, 1, 3, 2]);
    assert_eq!(order(&Sort::Address, &rows, true), [1, 2, 3, 4]);
}

#[test]
fn the_stale_come_last_in_every_order() {
    let rows = [
        row(1, "nbplayers=9 stale=yes description=a", Some(3)),
        row(2, "nbplayers=1 description=b", None),
        row(3, "stale=yes description=c", None),
    ];
    for sort in [Sort::Ping, Sort::Players, Sort::Name, Sort::Address] {
        assert_eq!(order(&sort, &rows, true), [2, 1, 3], "{sort:?}");
    }
}

#[test]
fn who_is_listed_twice_is_one_and_the_first_tracker_is_believed() {
    let trackers = ["a", "b", "c"].map(|name| name.parse().unwrap());
    let mut findings = Findings::new(&trackers);
    let (old, new) = (row(1, "nbplayers=1", None), row(1, "nbplayers=2", None));
    let other = row(2, "pingport=1", None);
    assert_eq!(findings.least_doubt(), None);
    let mut found = |tracker, row: &Row| findings.found(tracker, None, row.address, &row.infos);
    let target = Some(Target::from(old.address));
    assert_eq!(found(2, &old), target, "it is to be pinged");
    assert_eq!(found(0, &new), None, "once is enough");
    assert_eq!(found(1, &other), None, "also for who has another port");
    assert_eq!(found(1, &old), None);
    findings.pinged(row(1, "", Some(7)).ping.unwrap());
    let rows = findings.sorted(&Sort::Ping, true);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0].infos, &rows[0].trackers[..]),
        (&new.infos, &trackers[..])
    );
    // The other one answers pings at the port of the first.
    assert_eq!(rows[1].distance(), Some(Duration::from_millis(7)));
    assert_eq!(rows[1].trackers, trackers[1..2]);
}

#[test]
fn how_many_play_is_what_the_game_server_answers_and_all_else_what_is_listed() {
    let row = row(1, "nbplayers=1 maxplayers=8 map=listed query=quake3", None);
    let mut findings = Findings::new(&row.trackers);
    let target = findings.found(0, None, row.address, &row.infos).unwrap();
    let mut ping = row.ping.unwrap();
    assert_eq!(ping.target, target);
    ping.status = Some(Box::new(Status {
        players: Some(7),
        most: Some(9),
        map: Some("answered".to_owned()),
        ..Status::default()
    }));
    findings.pinged(ping);
    let rows = findings.sorted(&Sort::Ping, true);
    assert_eq!(rows[0].infos.number("nbplayers"), Some(7));
    assert_eq!(rows[0].infos.number("maxplayers"), Some(8));
    assert_eq!(rows[0].infos.get("map").as_deref(), Some("listed"));
    assert!(rows[0].has_counted);
}

#[test]
fn what_lives_is_believed_before_what_is_stale() {
    let trackers = ["a", "b", "c"].map(|name| name.parse().unwrap());
    let stale = row(1, "nbplayers=1 stale=yes", None);
    let (live, second) = (row(1, "nbplayers=2", None), row(1, "nbplayers=3", None));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut findings = Findings::new(&trackers);
        for tracker in order {
            let row = [&stale, &live, &second][tracker];
            findings.found(tracker, None, row.address, &row.infos);
        }
        assert_eq!(findings.least_doubt(), Some(None));
        let rows = findings.sorted(&Sort::Ping, true);
        assert_eq!((&rows[0].infos, rows[0].doubt), (&live.infos, None));
        assert_eq!(rows[0].trackers, trackers);
    }
}

#[test]
fn who_is_on_the_players_own_network_is_pinged_only_if_a_tracker_there_lists_him() {
    let trackers = ["a", "b"].map(|name| name.parse().unwrap());
    let mut findings = Findings::new(&trackers);
    let (far, near) = ("198.51.100.1".parse().ok(), "192.168.1.5".parse().ok());
    let address: SocketAddr = "192.168.1.7:9".parse().unwrap();
    let invalid: SocketAddr = "255.255.255.255:9".parse().unwrap();
    let infos = Infos::default();
    assert_eq!(findings.found(0, far, address, &infos), None);
    assert_eq!(findings.found(0, far, invalid, &infos), None);
    assert_eq!(findings.least_doubt(), Some(Some(Doubt::Local)));
    let target = Some(Target::from(address));
    assert_eq!(findings.found(1, near, address, &infos), target);
    assert_eq!(findings.found(1, near, invalid, &infos), None);
    assert_eq!(findings.least_doubt(), Some(None));
    let rows = findings.sorted(&Sort::Ping, true);
    let doubts = [rows[0].doubt, rows[1].doubt];
    assert_eq!(doubts, [None, Some(Doubt::Invalid)]);
    assert!(rows[0].ping.is_some() && rows[1].ping.is_none());
}
