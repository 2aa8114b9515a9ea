//! Which addresses of a tracker are tried, and in which order. Pure.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;

/// The most addresses of one name that are tried.
const MAX_TRIED: usize = 8;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Addresses such as 198.51.100.7.
    Ipv4,
    /// Addresses such as 2001:db8::7.
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical().is_ipv4() {
            true => Self::Ipv4,
            false => Self::Ipv6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// What is known of the addresses of one tracker from the last time.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The one that has answered.
    answered: Option<SocketAddr>,
    /// Those that did not accept a connection, or did not answer on it.
    silent: Vec<SocketAddr>,
}

impl Memory {
    /// The addresses that were found in the order in which they are tried: the one that has
    /// answered, then both families in turn, beginning with the one that the system prefers, then
    /// those that were silent. `chance` decides within a family, so that many programs are spread
    /// over all addresses; with 0 they stay as they were found.
    pub(super) fn order(&mut self, found: Vec<SocketAddr>, chance: u64) -> VecDeque<SocketAddr> {
        let in_turn = in_turn(found, chance);
        let rank = |address: &SocketAddr| match Some(*address) == self.answered {
            true => 0,
            false => 1 + usize::from(self.silent.contains(address)),
        };
        let ranked = (0..=2).flat_map(|of| in_turn.iter().filter(move |it| rank(it) == of));
        let order: VecDeque<SocketAddr> = ranked.take(MAX_TRIED).copied().collect();
        self.silent.retain(|address| order.contains(address));
        order
    }

    /// An address has accepted a connection. Returns whether its answer is worth a long wait: not if
    /// it was silent before and another has answered.
    pub(super) fn connected(&mut self, address: SocketAddr) -> bool {
        self.answered = self.answered.filter(|other| *other != address);
        let was_silent = self.silent.contains(&address);
        if !was_silent {
            self.silent.push(address);
        }
        !was_silent || self.answered.is_none()
    }

    /// An address did not accept a connection.
    pub(super) fn failed(&mut self, address: SocketAddr) {
        if self.answered != Some(address) && !self.silent.contains(&address) {
            self.silent.push(address);
        }
    }

    /// An address has answered that it has no room: the others are better.
    pub(super) fn full(&mut self, address: SocketAddr) {
        self.connected(address);
    }

    /// An address has answered.
    pub(super) fn answered(&mut self, address: SocketAddr) {
        self.silent.retain(|other| *other != address);
        self.answered = Some(address);
    }
}

/// Both families in turn, beginning with that of the first address that was found; each family is
/// shuffled.
fn in_turn(found: Vec<SocketAddr>, chance: u64) -> Vec<SocketAddr> {
    let preferred = found.first().copied().map(Family::of);
    let mut seen = HashSet::new();
    let distinct = found.into_iter().filter(|address| seen.insert(*address));
    let (these, others): (Vec<_>, Vec<_>) =
        distinct.partition(|address| Some(Family::of(*address)) == preferred);
    let (these, others) = (shuffled(these, chance), shuffled(others, chance));
    let pairs = (0..these.len().max(others.len())).map(|at| [these.get(at), others.get(at)]);
    pairs.flatten().flatten().copied().collect()
}

/// The addresses in one of all possible orders. A chance of 64 bits tells the orders of 20 addresses
/// apart; of more, the first ones are shuffled.
fn shuffled(mut addresses: Vec<SocketAddr>, mut chance: u64) -> Vec<SocketAddr> {
    for place in 0..addresses.len() {
        let left = addresses.len() - place;
        addresses.swap(place, place + (chance % left as u64) as usize);
        chance /= left as u64;
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::RANDOM;
    use std::collections::HashMap;

    fn order(memory: &mut Memory, found: &[&str]) -> Vec<String> {
        let found = found.iter().map(|address| address.parse().unwrap());
        let order = memory.order(found.collect(), 0);
        order.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn both_families_are_tried_in_turn() {
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "[::1]:1"];
        assert_eq!(
            order(&mut Memory::default(), &found),
            ["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"]
        );
        assert_eq!(
            order(&mut Memory::default(), &["1.0.0.1:1", "[::1]:1"]),
            ["1.0.0.1:1", "[::1]:1"]
        );
        assert!(order(&mut Memory::default(), &[]).is_empty());
    }

    #[test]
    fn who_has_answered_is_first_and_who_was_silent_last() {
        let mut memory = Memory::default();
        let found = ["1.0.0.1:1", "1.0.0.2:1", "1.0.0.3:1"];
        let [a, b, _] = found.map(|address| address.parse().unwrap());
        assert!(memory.connected(a));
        assert_eq!(
            order(&mut memory, &found),
            ["1.0.0.2:1", "1.0.0.3:1", "1.0.0.1:1"]
        );
        assert!(memory.connected(a), "nobody else is better");
        assert!(memory.connected(b));
        memory.answered(b);
        assert_eq!(order(&mut memory, &found)[0], "1.0.0.2:1");
        assert!(!memory.connected(a));
        assert!(memory.connected(b));
        assert_eq!(
            order(&mut memory, &found),
            ["1.0.0.3:1", "1.0.0.1:1", "1.0.0.2:1"]
        );
        memory.connected(a);
        memory.answered(a);
        assert_eq!(
            order(&mut memory, &found),
            ["1.0.0.1:1", "1.0.0.3:1", "1.0.0.2:1"]
        );
    }

    #[test]
    fn one_that_was_full_is_asked_after_the_others() {
        let (a, found) = ("1.0.0.1:1".parse().unwrap(), ["1.0.0.1:1", "1.0.0.2:1"]);
        let mut memory = Memory::default();
        memory.answered(a);
        memory.full(a);
        assert_eq!(order(&mut memory, &found), ["1.0.0.2:1", "1.0.0.1:1"]);
        memory.answered(a);
        assert_eq!(order(&mut memory, &found), ["1.0.0.1:1", "1.0.0.2:1"]);
    }

    #[test]
    fn those_that_fail_make_room_for_the_others() {
        let many: Vec<SocketAddr> = (1..=9).map(|n| ([10, 0, 0, 1], n).into()).collect();
        let mut memory = Memory::default();
        many[..MAX_TRIED].iter().for_each(|it| memory.failed(*it));
        assert_eq!(memory.order(many.clone(), 0)[0], many[MAX_TRIED]);
        memory.answered(many[0]);
        memory.failed(many[0]);
        assert_eq!(
            memory.order(many.clone(), 0)[0],
            many[0],
            "it was there before"
        );
    }

    #[test]
    fn a_name_may_have_any_number_of_addresses() {
        let many: Vec<SocketAddr> = (1..1000).map(|n| ([10, 0, 0, 1], n).into()).collect();
        let mut memory = Memory::default();
        memory.answered(many[900]);
        for address in &many[..100] {
            memory.connected(*address);
        }
        let order = memory.order(many.clone(), 0);
        assert_eq!((order.len(), order[0]), (MAX_TRIED, many[900]));
        assert_eq!(order[1], many[100]);
        assert!(memory.silent.is_empty(), "they were not found among those");
    }

    /// Addresses of both families, one for each number, some twice.
    fn addresses(numbers: &[u8]) -> Vec<SocketAddr> {
        let address = |&n: &u8| match n % 3 {
            0 => SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(n)], 1)),
            _ => SocketAddr::from(([10, 0, 0, n], 1)),
        };
        numbers.iter().map(address).collect()
    }

    quickcheck::quickcheck! {
        fn chance_leaves_nobody_out_and_keeps_the_families_in_turn(
            numbers: Vec<u8>, chance: u64
        ) -> bool {
            let found = addresses(&numbers);
            let order = in_turn(found.clone(), chance);
            let families = |all: &[SocketAddr]| all.iter().map(|it| Family::of(*it)).collect::<Vec<_>>();
            let sorted = |mut all: Vec<SocketAddr>| {
                all.sort_unstable();
                all.dedup();
                all
            };
            order.len() == sorted(order.clone()).len()
                && sorted(order.clone()) == sorted(found.clone())
                && families(&order) == families(&in_turn(found, 0))
        }

        fn what_is_known_counts_for_more_than_chance(numbers: Vec<u8>, chance: u64) -> bool {
            let mut found = addresses(&numbers);
            found.sort_unstable();
            found.dedup();
            found.truncate(MAX_TRIED);
            let [best, worst, ..] = found[..] else {
                return true;
            };
            let mut memory = Memory::default();
            memory.answered(best);
            memory.failed(worst);
            let order = memory.order(found, chance);
            order.front() == Some(&best) && order.back() == Some(&worst)
        }
    }

    #[test]
    fn a_thousand_programs_spread_evenly() {
        let found: Vec<SocketAddr> = (1..=4).map(|n| ([10, 0, 0, n], 1).into()).collect();
        let mut firsts: HashMap<SocketAddr, u32> = HashMap::new();
        let mut orders = HashSet::new();
        for _ in 0..1000 {
            let order = Memory::default().order(found.clone(), RANDOM.number());
            *firsts.entry(order[0]).or_default() += 1;
            orders.insert(order);
        }
        // 250 each, give or take six standard deviations of 14.
        assert!(
            firsts.values().all(|count| (166..334).contains(count)),
            "{firsts:?}"
        );
        assert_eq!(
            (firsts.len(), orders.len()),
            (4, 24),
            "whoever loses one spreads too"
        );
    }
}
