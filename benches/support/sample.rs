//! Game servers as they are.

use gltracker::protocol::fields::{Changes, Infos};
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::access::passwords::Passwords;
use gltracker::tracker::list::entry::Entry;
use std::net::{IpAddr, Ipv4Addr};

/// What game server `number` says about itself: 8 fields, some 130 bytes. One in nine is empty, as
/// many are full, one in four is fast.
pub(crate) fn fields(number: usize) -> String {
    let port = 10_000 + number;
    let players = players(number);
    let speed = ["boring", "normal", "fast", "crazy"][number % 4];
    let size = ["tiny", "medium", "big", "vast", "extreme"][number % 5];
    format!(
        "port={port} nbplayers={players} maxplayers=8 version=0.70 speed={speed} size={size} \
         erase=on description=\"Cycles {number}, everybody is welcome\""
    )
}

/// Players of game server `number`, or of one after so many changes more. Always one digit, so
/// that a list does not change its size.
pub(crate) fn players(number: usize) -> usize {
    number % 9
}

/// Game server `number`, with the players it has after `turn` changes.
pub(crate) fn entry(number: usize, turn: usize) -> Entry {
    let mut infos =
        Infos::default().with(&Changes::parse(&fields(number)).expect("the sample is valid"));
    infos
        .set("nbplayers", &players(number + turn).to_string())
        .expect("a number is valid");
    let ip = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
    Entry::new(ip, infos, credential()).expect("the sample has a port")
}

/// Only a password that was verified gives one.
fn credential() -> Credential {
    let passwords = Passwords::new(vec!["secret".to_owned()]).expect("it is a password");
    passwords.verify("secret").expect("it is the password")
}
