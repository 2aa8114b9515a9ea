//! What the admin of a game server is told. Pure.
//!
//! This file hides how much is said: each trouble once, and never so much that it hides the rest.

use super::budget::Budget;
use crate::game_server::event::{Event, Happening};
use crate::game_server::session::Situation;
use crate::protocol::scope::Scope;
use crate::protocol::text::without_digits;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

/// Decides what is said. Pure.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    trackers: HashMap<String, Known>,
    /// Where the game server has answered, if it is asked.
    asked: Option<IpAddr>,
}

/// What was said about one tracker.
#[derive(Debug)]
struct Known {
    /// The troubles that were reported since it was listed.
    troubles: HashSet<String>,
    is_listed: bool,
    is_checked: bool,
    budget: Budget,
}

impl Reporter {
    /// The game server has answered at this address.
    pub(super) fn asked(&mut self, ip: IpAddr) {
        self.asked = Some(ip.to_canonical());
    }

    /// The lines about `event`.
    pub(super) fn lines(
        &mut self,
        event: &Event,
        situation: Situation,
        now: Instant,
    ) -> Vec<String> {
        let tracker = event.tracker.short();
        let known = self.trackers.entry(tracker.clone()).or_insert(Known {
            troubles: HashSet::new(),
            is_listed: false,
            is_checked: false,
            budget: Budget::new(now),
        });
        let was_listed = known.is_listed;
        known.is_listed = match event.what {
            Happening::Listed(_) => true,
            Happening::Lost { .. }
            | Happening::Refused { .. }
            | Happening::SameList(_)
            | Happening::Left => false,
            _ => was_listed,
        };
        let is_news = match &event.what {
            Happening::Listed(_) => {
                known.troubles.clear();
                known.is_checked = false;
                true
            }
            // It is checked again every ten minutes.
            Happening::Checked => !std::mem::replace(&mut known.is_checked, true),
            // When it was listed, it was said that this port is never checked. No existing game
            // answers a tracker.
            Happening::Unchecked => {
                !situation.is_never_checked() && (situation.answers || !situation.is_queried)
            }
            Happening::Lost { why, .. } => was_listed || known.troubles.insert(why.clone()),
            Happening::Refused {
                again_in: Some(_),
                refusal,
            } => known.troubles.insert(without_digits(&refusal.text)),
            Happening::Left => was_listed,
            Happening::Checking(_) => known.troubles.insert("checking".to_owned()),
            _ => true,
        };
        if !is_news {
            return Vec::new();
        }
        let left_out = known.budget.renew(now);
        let left_out = left_out.map(|lines| format!("{lines} lines about {tracker} left out"));
        let mut lines = Vec::from_iter(left_out);
        let is_last = matches!(event.what, Happening::Refused { again_in: None, .. });
        if !is_last && !known.budget.take() {
            return lines;
        }
        lines.push(event.to_string());
        let advice = advice(event, situation, self.asked);
        if !advice.is_empty() {
            lines.push(format!("  {advice}"));
        }
        lines
    }
}

/// What a person can do about it, if there is anything.
fn advice(event: &Event, situation: Situation, asked: Option<IpAddr>) -> String {
    match &event.what {
        Happening::Refused { refusal, .. } => refusal.advice(situation),
        Happening::SameList(_) => {
            "name one of the two, or better one name that has the addresses of both".to_owned()
        }
        Happening::Listed(_) if situation.is_never_checked() => situation.advice_on_low_port(),
        Happening::Listed(address) => {
            let asked = asked.filter(|_| !situation.names_ip);
            let elsewhere = asked.and_then(|asked| advice_on_asked(asked, address));
            elsewhere.unwrap_or_else(|| advice_on_address(address, event))
        }
        Happening::Unchecked => situation.advice_on_silence(),
        Happening::Checking(_) if !situation.answers => {
            let named = match situation.names_ip {
                true => "the ip= that you name is proven by UDP: ",
                false => "",
            };
            match situation.is_queried {
                true => format!("{named}{}", situation.advice_on_silence()),
                false => {
                    format!(
                        "{named}let the game answer the CHALLENGE that comes there, or use --pong"
                    )
                }
            }
        }
        _ => String::new(),
    }
}

/// What to do if the game server was asked at another address than the listed one. That of this machine
/// to itself is another wherever it is listed.
fn advice_on_asked(asked: IpAddr, address: &str) -> Option<String> {
    let listed: SocketAddr = address.parse().ok()?;
    let itself: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let is_usual = itself.contains(&asked) || asked.is_unspecified();
    (!is_usual && asked != listed.ip().to_canonical()).then(|| {
        format!(
            "the game is asked at {asked} and announced at the address that the tracker sees, {}; if \
             players do not reach the game there, name the address that they reach: ip=ADDRESS",
            listed.ip()
        )
    })
}

/// What to do about an address that not everybody can reach.
fn advice_on_address(address: &str, Event { tracker, .. }: &Event) -> String {
    let ip = address.parse().ok().map(|address: SocketAddr| address.ip());
    match ip.and_then(Scope::of) {
        Some(scope @ (Scope::Machine | Scope::Network)) => format!(
            "{} reach that; for others name the address that they reach: ip=ADDRESS",
            scope.who()
        ),
        // Nobody has said that it should be IPv6.
        _ if address.starts_with('[') && tracker.has_name() && tracker.family().is_none() => {
            "that is IPv6: if the game listens on IPv4 only, add --ipv4".to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{MAX_LINES, WINDOW};
    use super::*;
    use crate::game_server::session::{Stage, TrackerRefusal};
    use crate::game_server::tracker_address::TrackerAddress;
    use crate::reach::Family;
    use std::time::Duration;

    fn event(what: Happening) -> Event {
        let tracker = "tracker.example".parse().unwrap();
        Event { tracker, what }
    }

    fn lost(why: &str, was_listed: bool, seconds: u64) -> Event {
        event(Happening::Lost {
            why: why.to_owned(),
            was_listed,
            again_in: Duration::from_secs(seconds),
        })
    }

    fn refused(said: &str, stage: Stage, again_in: Option<u64>) -> Event {
        event(Happening::Refused {
            refusal: TrackerRefusal::parse(said, stage),
            again_in: again_in.map(Duration::from_secs),
        })
    }

    #[test]
    fn each_trouble_is_said_once_until_all_is_well_again() {
        let mut reporter = Reporter::default();
        let now = Instant::now();
        let mut says = |event: Event| reporter.lines(&event, Situation::USUAL, now).join("|");
        let listed = || event(Happening::Listed("1.2.3.4:1".to_owned()));
        for _ in 0..2 {
            let first = says(lost("nobody listens there", false, 1));
            assert!(first.ends_with("next try in 1.0 s"), "{first}");
            for seconds in [2, 4, 8] {
                assert_eq!(says(lost("nobody listens there", false, seconds)), "");
            }
            let penalty = "too-many wait 20 s";
            assert_ne!(says(refused(penalty, Stage::LoggingIn, Some(20))), "");
            let penalty = "too-many wait 5 s";
            assert_eq!(says(refused(penalty, Stage::LoggingIn, Some(6))), "");
            assert_eq!(says(listed()), "listed on tracker.example as 1.2.3.4:1");
            assert_ne!(says(event(Happening::Checked)), "");
            assert_eq!(says(event(Happening::Checked)), "");
            assert!(says(lost("it hung up", true, 1)).starts_with("lost tracker.example"));
            assert_eq!(
                says(event(Happening::Left)),
                "",
                "it was not listed any more"
            );
        }
    }

    #[test]
    fn a_refusal_comes_with_what_to_do_about_it_on_a_line_of_its_own() {
        let mut reporter = Reporter::default();
        let refusal = refused("taken 1.2.3.4:1 is listed", Stage::Introducing, None);
        assert_eq!(
            reporter.lines(&refusal, Situation::USUAL, Instant::now()),
            [
                "tracker.example refused (taken): 1.2.3.4:1 is listed; it is not tried again",
                "  somebody else announces this port with another password or key; end that, or use \
                 theirs"
            ]
        );
    }

    #[test]
    fn who_names_two_trackers_of_one_list_is_told_what_to_name() {
        let same = event(Happening::SameList("b.example".parse().unwrap()));
        let lines = Reporter::default().lines(&same, Situation::USUAL, Instant::now());
        assert!(lines[1].starts_with("  name one of the two"), "{lines:?}");
    }

    #[test]
    fn who_is_listed_over_ipv6_without_having_asked_for_it_is_told() {
        let now = Instant::now();
        let says = |tracker: TrackerAddress, address: &str| {
            let what = Happening::Listed(address.to_owned());
            Reporter::default().lines(&Event { tracker, what }, Situation::USUAL, now)
        };
        let name: TrackerAddress = "tracker.example".parse().unwrap();
        assert_eq!(
            says(name.clone(), "[2001:db8::7]:1"),
            [
                "listed on tracker.example as [2001:db8::7]:1",
                "  that is IPv6: if the game listens on IPv4 only, add --ipv4"
            ]
        );
        let quiet = "listed on tracker.example as ";
        assert_eq!(
            says(name.clone(), "1.2.3.4:1"),
            [format!("{quiet}1.2.3.4:1")]
        );
        assert_eq!(
            says(name.over(Family::Ipv6), "[2001:db8::7]:1"),
            [format!("{quiet}[2001:db8::7]:1")]
        );
        let literal = "[2001:db8::1]".parse().unwrap();
        assert_eq!(
            says(literal, "[2001:db8::7]:1"),
            ["listed on [2001:db8::1] as [2001:db8::7]:1"]
        );
    }

    #[test]
    fn a_port_that_is_not_checked_is_news_and_one_that_never_is_was_said_before() {
        let mut reporter = Reporter::default();
        let now = Instant::now();
        let unchecked = event(Happening::Unchecked);
        let listed = event(Happening::Listed("1.2.3.4:1".to_owned()));
        for (answers, advice) in [
            (false, "--pong does it"),
            (true, "if you are behind a router"),
        ] {
            let situation = Situation {
                answers,
                ..Situation::USUAL
            };
            assert_eq!(reporter.lines(&listed, situation, now).len(), 1);
            let lines = reporter.lines(&unchecked, situation, now);
            assert!(lines[1].contains(advice), "{lines:?}");
            let low = Situation {
                udp_port: 80,
                ..situation
            };
            let lines = reporter.lines(&listed, low, now);
            assert!(lines[1].contains("below 1024"), "{lines:?}");
            assert!(reporter.lines(&unchecked, low, now).is_empty());
        }
        let checking = event(Happening::Checking("10.2.9.9:1".to_owned()));
        let named = Situation {
            names_ip: true,
            ..Situation::USUAL
        };
        let lines = reporter.lines(&checking, named, now);
        assert!(
            lines[1].starts_with("  the ip= that you name is proven by UDP: "),
            "{lines:?}"
        );
    }

    #[test]
    fn an_address_that_not_everybody_reaches_is_mentioned() {
        for (address, who) in [
            (
                "127.0.0.1:1",
                "only players on the same machine reach that; for others name",
            ),
            (
                "192.168.7.2:1",
                "only players in the same network reach that; for others name",
            ),
            ("[fd00::7]:1", "only players in the same network"),
            ("198.51.100.7:1", ""),
            ("[2001:db8::7]:1", "that is IPv6"),
            ("?", ""),
        ] {
            let listed = event(Happening::Listed(address.to_owned()));
            let lines = Reporter::default().lines(&listed, Situation::USUAL, Instant::now());
            let advice = lines.get(1).map_or("", |line| line.trim_start());
            assert!(advice.starts_with(who), "{lines:?}");
            assert_eq!(lines.len(), 1 + usize::from(!who.is_empty()), "{lines:?}");
        }
    }

    #[test]
    fn who_is_asked_at_another_address_than_the_listed_one_is_told() {
        let now = Instant::now();
        let says = |asked: &str, listed: &str, names_ip: bool| {
            let mut reporter = Reporter::default();
            reporter.asked(asked.parse().unwrap());
            let situation = Situation {
                names_ip,
                ..Situation::USUAL
            };
            let listed = event(Happening::Listed(listed.to_owned()));
            reporter.lines(&listed, situation, now).join("|")
        };
        for (asked, listed, is_elsewhere) in [
            ("192.0.2.7", "198.51.100.7:1", true),
            ("127.0.0.77", "127.0.0.1:1", true),
            ("2001:db8::7", "198.51.100.7:1", true),
            ("127.0.0.1", "198.51.100.7:1", false),
            ("::1", "198.51.100.7:1", false),
            ("198.51.100.7", "198.51.100.7:1", false),
            ("198.51.100.7", "[::ffff:198.51.100.7]:1", false),
        ] {
            let part = format!("the game is asked at {asked} and announced at ");
            let told = says(asked, listed, false);
            assert_eq!(told.contains(&part), is_elsewhere, "{told}");
            assert!(!says(asked, listed, true).contains(&part));
        }
    }

    #[test]
    fn a_storm_is_counted_and_the_last_word_is_said() {
        let mut reporter = Reporter::default();
        let start = Instant::now();
        let mut lines = 0;
        for _ in 0..50 {
            let listed = event(Happening::Listed("1.2.3.4:1".to_owned()));
            lines += reporter.lines(&listed, Situation::USUAL, start).len();
            lines += reporter
                .lines(&lost("it hung up", true, 1), Situation::USUAL, start)
                .len();
        }
        assert_eq!(lines, MAX_LINES as usize);
        let last = refused("banned", Stage::Listed, None);
        assert!(!reporter.lines(&last, Situation::USUAL, start).is_empty());
        let lines = reporter.lines(&lost("still", false, 1), Situation::USUAL, start + WINDOW);
        assert_eq!(lines[0], "70 lines about tracker.example left out");
        assert_eq!(lines.len(), 2);
    }
}
