//! Which addresses of a tracker are tried, and in which order. Pure.

use std::collections::VecDeque;
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
    /// those that were silent.
    pub(super) fn order(&mut self, found: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
        let preferred = found.first().copied().map(Family::of);
        let (these, others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|address| Some(Family::of(*address)) == preferred);
        let mut in_turn: Vec<SocketAddr> = Vec::new();
        for place in 0..these.len().max(others.len()) {
            let pair = [these.get(place), others.get(place)];
            for address in pair.into_iter().flatten() {
                if !in_turn.contains(address) {
                    in_turn.push(*address);
                }
            }
        }
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

    /// An address has answered.
    pub(super) fn answered(&mut self, address: SocketAddr) {
        self.silent.retain(|other| *other != address);
        self.answered = Some(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(memory: &mut Memory, found: &[&str]) -> Vec<String> {
        let found = found.iter().map(|address| address.parse().unwrap());
        let order = memory.order(found.collect());
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
    fn those_that_fail_make_room_for_the_others() {
        let many: Vec<SocketAddr> = (1..=9).map(|n| ([10, 0, 0, 1], n).into()).collect();
        let mut memory = Memory::default();
        many[..MAX_TRIED].iter().for_each(|it| memory.failed(*it));
        assert_eq!(memory.order(many.clone())[0], many[MAX_TRIED]);
        memory.answered(many[0]);
        memory.failed(many[0]);
        assert_eq!(
            memory.order(many.clone())[0],
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
        let order = memory.order(many.clone());
        assert_eq!((order.len(), order[0]), (MAX_TRIED, many[900]));
        assert_eq!(order[1], many[100]);
        assert!(memory.silent.is_empty(), "they were not found among those");
    }
}
