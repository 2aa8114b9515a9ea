//! The flags of the door for the Quake family.

use crate::bridge::quake::Rules;
use crate::protocol::text::number;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// The most game servers that one door may be told to have room for.
const COUNTS: RangeInclusive<usize> = 1..=65_536;

/// Takes the value of a flag. False if it is not one of these.
///
/// # Errors
/// What would be right.
pub(super) fn set(rules: &mut Rules, flag: &str, value: &str) -> Result<bool, String> {
    match flag {
        "--heartbeat" => rules.games.add_tag(value)?,
        "--alias" => rules.games.add_alias(value)?,
        "--games" => rules.games.admit(value)?,
        "--max-servers" => rules.most = count(value)?,
        "--per-host" => rules.most_of_host = count(value)?,
        "--throttle" => rules.per_host = bytes(value)?,
        "--throttle-all" => rules.in_all = bytes(value)?,
        "--no-loopback" => rules.loopback = false,
        "--map" => rules.maps.push(map(value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn count(text: &str) -> Result<usize, String> {
    let count = number(text).filter(|count| COUNTS.contains(count));
    count.ok_or_else(|| {
        let (least, most) = (COUNTS.start(), COUNTS.end());
        format!("'{text}' is not a number from {least} to {most}")
    })
}

fn bytes(text: &str) -> Result<u32, String> {
    number(text).ok_or_else(|| {
        format!("'{text}' is not a number of bytes a second, such as 16384, or 0 for no bound")
    })
}

/// Two addresses of one family.
fn map(text: &str) -> Result<(IpAddr, IpAddr), String> {
    let read = |ip: &str| ip.parse::<IpAddr>().ok();
    let pair = text.split_once('=');
    let pair = pair.and_then(|(from, to)| Some((read(from)?, read(to)?)));
    let pair = pair.filter(|(from, to)| from.is_ipv4() == to.is_ipv4());
    pair.ok_or_else(|| {
        format!("'{text}' is not FROM=TO, two addresses, such as 127.0.0.1=203.0.113.7")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_are_the_rules() {
        let mut rules = Rules::default();
        for (flag, value) in [
            ("--heartbeat", "COD-4=cod4"),
            ("--alias", "etlegacy=et"),
            ("--games", "et,cod4"),
            ("--max-servers", "9"),
            ("--per-host", "3"),
            ("--throttle", "0"),
            ("--throttle-all", "1000000"),
            ("--no-loopback", "yes"),
            ("--map", "127.0.0.1=203.0.113.7"),
        ] {
            assert_eq!(set(&mut rules, flag, value), Ok(true), "{flag}");
        }
        assert_eq!((rules.most, rules.most_of_host), (9, 3));
        assert_eq!((rules.per_host, rules.in_all), (0, 1_000_000));
        assert!(!rules.loopback && rules.maps.len() == 1);
        assert_eq!(set(&mut rules, "--frobnicate", "1"), Ok(false));
    }

    #[test]
    fn what_is_wrong_is_told_what_would_be_right() {
        for (flag, value, part) in [
            ("--heartbeat", "COD-4", "TAG=GAME"),
            ("--alias", "a b=c", "OTHER=GAME"),
            ("--games", "a,", "GAME,GAME"),
            ("--max-servers", "0", "from 1 to"),
            ("--per-host", "many", "from 1 to"),
            ("--throttle", "16k", "bytes a second"),
            ("--map", "127.0.0.1=::1", "FROM=TO"),
            ("--map", "localhost=::1", "FROM=TO"),
        ] {
            let error = set(&mut Rules::default(), flag, value).unwrap_err();
            assert!(error.contains(part), "{flag} {value}: {error}");
        }
    }
}
