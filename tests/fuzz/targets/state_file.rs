//! State files of whatever somebody wrote, and the list that comes back.
#![no_main]

use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::access::keys::Keys;
use gltracker::tracker::files::state_file::format::{Saved, decode, encode};
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker_fuzz::checks::{plain_line, whole_lines};
use gltracker_fuzz::script::{grown, sealed};
use libfuzzer_sys::fuzz_target;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    // As it is, and with the right beginning and end.
    if let Ok(saved) = decode(data) {
        comes_back(&saved);
    }
    match decode(&sealed("gltracker-state 1", data)) {
        Ok(saved) => comes_back(&saved),
        Err(wrong) => plain_line(&wrong.to_string()),
    }
});

/// Lists those who were saved, and checks that a file of that list says the same.
fn comes_back(saved: &[Saved]) {
    let (mut registry, mut until) = (Registry::new(1), HashMap::new());
    let names: BTreeSet<&str> = saved.iter().filter_map(|one| one.key.as_deref()).collect();
    let lines: String = names
        .iter()
        .map(|name| format!("{name} secret\n"))
        .collect();
    let (keys, wrong) = Keys::default().renewed(&lines);
    assert_eq!(wrong, []);
    let mut expected: HashMap<SocketAddr, Saved> = HashMap::new();
    for (one, n) in saved.iter().zip(1..) {
        let credential = match &one.key {
            Some(name) => keys
                .credential(name)
                .expect("a key that was saved has a name"),
            None => Credential::Forgotten,
        };
        let Some(entry) = Entry::new(one.peer, one.infos.clone(), credential) else {
            panic!("without a port: {one:?}");
        };
        let address = entry.address;
        assert_eq!(one.infos.get("stale"), None);
        let is_first = registry.restore(n, entry, Instant::now());
        assert_eq!(is_first, !expected.contains_key(&address));
        if is_first {
            until.insert(address, one.until.unwrap_or(7));
            let peer = one.peer.to_canonical();
            let one = Saved {
                peer,
                until: Some(one.until.unwrap_or(7)),
                ..one.clone()
            };
            expected.insert(address, one);
        }
    }
    let list = registry.list();
    for piece in list.encoded() {
        whole_lines(piece);
    }
    let text = encode(&list, &keys, &until);
    let again = decode(&text).expect("what is encoded can be decoded");
    assert_eq!(again.len(), expected.len());
    for one in again {
        let ip = one.infos.get("ip").and_then(|ip| ip.parse().ok());
        let port = one.infos.number("port").expect("it has a port");
        let address = SocketAddr::new(ip.expect("it has an address"), port);
        assert_eq!(Some(&one), expected.get(&address));
    }
    is_torn(text, saved.len());
}

/// Checks that no other byte in any place is overlooked.
fn is_torn(mut text: Vec<u8>, place: usize) {
    let at = place.wrapping_mul(7919) % text.len();
    text[at] ^= 1 << (place % 8);
    assert!(decode(&text).is_err(), "byte {at}");
    text[at] ^= 1 << (place % 8);
    text.truncate(at);
    assert!(decode(&text).is_err(), "cut at byte {at}");
}
