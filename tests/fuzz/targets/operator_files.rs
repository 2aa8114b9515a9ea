//! Files with passwords, keys and bans: each input is all three.
#![no_main]

use gltracker::protocol::hmac::mac;
use gltracker::tracker::access::bans::Bans;
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::access::keys::Keys;
use gltracker::tracker::access::operator_input::WrongLine;
use gltracker::tracker::access::passwords::{PasswordError, Passwords};
use gltracker::tracker::files::watched_file::{Contents, WatchedFile};
use gltracker_fuzz::checks::{is_plain, plain_line};
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The file that passwords are read from.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("gltracker-fuzz-{}", std::process::id()))
});

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let text = String::from_utf8_lossy(data);
    passwords(data, &text);
    keys(&text);
    bans(&text);
});

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .split('\n')
        .zip(1..)
        .map(|(line, number)| (number, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn passwords(data: &[u8], text: &str) {
    std::fs::write(&*FILE, data).expect("a file can be written");
    let none = Passwords::new(Vec::new()).expect("it may be that there is none");
    let read = match WatchedFile::new(FILE.clone()).read_if_changed() {
        Contents::Changed(text) => none.renewed(&text, &FILE),
        Contents::Unreadable(error) => Err(PasswordError::Unreadable(FILE.clone(), error)),
        Contents::Unchanged => panic!("a file that was never read is new"),
    };
    std::fs::remove_file(&*FILE).expect("it is there");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let wanted: BTreeSet<&str> = lines(text).map(|(_, line)| line).collect();
    let can_be_said = |password: &&str| {
        password.len() <= 255 && password.chars().all(is_plain) && !password.starts_with("name=")
    };
    let is_text = std::str::from_utf8(data).is_ok();
    let is_usable = is_text && !wanted.is_empty() && wanted.iter().all(can_be_said);
    let passwords = match read {
        Ok(passwords) => passwords,
        Err(error) => {
            plain_line(&error.to_string());
            assert!(
                !is_usable || lines(text).count() > 1000,
                "{error}: {wanted:?}"
            );
            return;
        }
    };
    assert!(is_usable, "taken: {wanted:?}");
    let mut credentials = HashSet::new();
    for password in &wanted {
        let credential = passwords.verify(password);
        assert!(credential.is_some_and(|credential| credentials.insert(credential)));
        let longer = format!("{password} ");
        let shorter = &password[..password.char_indices().last().map_or(0, |(at, _)| at)];
        for other in [longer.as_str(), shorter] {
            assert_eq!(passwords.verify(other).is_some(), wanted.contains(other));
        }
    }
}

fn keys(text: &str) {
    let (mut wanted, mut wrong_lines) = (HashMap::new(), Vec::new());
    for (number, line) in lines(text) {
        let (name, secret) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let secret = secret.trim();
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let is_name = name.len() <= 32 && name.chars().all(is_letter);
        let is_right = is_name && !secret.is_empty() && secret.len() <= 255;
        match is_right && !wanted.contains_key(name) {
            true => drop(wanted.insert(name, secret)),
            false => wrong_lines.push(number),
        }
    }
    let (keys, wrong) = Keys::default().renewed(text);
    are_lines(&wrong, &wrong_lines);
    assert_eq!(keys.count(), wanted.len());
    let verify = |keys: &Keys, name: &str, secret: &str| {
        keys.verify(name, 0x2a, 1, &mac(secret, 0x2a, name, 1))
    };
    let mut credentials: HashMap<Credential, &str> = HashMap::new();
    for (name, secret) in wanted.iter().take(8) {
        let credential = verify(&keys, name, secret).expect("a key with its secret");
        assert_eq!(credentials.insert(credential, name), None);
        assert_eq!(keys.credential(name), Some(credential));
        assert!(verify(&keys, name, &format!("{secret}x")).is_none());
        assert!(
            keys.verify(name, 0x2a, 2, &mac(secret, 0x2a, name, 1))
                .is_none()
        );
    }
    // Read again, each is what it was; without its line it is nothing.
    let (keys, _) = keys.renewed(text);
    for (credential, name) in &credentials {
        assert_eq!(keys.credential(name), Some(*credential));
    }
    let (keys, _) = keys.renewed("");
    assert!(
        credentials
            .keys()
            .all(|credential| !keys.allows(*credential))
    );
}

fn bans(text: &str) {
    let (mut wanted, mut wrong_lines) = (HashMap::new(), Vec::new());
    for (number, line) in lines(text) {
        let (network, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match network_of(network) {
            Some(network) => drop(wanted.insert(network, reason.trim())),
            None => wrong_lines.push(number),
        }
    }
    let (bans, wrong) = Bans::parse(text);
    are_lines(&wrong, &wrong_lines);
    assert_eq!(bans.count(), wanted.len());
    let firsts = wanted.keys().take(8).map(|(is_v4, first, _)| match is_v4 {
        true => IpAddr::V4((*first as u32).into()),
        false => IpAddr::V6((*first).into()),
    });
    let others = [
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "2001:db8::1",
        "0.0.0.0",
        "::",
    ];
    let others = others.map(|ip| ip.parse().expect("an address"));
    for ip in firsts.chain(others) {
        let holding = wanted.iter().filter(|(network, _)| contains(**network, ip));
        let narrowest = holding.max_by_key(|((_, _, bits), _)| *bits);
        let refusal = bans.refusal(ip);
        assert_eq!(refusal.is_some(), narrowest.is_some(), "{ip}");
        if let (Some(refusal), Some((_, reason))) = (refusal, narrowest) {
            let line = refusal.to_string();
            plain_line(&line);
            // Cut where it would not fit.
            if reason.len() < 100 && reason.chars().all(is_plain) {
                assert!(line.ends_with(reason), "{line}: {reason}");
            }
        }
    }
}

/// The family, the first address and the bits of a network.
type Network = (bool, u128, u32);

fn network_of(text: &str) -> Option<Network> {
    let (ip, bits) = text.split_once('/').unwrap_or((text, ""));
    let ip: IpAddr = ip
        .parse()
        .ok()
        .filter(|ip: &IpAddr| ip.to_canonical() == *ip)?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = match text.contains('/') {
        true if bits.starts_with('+') => return None,
        true => bits.parse().ok().filter(|bits| *bits <= most)?,
        false => most,
    };
    let first = bits_of(ip);
    let rest = most - bits;
    let is_first = rest == 128 && first == 0 || rest < 128 && first >> rest << rest == first;
    is_first.then_some((ip.is_ipv4(), first, bits))
}

fn bits_of(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits().into(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn contains((is_v4, first, bits): Network, ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let rest = if is_v4 { 32 - bits } else { 128 - bits };
    let start = |bits: u128| bits.checked_shr(rest).unwrap_or(0);
    ip.is_ipv4() == is_v4 && start(bits_of(ip)) == start(first)
}

fn are_lines(wrong: &[WrongLine], numbers: &[usize]) {
    let found: Vec<usize> = wrong.iter().map(|line| line.number).collect();
    assert_eq!(found, numbers);
    wrong.iter().for_each(|line| plain_line(&line.why));
}
