//! Who may hold a slot.
//!
//! This file hides how MAX_SLOTS is shared: every class has slots of its own, and one class never
//! takes those of another. Pure decisions: no socket, no thread, no clock.

use super::registry::ConnectionId;
use crate::protocol::message::{ErrorCode, Refusal};
use std::collections::HashMap;

/// What a slot is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// On the game-server port, not proven yet.
    Pending,
    /// A game server on the list.
    Listed,
    /// On the client port.
    Client,
    /// A client that receives live changes.
    Watcher,
}

impl Class {
    /// All classes, in the order of `--slot-shares`.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Listed, Self::Client, Self::Watcher];

    /// The class as it is written in logs and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Listed => "listed",
            Self::Client => "client",
            Self::Watcher => "watcher",
        }
    }
}

/// How MAX_SLOTS is divided, as `pending:listed:client:watcher`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotShares([u32; 4]);

impl Default for SlotShares {
    /// Most slots are for those who stay: 1/8 pending, 4/8 listed, 2/8 client, 1/8 watcher.
    fn default() -> Self {
        Self([1, 4, 2, 1])
    }
}

impl std::str::FromStr for SlotShares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shares: Option<Vec<u32>> = text
            .split(':')
            .map(|n| n.parse().ok().filter(|n| (1..=10_000).contains(n)))
            .collect();
        match shares.as_deref() {
            Some(&[pending, listed, client, watcher]) => {
                Ok(Self([pending, listed, client, watcher]))
            }
            _ => Err(format!(
                "'{text}' is not four shares from 1 to 10000, such as 1:4:2:1 \
                 (pending:listed:client:watcher)"
            )),
        }
    }
}

/// How many slots each class has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits([usize; 4]);

impl Limits {
    /// Divides `max_slots`; what does not divide evenly goes to *listed*. `None` if a class would
    /// be left without a slot.
    pub fn divide(max_slots: usize, shares: SlotShares) -> Option<Self> {
        let all: u64 = shares.0.iter().map(|&share| u64::from(share)).sum();
        let part = |share: u32| (max_slots as u64 * u64::from(share) / all).max(1) as usize;
        let [pending, _, client, watcher] = shares.0.map(part);
        let listed = max_slots
            .checked_sub(pending + client + watcher)
            .filter(|&n| n > 0)?;
        Some(Self([pending, listed, client, watcher]))
    }

    /// The slots of one class.
    pub fn of(self, class: Class) -> usize {
        self.0[class as usize]
    }
}

/// The slots in use and who holds them. `H` is whatever the caller needs to reach a holder.
#[derive(Debug)]
pub struct Admission<H> {
    limits: Limits,
    used: [usize; 4],
    holders: HashMap<ConnectionId, (Class, H)>,
}

impl<H> Admission<H> {
    /// All slots free.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            used: [0; 4],
            holders: HashMap::new(),
        }
    }

    /// A new connection asks for a slot of `class`.
    ///
    /// # Errors
    /// `busy` when all slots of the class are in use.
    pub fn arrive(&mut self, id: ConnectionId, class: Class, handle: H) -> Result<(), Refusal> {
        self.take(class)?;
        self.holders.insert(id, (class, handle));
        Ok(())
    }

    /// A holder moves on to another class, giving its slot back.
    ///
    /// # Errors
    /// `busy` when all slots of that class are in use: the holder keeps the slot it has.
    pub fn promote(&mut self, id: ConnectionId, class: Class) -> Result<(), Refusal> {
        let Some(from) = self.holders.get(&id).map(|(from, _)| *from) else {
            return Ok(());
        };
        if from != class {
            self.take(class)?;
            self.used[from as usize] -= 1;
            if let Some(holder) = self.holders.get_mut(&id) {
                holder.0 = class;
            }
        }
        Ok(())
    }

    /// A holder goes: its slot is free again.
    pub fn leave(&mut self, id: ConnectionId) {
        if let Some((class, _)) = self.holders.remove(&id) {
            self.used[class as usize] -= 1;
        }
    }

    fn take(&mut self, class: Class) -> Result<(), Refusal> {
        let (used, limit) = self.usage(class);
        if used >= limit {
            let text = format!(
                "all {limit} {} slots are in use, try again soon",
                class.as_str()
            );
            return Err(Refusal::new(ErrorCode::Busy, text));
        }
        self.used[class as usize] += 1;
        Ok(())
    }

    /// Slots of `class` in use, and how many there are.
    pub fn usage(&self, class: Class) -> (usize, usize) {
        (self.used[class as usize], self.limits.of(class))
    }

    /// True when more than half of the slots of `class` are in use: steps must be quick then.
    pub fn is_crowded(&self, class: Class) -> bool {
        let (used, limit) = self.usage(class);
        used * 2 > limit
    }

    /// How to reach the holder `id`.
    pub fn handle(&self, id: ConnectionId) -> Option<&H> {
        self.holders.get(&id).map(|(_, handle)| handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn limits(max_slots: usize, shares: &str) -> Option<[usize; 4]> {
        Limits::divide(max_slots, shares.parse().unwrap()).map(|limits| limits.0)
    }

    #[test]
    fn slots_are_divided_without_losing_any() {
        assert_eq!(limits(1024, "1:4:2:1"), Some([128, 512, 256, 128]));
        assert_eq!(limits(40, "1:4:2:1"), Some([5, 20, 10, 5]));
        assert_eq!(limits(1000, "1:1:1:3"), Some([166, 168, 166, 500]));
        assert_eq!(limits(4, "1:4:2:1"), Some([1, 1, 1, 1]));
        assert_eq!(limits(3, "1:4:2:1"), None);
        assert_eq!(limits(16000, "1:60:2:1"), Some([250, 15000, 500, 250]));
    }

    #[test]
    fn shares_are_four_positive_numbers() {
        for bad in [
            "",
            "1:2:3",
            "1:2:3:4:5",
            "0:1:1:1",
            "a:1:1:1",
            "1:1:1:-1",
            "1:1:1:10001",
        ] {
            assert!(bad.parse::<SlotShares>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_full_class_says_busy_and_others_go_on() {
        let mut admission = Admission::new(Limits([1, 1, 1, 1]));
        admission.arrive(1, Class::Client, "a").unwrap();
        let refusal = admission.arrive(2, Class::Client, "b").unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Busy);
        admission.arrive(3, Class::Pending, "c").unwrap();
        assert_eq!(admission.handle(1), Some(&"a"));
        assert_eq!(admission.handle(2), None);
        admission.leave(1);
        admission.leave(1);
        admission.arrive(2, Class::Client, "b").unwrap();
    }

    #[test]
    fn promotion_moves_a_slot_from_class_to_class() {
        let mut admission = Admission::new(Limits([2, 1, 1, 1]));
        admission.arrive(1, Class::Pending, ()).unwrap();
        admission.arrive(2, Class::Pending, ()).unwrap();
        admission.promote(1, Class::Listed).unwrap();
        assert_eq!(admission.usage(Class::Pending), (1, 2));
        assert_eq!(
            admission.promote(2, Class::Listed).unwrap_err().code,
            ErrorCode::Busy
        );
        assert_eq!(admission.usage(Class::Pending), (1, 2));
        admission.leave(1);
        assert_eq!(admission.usage(Class::Listed), (0, 1));
    }

    quickcheck! {
        fn no_history_loses_or_invents_a_slot(history: Vec<(u8, u8)>) -> bool {
            let mut admission = Admission::new(Limits([3, 2, 4, 1]));
            for (id, what) in history {
                let (id, class) = (u64::from(id % 12), Class::ALL[usize::from(what) % 4]);
                match what / 4 % 3 {
                    0 if admission.handle(id).is_none() => {
                        let _ = admission.arrive(id, class, ());
                    }
                    1 => {
                        let _ = admission.promote(id, class);
                    }
                    _ => admission.leave(id),
                }
                for class in Class::ALL {
                    let held = admission.holders.values().filter(|(c, ())| *c == class).count();
                    let (used, limit) = admission.usage(class);
                    assert!(used == held && used <= limit);
                }
            }
            true
        }
    }
}
