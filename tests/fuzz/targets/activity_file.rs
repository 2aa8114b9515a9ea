//! Files of how many players and game servers there were, of whatever somebody wrote, and what is counted on
//! after them. The first byte says how far the clock has gone since.
#![no_main]

use gltracker::protocol::fields::Infos;
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::files::publish::activity::format::{decode, encode};
use gltracker::tracker::files::publish::activity::games::{MOST_KEPT, MOST_SHOWN, WEEK};
use gltracker::tracker::files::publish::activity::history::History;
use gltracker::tracker::files::publish::activity::rows::DAY;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker_fuzz::checks::{is_plain, plain_line};
use gltracker_fuzz::script::{grown, sealed};
use libfuzzer_sys::fuzz_target;
use std::time::UNIX_EPOCH;

fuzz_target!(|data: &[u8]| {
    let (&step, data) = data.split_first().unwrap_or((&0, &[]));
    let data = &grown(data)[..];
    // As it is, and with the right beginning and end.
    if let Ok(history) = decode(data) {
        goes_on(history, step as i8);
    }
    match decode(&sealed("gltracker-activity 1", data)) {
        Ok(history) => goes_on(history, step as i8),
        Err(wrong) => plain_line(&wrong.to_string()),
    }
});

/// Checks that a file of `history` says the same, and that it can be counted on.
fn goes_on(mut history: History, step: i8) {
    assert_eq!(decode(&encode(&history)).as_ref(), Ok(&history));
    let point = history
        .point
        .unwrap_or(9)
        .saturating_add_signed(step.into());
    let mut registry = Registry::new(1);
    let mut infos = Infos::default();
    for (key, value) in [("port", "27960"), ("nbplayers", "3"), ("game", "xonotic")] {
        infos.set(key, value).expect("it may be said");
    }
    let peer = "192.0.2.1".parse().expect("an address");
    let entry = Entry::new(peer, infos, Credential::Forgotten).expect("it has a port");
    let address = entry.address;
    registry.put(1, entry).expect("nobody else is there");
    history.note(point, &registry.list());
    assert_eq!(history.point, Some(point));
    assert_eq!(history.all.players.last(), Some(3));
    let week = 1..=WEEK;
    assert!(week.contains(&history.all.servers.count()));
    assert!(history.games.kept().len() <= MOST_KEPT && history.games.shown().len() <= MOST_SHOWN);
    for game in history.games.kept() {
        let players = if &*game.name == "xonotic" { 3 } else { 0 };
        assert_eq!(game.totals.players.last(), Some(players));
        assert!(week.contains(&game.totals.servers.count()));
    }
    let listed: Vec<_> = history.rows.listed().collect();
    let mine = listed.iter().find(|(at, _)| **at == address);
    assert!(mine.is_some_and(|(_, row)| row.players.last() >= Some(3)));
    assert!(
        listed
            .iter()
            .all(|(_, row)| (1..=DAY).contains(&row.players.count()))
    );
    let json = history.json(UNIX_EPOCH);
    assert!(json.starts_with("{\"written\":\"") && json.ends_with("}}\n"));
    assert!(json.lines().all(|line| line.chars().all(is_plain)));
    let kept = encode(&history);
    assert_eq!(decode(&kept).map(|read| encode(&read)), Ok(kept));
}
