//! What speaks against an entry of a list. Pure.
//!
//! This file decides to which addresses a tracker may send a player. Strangers write the list: it must
//! not make a player's program speak to his own machine or network.

use crate::protocol::fields::Infos;
use crate::protocol::scope::Scope;
use std::net::IpAddr;

/// Why a game server may not be there for the player; the lightest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Its game server was not heard of since the tracker was started again, or is logged in to another
    /// tracker that is not heard of.
    Stale,
    /// The address is one of the player's own machine or network, and the tracker is not there.
    Local,
    /// The address is not that of one host.
    Invalid,
}

impl Doubt {
    /// What speaks against this entry of the tracker that was reached at `tracker`. If that address is
    /// not known, the tracker counts as one on the Internet.
    ///
    /// ```
    /// use gltracker::client::Doubt;
    /// use gltracker::protocol::fields::Infos;
    /// let router = "192.168.1.1".parse()?;
    /// let of = |tracker: &str| Doubt::of(router, &Infos::default(), tracker.parse().ok());
    /// assert_eq!((of("192.168.1.5"), of("198.51.100.7")), (None, Some(Doubt::Local)));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn of(address: IpAddr, infos: &Infos, tracker: Option<IpAddr>) -> Option<Self> {
        let tracker = tracker.and_then(Scope::of).unwrap_or(Scope::World);
        match Scope::of(address) {
            None => Some(Self::Invalid),
            Some(scope) if scope < tracker => Some(Self::Local),
            Some(_) => infos.get("stale").map(|_| Self::Stale),
        }
    }

    /// True if the game server may be pinged and joined all the same.
    pub fn may_be_used(self) -> bool {
        self == Self::Stale
    }

    /// The word for programs and columns.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Local => "local",
            Self::Invalid => "invalid",
        }
    }

    /// The same for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Stale => "stale, not heard of since its tracker was started again or lost",
            Self::Local => {
                "an address of your own machine or network, from a tracker that is not there"
            }
            Self::Invalid => "no game server can have this address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_may_send_players_only_to_where_it_is_itself_or_further_away() {
        let trackers = ["127.0.0.1", "192.168.1.5", "198.51.100.7"];
        let (none, local) = (None, Some(Doubt::Local));
        for (address, doubts) in [
            ("198.51.100.9", [none, none, none]),
            ("2001:db8::9", [none, none, none]),
            ("10.0.0.1", [none, none, local]),
            ("172.31.255.255", [none, none, local]),
            ("192.168.1.1", [none, none, local]),
            ("100.64.0.1", [none, none, local]),
            ("169.254.1.1", [none, none, local]),
            ("fe80::1", [none, none, local]),
            ("fd00::1", [none, none, local]),
            ("::ffff:10.0.0.1", [none, none, local]),
            ("127.0.0.1", [none, local, local]),
            ("127.9.9.9", [none, local, local]),
            ("::1", [none, local, local]),
            ("::ffff:127.0.0.1", [none, local, local]),
            ("172.32.0.1", [none, none, none]),
            ("100.128.0.1", [none, none, none]),
        ] {
            let of = |tracker: &str| {
                let tracker = tracker.parse().ok();
                Doubt::of(address.parse().unwrap(), &Infos::default(), tracker)
            };
            assert_eq!(trackers.map(of), doubts, "{address}");
            assert_eq!(of("?"), doubts[2], "{address}");
            assert_eq!(of("::1"), doubts[0], "{address}");
            assert_eq!(of("::ffff:127.0.0.1"), doubts[0], "{address}");
            assert_eq!(of("fd00::7"), doubts[1], "{address}");
            assert_eq!(of("2001:db8::7"), doubts[2], "{address}");
        }
    }

    #[test]
    fn no_tracker_may_send_players_to_what_is_no_host() {
        for address in [
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "ff02::1",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
        ] {
            let ip = address.parse().unwrap();
            let doubt = Doubt::of(ip, &Infos::default(), "127.0.0.1".parse().ok());
            assert_eq!(doubt, Some(Doubt::Invalid), "{address}");
        }
    }

    #[test]
    fn only_a_stale_entry_may_be_used_all_the_same() {
        let mut infos = Infos::default();
        infos.set("stale", "yes").unwrap();
        let of = |address: &str| Doubt::of(address.parse().unwrap(), &infos, None);
        assert_eq!(of("198.51.100.9"), Some(Doubt::Stale));
        assert_eq!(of("127.0.0.1"), Some(Doubt::Local));
        assert!(of("198.51.100.9").is_none_or(Doubt::may_be_used));
        assert!(!of("127.0.0.1").is_none_or(Doubt::may_be_used));
        assert!(!of("0.0.0.0").is_none_or(Doubt::may_be_used));
    }
}
