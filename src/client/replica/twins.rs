//! A game server that is listed at two addresses. Pure.
//!
//! This file hides when two entries are one game server. Whoever logs in may say any `group`, so that alone
//! proves nothing: the two must be of different families and the same in port and name, and nobody else may
//! say the same. A third one, such as a stranger, makes all of them stand alone again. But one that is listed in
//! one family only has no such guard: a stranger of the other can pass for its other half.

use crate::protocol::fields::Infos;
use std::collections::HashMap;
use std::net::SocketAddr;

/// The other address of each entry that has one.
pub(crate) fn twins<'a>(
    listed: impl Iterator<Item = (SocketAddr, &'a Infos)>,
) -> HashMap<SocketAddr, SocketAddr> {
    let mut groups: HashMap<String, Vec<(SocketAddr, &Infos)>> = HashMap::new();
    for (address, infos) in listed {
        if let Some(group) = infos.get("group") {
            let entries = groups.entry(group.into_owned()).or_default();
            entries.push((address, infos));
        }
    }
    let mut twins = HashMap::new();
    for entries in groups.values() {
        if let [(one, said), (other, also_said)] = entries[..]
            && one.is_ipv4() != other.is_ipv4()
            && one.port() == other.port()
            && said.get("description") == also_said.get("description")
        {
            twins.extend([(one, other), (other, one)]);
        }
    }
    twins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    /// The ports of entries that are twins.
    fn pairs(entries: &[(&str, &str)]) -> Vec<u16> {
        let entry = |(address, said): &(&str, &str)| {
            let infos = Infos::default().with(&Changes::parse(said).unwrap());
            (address.parse().unwrap(), infos)
        };
        let entries: Vec<(SocketAddr, Infos)> = entries.iter().map(entry).collect();
        let twins = twins(entries.iter().map(|(address, infos)| (*address, infos)));
        assert!(twins.iter().all(|(one, other)| twins[other] == *one));
        let mut ports: Vec<u16> = twins.keys().map(SocketAddr::port).collect();
        ports.sort_unstable();
        ports
    }

    #[test]
    fn one_of_each_family_in_a_group_are_one_game_server() {
        let (four, six) = ("192.0.2.1:5", "[2001:db8::1]:5");
        assert_eq!(pairs(&[(four, "group=a"), (six, "group=a")]), [5, 5]);
        assert_eq!(pairs(&[(four, "group=a"), (six, "group=b")]), []);
        assert_eq!(pairs(&[(four, ""), (six, "")]), [], "nobody says so");
        assert_eq!(pairs(&[(four, "group=a"), ("192.0.2.2:5", "group=a")]), []);
    }

    #[test]
    fn a_stranger_makes_no_pair_that_hides_somebody() {
        let (four, six) = ("192.0.2.1:5", "[2001:db8::1]:5");
        let named = "group=a description=x";
        let stranger = ("[2001:db8::bad]:5", named);
        assert_eq!(pairs(&[(four, named), (six, named), stranger]), []);
        assert_eq!(pairs(&[(four, named), ("[2001:db8::bad]:6", named)]), []);
        assert_eq!(pairs(&[(four, named), (six, "group=a description=y")]), []);
    }
}
