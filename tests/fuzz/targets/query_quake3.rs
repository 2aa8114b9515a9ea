//! Datagrams that come back to a question of the Quake III family. The byte 2 stands between them.
#![no_main]

use gltracker::query::{Asking, Kind, Reply, Status};
use gltracker_fuzz::checks;
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;

const WORD: u64 = 0x2a;
const WRITTEN: &str = "000000000000002a";

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let mut asking = Asking::all(Kind::Quake3, WORD);
    for datagram in data.split(|&byte| byte == 2) {
        let reply = asking.receive(datagram);
        checks::reply(&reply);
        asking
            .known()
            .into_iter()
            .for_each(|status| checks::reply(&Reply::Status(status.into())));
        let is_believed = naive(datagram)
            .is_some_and(|(_, info)| said(&info, "challenge") == Some(WRITTEN.into()));
        if matches!(reply, Reply::Status(_) | Reply::Send(_)) {
            assert!(is_believed, "{datagram:?}");
        }
        probe(datagram, is_believed);
        if let Reply::Status(_) = reply {
            asking.again(WORD);
        }
    }
});

/// A probe is answered at once, with what a slow reading makes of it.
fn probe(datagram: &[u8], is_believed: bool) {
    let reply = Asking::probe(Kind::Quake3, WORD).receive(datagram);
    let Reply::Status(status) = reply else {
        assert!(!is_believed, "{reply:?} to {datagram:?}");
        return;
    };
    let (name, info) = naive(datagram).expect("it is believed");
    if name == b"infoResponse" {
        assert_eq!((status.players, status.most), counts(&info), "{datagram:?}");
    }
    names(&info, &status);
}

type Pairs = Vec<(String, Vec<u8>)>;

/// The command and the pairs of an answer.
fn naive(datagram: &[u8]) -> Option<(&'static [u8], Pairs)> {
    let rest = datagram.strip_prefix(b"\xff\xff\xff\xff")?;
    let names: [&'static [u8]; 2] = [b"infoResponse", b"statusResponse"];
    let name = names.into_iter().find(|name| rest.starts_with(name))?;
    let mut rest = &rest[name.len()..];
    match rest.first() {
        None | Some(b'\\') => {}
        Some(b' ' | b'\n' | b'\r' | 0) => rest = &rest[1..],
        Some(_) => return None,
    }
    let end = rest
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(rest.len());
    let parts: Vec<&[u8]> = rest[..end].split(|&byte| byte == b'\\').skip(1).collect();
    let pair = |pair: &[&[u8]]| {
        let key: String = pair[0]
            .iter()
            .map(|&byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        (key, pair[1].to_vec())
    };
    Some((name, parts.chunks_exact(2).map(pair).collect()))
}

fn said(info: &Pairs, key: &str) -> Option<Vec<u8>> {
    let mut values = info.iter().filter(|(name, _)| name == key);
    values.next().map(|(_, value)| value.clone())
}

fn number(info: &Pairs, key: &str) -> Option<u16> {
    String::from_utf8(said(info, key)?)
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn counts(info: &Pairs) -> (Option<u16>, Option<u16>) {
    let clients = number(info, "clients");
    let bots = number(info, "bots").unwrap_or(0);
    let bots = said(info, "daemonver").map_or(bots, |_| 0);
    let people = clients.map(|all| if bots > all { all } else { all - bots });
    let most = number(info, "sv_maxclients").filter(|&most| most != 0);
    (number(info, "g_humanplayers").or(people), most)
}

/// A name without any sign of decoration is what it was.
fn names(info: &Pairs, status: &Status) {
    let Some(name) = said(info, "hostname").and_then(|name| String::from_utf8(name).ok()) else {
        return;
    };
    let is_simple = name.chars().all(|c| c.is_ascii_alphanumeric()) && name.len() <= 255;
    if is_simple && !name.is_empty() {
        assert_eq!(status.name.as_deref(), Some(&*name));
    }
}
