//! What other trackers have written into the engine: a list as records, and batches of changes. Lines up to
//! the first that begins with a dot are records; each further dot ends a batch.
#![no_main]

use gltracker::protocol::fields::MAX_FIELDS_BYTES;
use gltracker::protocol::scope::Scope;
use gltracker::tracker::sharing::claims::Claims;
use gltracker_fuzz::checks::MAX_LINE;
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.split('\n').take(200).collect();
    let mut parts = lines.split(|line| line.starts_with('.'));
    let records = parts.next().unwrap_or_default();
    let mut slow = Slow::default();
    let is_list = records.iter().all(|record| slow.all(record).is_some());
    let claims = Claims::read(records.iter().copied());
    assert_eq!(claims.is_some(), is_list);
    let mut claims = claims.unwrap_or_default();
    if !is_list {
        slow = Slow::default();
    }
    is_same(&claims, &slow);
    for batch in parts {
        let mut after = slow.clone();
        let mut lines = batch.iter().map(|line| after.line(line));
        let is_batch = !batch.is_empty() && lines.all(|done| done.is_some());
        let touched = claims.apply(&batch.join("\n"));
        assert_eq!(touched.is_some(), is_batch, "{batch:?}");
        if is_batch {
            let touched = touched.unwrap_or_default();
            let changed = slow.addresses_that_differ(&after);
            assert!(changed.iter().all(|address| touched.contains(address)));
            slow = after;
        }
        is_same(&claims, &slow);
    }
});

/// Checks that both are the same list, and that it is read as it is written.
fn is_same(claims: &Claims, slow: &Slow) {
    let records = claims.iter().map(|claim| claims.record(claim.address));
    let mut records: Vec<String> = records.map(|record| record.expect("it is there")).collect();
    records.sort();
    let mut expected: Vec<String> = slow.0.iter().map(Slow::record).collect();
    expected.sort();
    assert_eq!(records, expected);
    assert_eq!(claims.count(), expected.len());
    if claims.iter().all(|claim| claim.is_whole()) {
        let again = Claims::read(records.iter().map(String::as_str));
        let again = again.expect("what is written can be read");
        assert_eq!(again.digest(), claims.digest());
    }
}

/// A list, the slow way: numbers, what stands before the fields, and the fields.
#[derive(Clone, Default)]
struct Slow(BTreeMap<u64, (String, Fields)>);

impl Slow {
    fn record((number, (head, fields)): (&u64, &(String, Fields))) -> String {
        let (mut digits, mut left) = (Vec::new(), *number);
        while left > 0 || digits.is_empty() {
            digits.insert(
                0,
                b"0123456789abcdefghijklmnopqrstuvwxyz"[(left % 36) as usize],
            );
            left /= 36;
        }
        let digits = String::from_utf8(digits).expect("they are digits");
        format!("{digits} {head}{}", naive::spell(fields))
    }

    /// Reads a record and puts it in its place.
    fn all(&mut self, record: &str) -> Option<()> {
        let words: Vec<&str> = record.splitn(5, ' ').collect();
        let [number, stamp, mark, peer, said] = words[..] else {
            return None;
        };
        let is_stamp = stamp.parse::<u64>().ok()?.to_string() == stamp;
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let is_mark = mark == "-" || (mark.len() == 16 && mark.chars().all(is_hex));
        let ip: IpAddr = peer.parse().ok()?;
        let is_peer = ip.to_canonical().to_string() == peer;
        let mut fields = Fields::new();
        naive::merge(&mut fields, &naive::said(said)?);
        let address = address(&fields)?;
        let is_somewhere = address.ip() == ip || Scope::of(address.ip()).is_some();
        let is_spelled = naive::spell(&fields).strip_prefix(' ') == Some(said);
        let is_good = is_stamp && is_mark && is_peer && is_somewhere && is_spelled;
        if !is_good || !is_complete(&fields) || record.len() > 2 * MAX_LINE {
            return None;
        }
        let number = parsed(number)?;
        self.0
            .retain(|_, (_, there)| crate::address(there) != Some(address));
        self.0
            .insert(number, (format!("{stamp} {mark} {peer}"), fields));
        Some(())
    }

    /// Reads a line of a batch and does what it says.
    fn line(&mut self, line: &str) -> Option<()> {
        if let Some(record) = line.strip_prefix('+') {
            return self.all(record);
        }
        if let Some(number) = line.strip_prefix('-') {
            self.0.remove(&parsed(number)?);
            return Some(());
        }
        let (number, said) = line.strip_prefix('=')?.split_once(' ')?;
        let (number, said) = (parsed(number)?, naive::said(said)?);
        let is_move = said.contains_key("ip") || said.contains_key("port");
        if is_move || said.is_empty() || line.len() > 2 * MAX_LINE {
            return None;
        }
        if let Some((_, fields)) = self.0.get_mut(&number) {
            let mut changed = fields.clone();
            naive::merge(&mut changed, &said);
            if naive::spell(&changed).len() <= 2 * MAX_LINE {
                *fields = changed;
            }
        }
        Some(())
    }

    fn addresses_that_differ(&self, other: &Self) -> Vec<SocketAddr> {
        let at = |list: &Self| -> BTreeMap<SocketAddr, (String, Fields)> {
            let all = list.0.values();
            all.filter_map(|it| Some((address(&it.1)?, it.clone())))
                .collect()
        };
        let (one, other) = (at(self), at(other));
        let all = one.keys().chain(other.keys());
        all.filter(|address| one.get(address) != other.get(address))
            .copied()
            .collect()
    }
}

fn address(fields: &Fields) -> Option<SocketAddr> {
    let ip = fields.get("ip")?.parse().ok()?;
    Some(SocketAddr::new(ip, fields.get("port")?.parse().ok()?))
}

/// The limits of what a game server may have, the tracker's own words not counted.
fn is_complete(fields: &Fields) -> bool {
    let mut own = fields.clone();
    own.retain(|key, _| !["ip", "checked", "stale"].contains(&key.as_str()));
    own.len() <= 32 && naive::spell(&own).len() <= MAX_FIELDS_BYTES
}

/// A number in base 36 that fits into 32 bits, in its one spelling.
fn parsed(text: &str) -> Option<u64> {
    let is_digit = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    let has_form = (1..=7).contains(&text.len()) && text.chars().all(is_digit);
    if !has_form || (text.starts_with('0') && text != "0") {
        return None;
    }
    let value = text.chars().fold(0, |value, c| {
        value * 36 + u64::from(c.to_digit(36).unwrap_or_default())
    });
    (value <= u64::from(u32::MAX)).then_some(value)
}
