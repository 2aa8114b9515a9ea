//! What a state file looks like.
//!
//! A list becomes such a text, and the text a list again:
//!
//! ```text
//! gltracker-state 1
//! live 198.51.100.7 password INFOS ip=198.51.100.7 port=23460 nbplayers=3
//! 1795539012 203.0.113.9 key=alice INFOS ip=203.0.113.9 port=23460 stale=yes
//! end 2 0f3d5c2b8a917e64
//! ```
//!
//! Each game server has one line. It says whether the game server was live when this was written, or else
//! at which second of Unix time it is to be forgotten; where it logged in from; what it logged in with,
//! without any secret; and its line of the list. The lines are read with the parser and the limits of the
//! wire. Pure: no file and no clock.

use crate::protocol::command::GameServerCommand;
use crate::protocol::fields::Infos;
use crate::protocol::line::MAX_LINE;
use crate::protocol::text::number;
use crate::tracker::access::keys::{Keys, is_name};
use crate::tracker::files::sealed::{Form, Wrong, begin, end, open};
use crate::tracker::list::snapshot::List;
use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// What the first line says.
const FORM: Form = ("gltracker-state", 1);

/// One game server of a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it logged in from.
    pub peer: IpAddr,
    /// The name of the key that it logged in with; `None` for a password, of which nothing is
    /// written.
    pub key: Option<Box<str>>,
    /// Its fields as the list showed them, without `stale`.
    pub infos: Infos,
    /// The second of Unix time at which it is to be forgotten if it was stale already; `None` if
    /// it was live.
    pub until: Option<u64>,
}

/// The text that keeps `list`. A game server whose key is not among `keys` has lost its right to be
/// listed and is left out. `until` has the second at which each stale one is to be forgotten.
pub fn encode(list: &List, keys: &Keys, until: &HashMap<SocketAddr, u64>) -> Vec<u8> {
    let mut text = Vec::with_capacity(64 + list.count() * 192);
    let mut count = 0;
    text.extend_from_slice(begin(FORM).as_bytes());
    for entry in list.entries() {
        if !keys.allows(entry.credential) {
            continue;
        }
        // Writing into a Vec does not fail.
        let _ = match until.get(&entry.address).filter(|_| entry.is_stale()) {
            Some(until) => write!(text, "{until} {} ", entry.peer),
            None => write!(text, "live {} ", entry.peer),
        };
        let _ = match keys.name(entry.credential) {
            Some(name) => write!(text, "key={name} "),
            None => write!(text, "password "),
        };
        for piece in entry.line() {
            text.extend_from_slice(piece.as_bytes());
        }
        count += 1;
    }
    let end = end(count, &text);
    text.extend_from_slice(end.as_bytes());
    text
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`Wrong`], and nothing of it is used: half a list is not the list.
pub fn decode(text: &[u8]) -> Result<Vec<Saved>, Wrong> {
    let lines = open(text, FORM)?;
    lines
        .map(|(number, line)| read_line(line).ok_or(Wrong::Line(number)))
        .collect()
}

fn read_line(line: &[u8]) -> Option<Saved> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.splitn(4, ' ');
    let until = match words.next()? {
        "live" => None,
        second => Some(number(second)?),
    };
    let peer = words.next()?.parse().ok()?;
    let key = match words.next()? {
        "password" => None,
        key => Some(
            key.strip_prefix("key=")
                .filter(|name| is_name(name))?
                .into(),
        ),
    };
    let said = words.next()?;
    if said.len() >= MAX_LINE {
        return None;
    }
    let Ok(GameServerCommand::Infos(None, changes)) = GameServerCommand::parse(said) else {
        return None;
    };
    let mut infos = Infos::default().with(&changes);
    infos.check_complete().ok()?;
    infos.get("ip")?;
    // No game server says this word.
    infos.set("stale", "").ok()?;
    Some(Saved {
        peer,
        key,
        infos,
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::registry::Registry;
    use quickcheck::{TestResult, quickcheck};
    use std::time::Instant;

    const UNTIL: u64 = 1_795_539_012;

    /// A text with these game servers, every third of them stale and every second with a key, and
    /// what is in it.
    fn some(values: &[String]) -> (Vec<u8>, Vec<Saved>) {
        let mut registry = Registry::new(1);
        let mut saved = Vec::new();
        let (keys, _) = Keys::default().renewed("alice between us");
        let alice = keys.credential("alice").unwrap();
        let mut until = HashMap::new();
        for (n, value) in values.iter().enumerate() {
            let plain = value
                .chars()
                .filter(|c| crate::protocol::text::is_plain(*c));
            let port = format!("port={}", n + 1);
            let changes = Changes::parse(&port).unwrap();
            let mut infos = Infos::default().with(&changes);
            infos
                .set("description", &plain.take(60).collect::<String>())
                .unwrap();
            let is_stale = n % 3 == 0;
            let is_key = n % 2 == 0;
            let credential = match (is_key, is_stale) {
                (true, _) => alice,
                (false, true) => Credential::Forgotten,
                (false, false) => Credential::Password(7),
            };
            let peer: IpAddr = ["192.0.2.1", "2001:db8::1"][n % 2].parse().unwrap();
            let entry = Entry::new(peer, infos, credential).unwrap();
            saved.push(Saved {
                peer,
                key: is_key.then(|| "alice".into()),
                infos: entry.infos.clone(),
                until: is_stale.then_some(UNTIL),
            });
            if is_stale {
                until.insert(entry.address, UNTIL);
                registry.restore(n as u64, entry, Instant::now());
            } else {
                registry.put(n as u64, entry).unwrap();
            }
        }
        (encode(&registry.list(), &keys, &until), saved)
    }

    fn few() -> (Vec<u8>, Vec<Saved>) {
        some(&["plain", "two \"words\"", "界 é", "x"].map(str::to_owned))
    }

    #[test]
    fn a_file_can_be_read_by_people() {
        let text = String::from_utf8(some(&["a b".to_owned(), "c".to_owned()]).0).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "gltracker-state 1",
                "1795539012 192.0.2.1 key=alice INFOS ip=192.0.2.1 port=1 description=\"a b\" stale=yes",
                "live 2001:db8::1 password INFOS ip=2001:db8::1 port=2 description=c",
            ]
        );
        assert!(lines[3].starts_with("end 2 ") && lines.len() == 4, "{text}");
    }

    #[test]
    fn a_key_that_is_not_valid_any_more_is_left_out() {
        let mut registry = Registry::new(1);
        let infos = Infos::default().with(&Changes::parse("port=5").unwrap());
        let entry = Entry::new("192.0.2.1".parse().unwrap(), infos, Credential::Key(9)).unwrap();
        registry.put(1, entry).unwrap();
        let text = encode(&registry.list(), &Keys::default(), &HashMap::new());
        assert_eq!(decode(&text), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let (text, _) = few();
        let replaced = |from: &str, to: &str| {
            let text = String::from_utf8(text.clone()).unwrap();
            text.replacen(from, to, 1).into_bytes()
        };
        assert_eq!(decode(b""), Err(Wrong::Foreign));
        assert_eq!(decode(b"[Unit]\nDescription=x\n"), Err(Wrong::Foreign));
        assert_eq!(decode(b"gltracker-state 1"), Err(Wrong::Foreign));
        assert_eq!(decode(b"gltracker-state 1\n"), Err(Wrong::Torn));
        assert_eq!(
            decode(&replaced("state 1", "state 2")),
            Err(Wrong::Version(2, 1))
        );
        assert_eq!(
            decode(&replaced("state 1", "state 01")),
            Err(Wrong::Foreign)
        );
        assert_eq!(decode(&replaced("port=1", "port=9")), Err(Wrong::Torn));
        let mut longer = text.clone();
        longer.extend_from_slice(b"more\n");
        assert_eq!(decode(&longer), Err(Wrong::Torn));
    }

    #[test]
    fn a_forger_is_held_to_the_limits_of_the_wire() {
        let file = |line: &str| {
            let lines = format!("gltracker-state 1\n{line}\n").into_bytes();
            let end = end(1, &lines);
            [lines, end.into_bytes()].concat()
        };
        let good = "live 192.0.2.1 password INFOS ip=192.0.2.1 port=5";
        assert_eq!(decode(&file(good)).unwrap().len(), 1);
        let long = format!("{good} a={}", "v".repeat(256));
        let many = (0..40).fold(good.to_owned(), |line, n| format!("{line} k{n}=v"));
        for bad in [
            "",
            "live",
            "+5 192.0.2.1 password INFOS ip=192.0.2.1 port=5",
            "dead 192.0.2.1 password INFOS ip=192.0.2.1 port=5",
            "live here password INFOS ip=192.0.2.1 port=5",
            "live 192.0.2.1 secret INFOS ip=192.0.2.1 port=5",
            "live 192.0.2.1 key= INFOS ip=192.0.2.1 port=5",
            "live 192.0.2.1 key=a/b INFOS ip=192.0.2.1 port=5",
            "live 192.0.2.1 password INFOS ip=192.0.2.1",
            "live 192.0.2.1 password INFOS port=5",
            "live 192.0.2.1 password INFOS ip=192.0.2.1 port=0",
            "live 192.0.2.1 password INFOS ip=192.0.2.1 port=5 a=\u{1b}[2J",
            "live 192.0.2.1 password INFOS ip=192.0.2.1 port=5 a=1 a=2",
            "live 192.0.2.1 password QUIT",
            &long,
            &many,
        ] {
            assert_eq!(decode(&file(bad)), Err(Wrong::Line(2)), "{bad}");
        }
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_noticed() {
        let (text, saved) = few();
        assert_eq!(decode(&text).as_ref(), Ok(&saved));
        for length in 0..text.len() {
            assert!(decode(&text[..length]).is_err(), "cut after {length}");
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut other = text.clone();
                other[at] ^= 1 << bit;
                assert!(decode(&other).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    quickcheck! {
        fn decoding_undoes_encoding(values: Vec<String>) -> bool {
            let (text, saved) = some(&values);
            decode(&text) == Ok(saved)
        }

        fn a_changed_byte_is_noticed(values: Vec<String>, at: usize, byte: u8) -> TestResult {
            let (mut text, _) = some(&values);
            let at = at % text.len();
            if text[at] == byte {
                return TestResult::discard();
            }
            text[at] = byte;
            TestResult::from_bool(decode(&text).is_err())
        }

        fn no_bytes_panic(bytes: Vec<u8>) -> bool {
            let _ = decode(&bytes);
            let lines = [b"gltracker-state 1\n", &bytes[..], b"\n"].concat();
            let count = lines.iter().filter(|&&byte| byte == b'\n').count() - 1;
            let last = end(count, &lines);
            let _ = decode(&[lines, last.into_bytes()].concat());
            true
        }
    }
}
