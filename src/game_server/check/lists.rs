//! What players are told, at each address of a tracker.

use crate::protocol::fields::Infos;
use crate::reach::Family;
use crate::reach::check::{Step, at_each, game_servers};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The game servers on a list, or why there is none.
type List = Result<Vec<(SocketAddr, Infos)>, String>;

/// What the program of a player does. It is another part of this program, and comes from there.
#[derive(Debug, Clone, Copy)]
pub struct Player {
    /// Asks the tracker at this address for its list.
    pub list: fn(SocketAddr) -> List,
    /// What speaks against an entry of a tracker that was reached at that address.
    pub doubt: fn(SocketAddr, &Infos, IpAddr) -> Option<&'static str>,
    /// Pings the game server of an entry.
    pub ping: fn(SocketAddr, &Infos) -> Option<Duration>,
}

/// The lists of all addresses of a tracker.
pub(super) struct Lists(Vec<(SocketAddr, List)>);

impl Lists {
    /// Asks all of these addresses.
    pub(super) fn ask(player: Player, addresses: &[SocketAddr]) -> Self {
        Self(at_each(addresses, player.list))
    }

    /// True if there is a list.
    pub(super) fn is_any(&self) -> bool {
        self.0.iter().any(|(_, list)| list.is_ok())
    }

    /// Only those that came.
    pub(super) fn that_came(mut self) -> Self {
        self.0.retain(|(_, list)| list.is_ok());
        self
    }

    /// The addresses that were asked.
    pub(super) fn asked(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|(asked, _)| *asked).collect()
    }

    /// The first address that has sent none, and why.
    pub(super) fn failure(&self) -> Option<(IpAddr, &str)> {
        let mut lists = self.0.iter();
        lists.find_map(|(asked, list)| Some((asked.ip(), list.as_ref().err()?.as_str())))
    }

    /// What came of each address, in words.
    pub(super) fn in_words(&self) -> Vec<(SocketAddr, Result<String, String>)> {
        let words = self.0.iter().map(|(address, list)| {
            let words = match list {
                Ok(list) => Ok(format!("it sends the list, {}", game_servers(list.len()))),
                Err(why) => Err(why.clone()),
            };
            (*address, words)
        });
        words.collect()
    }

    /// The first entry of which this is true.
    pub(super) fn entry(&self, is_it: impl Fn(SocketAddr) -> bool) -> Option<(SocketAddr, &Infos)> {
        let mut entries = self
            .0
            .iter()
            .filter_map(|(_, list)| list.as_ref().ok())
            .flatten();
        let found = entries.find(|(address, _)| is_it(*address))?;
        Some((found.0, &found.1))
    }

    /// True if all addresses have sent a list, and each has this entry.
    pub(super) fn all_have(&self, entry: SocketAddr) -> bool {
        let has = |list: &Vec<(SocketAddr, Infos)>| list.iter().any(|(at, _)| *at == entry);
        self.0.iter().all(|(_, list)| list.as_ref().is_ok_and(has))
    }

    /// The steps of what those see who ask for the list, at each address.
    pub(super) fn steps(&self, entry: SocketAddr, player: Player) -> Vec<Step> {
        let steps = self.0.iter().map(|(asked, list)| {
            let family = Family::of(*asked);
            let who = format!("Players who ask {} ({family})", asked.ip());
            let list = match list {
                Ok(list) => list,
                Err(why) => {
                    return Step::wrong(
                        format!("{who} get no list any more: {why}."),
                        "It came a moment ago. Check again; if that stays, does a firewall let a host \
                         connect only so often?",
                    );
                }
            };
            let Some((_, infos)) = list.iter().find(|(address, _)| *address == entry) else {
                return Step::wrong(
                    format!("{who} do not see it."),
                    "The addresses of this tracker have different lists, which its operator can \
                     mend: one tracker behind all, or several with --share.",
                );
            };
            let found = format!("{who} see: {}", infos.spelled().trim_start());
            match (player.doubt)(entry, infos, asked.ip()) {
                None => Step::well(found),
                Some(doubt) => Step::wrong(
                    format!("{found}. They do not join it: {doubt}."),
                    "Name the address that players reach: ip=ADDRESS.",
                ),
            }
        });
        steps.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;
    use crate::reach::check::Mark;

    const PLAYER: Player = Player {
        list: |_| Err("nobody is asked here".to_owned()),
        doubt: |_, _, tracker| tracker.is_ipv6().then_some("it is near"),
        ping: |_, _| None,
    };

    #[test]
    fn what_players_see_is_told_for_each_address() {
        let entry: SocketAddr = "198.51.100.7:1".parse().unwrap();
        let infos = Infos::default().with(&Changes::parse("map=\"old town\"").unwrap());
        let list = vec![(entry, infos)];
        let asked = |text: &str| text.parse::<SocketAddr>().unwrap();
        let alone = Lists(vec![(asked("192.0.2.1:2"), Ok(list.clone()))]);
        assert!(alone.all_have(entry) && alone.failure().is_none());
        let lists = Lists(vec![
            (asked("192.0.2.1:2"), Ok(list.clone())),
            (asked("192.0.2.2:2"), Ok(Vec::new())),
            (asked("192.0.2.3:2"), Err("nobody listens there".to_owned())),
            (asked("[2001:db8::1]:2"), Ok(list)),
        ]);
        let steps = lists.steps(entry, PLAYER);
        let marks: Vec<Mark> = steps.iter().map(|step| step.mark).collect();
        assert_eq!(marks, [Mark::Well, Mark::Wrong, Mark::Wrong, Mark::Wrong]);
        assert_eq!(
            steps[0].found,
            "Players who ask 192.0.2.1 (IPv4) see: map=\"old town\""
        );
        assert!(steps[1].advice.contains("--share"), "{steps:?}");
        assert!(
            steps[2]
                .found
                .ends_with("get no list any more: nobody listens there."),
            "{steps:?}"
        );
        assert!(
            steps[3].found.ends_with("They do not join it: it is near."),
            "{steps:?}"
        );
        assert!(lists.is_any() && !lists.all_have(entry));
        assert!(lists.entry(|address| address == entry).is_some());
        assert!(lists.entry(|address| address.port() == 9).is_none());
        let words = lists.in_words();
        assert_eq!(
            words[0].1,
            Ok("it sends the list, 1 game server".to_owned())
        );
        assert!(words[2].1.is_err());
        let failure = lists.failure().expect("one has failed");
        assert_eq!(failure, (asked("192.0.2.3:2").ip(), "nobody listens there"));
        let lists = lists.that_came();
        assert_eq!((lists.asked().len(), lists.failure()), (3, None));
        assert!(!lists.all_have(entry), "one has it not");
    }
}
