//! Datagrams that come back to a question of the Source family. A line feed stands between them.
#![no_main]

use gltracker::query::{Asking, Kind, Reply};
use gltracker_fuzz::checks;
use gltracker_fuzz::script::pieces;
use libfuzzer_sys::fuzz_target;

/// Parts of an answer that are put together.
const MOST_PARTS: usize = 15;

fuzz_target!(|data: &[u8]| {
    let mut asking = Asking::all(Kind::Source, 0);
    for datagram in data.split(|&byte| byte == b'\n') {
        let reply = asking.receive(datagram);
        checks::reply(&reply);
        if matches!(reply, Reply::Status(_)) {
            asking.again(0);
        }
    }
    for start in [&b"\xff\xff\xff\xffI"[..], b"\xff\xff\xff\xffm"] {
        let whole = [start, data].concat();
        let reply = receive(&[whole.clone()]);
        checks::reply(&reply);
        in_parts(&whole, &reply);
    }
    let whole = [b"\xff\xff\xff\xffI", data].concat();
    let reply = receive(&[whole]);
    match (naive(data), reply) {
        (Some((people, most)), Reply::Status(status)) => {
            // The keywords of one game say more.
            if status.game.as_deref() != Some("rust") {
                assert_eq!((status.players, status.most), (Some(people), most));
            }
        }
        (None, Reply::Wrong(_)) => {}
        (naive, reply) => panic!("{reply:?}, not {naive:?}"),
    }
});

/// The reply to the last of these.
fn receive(datagrams: &[Vec<u8>]) -> Reply {
    let mut asking = Asking::all(Kind::Source, 0);
    let replies = datagrams.iter().map(|datagram| asking.receive(datagram));
    replies.last().expect("there is one")
}

/// In whatever parts an answer comes, it is the same.
fn in_parts(whole: &[u8], reply: &Reply) {
    // Bytes like a beginning may be taken for one.
    let is_simple = !whole[4..].windows(4).any(|bytes| bytes == [0xff; 4]);
    for most in [60, 700, 1400] {
        let mut parts = pieces(&whole[4..], most as u32, most);
        let first = [&whole[..4], parts.remove(0)].concat();
        parts.insert(0, &first);
        if !is_simple || parts.len() > MOST_PARTS || parts.len() < 2 {
            continue;
        }
        for is_old in [false, true] {
            let count = parts.len() as u8;
            let part = |(at, bytes): (usize, &&[u8])| {
                let at = at as u8;
                let head = match is_old {
                    false => vec![count, at, 0x78, 0x05],
                    true => vec![at << 4 | count],
                };
                [b"\xfe\xff\xff\xff\x05\0\0\0", &head[..], bytes].concat()
            };
            let mut datagrams: Vec<Vec<u8>> = parts.iter().enumerate().map(part).collect();
            assert_eq!(receive(&datagrams), *reply, "in order");
            datagrams.reverse();
            assert_eq!(receive(&datagrams), *reply, "the last first");
            datagrams.insert(0, datagrams[0].clone());
            assert_eq!(receive(&datagrams), *reply, "one twice");
        }
    }
}

/// How many people there are and may be, read slowly.
fn naive(data: &[u8]) -> Option<(u16, Option<u16>)> {
    let rest = data.get(1..)?;
    let mut fields = rest.splitn(5, |&byte| byte == 0);
    let rest = fields.nth(4)?;
    let [low, high, all, most, bots, _, _, _, _, rest @ ..] = rest else {
        return None;
    };
    let rest = match u16::from(*low) + u16::from(*high) * 256 {
        2400 => rest.get(3..)?,
        _ => rest,
    };
    if !rest.contains(&0) {
        return None;
    }
    let people = if bots > all { *all } else { all - bots };
    Some((
        people.into(),
        Some(u16::from(*most)).filter(|&most| most != 0),
    ))
}
