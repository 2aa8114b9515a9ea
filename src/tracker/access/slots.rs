//! How MAX_SLOTS is shared.
//!
//! Each class has its own slots, which no other class takes.

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
    pub(crate) const ALL: [Self; 4] = [Self::Pending, Self::Listed, Self::Client, Self::Watcher];

    /// The class as it is written in logs and counters.
    pub(crate) fn as_str(self) -> &'static str {
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
pub struct SlotShares(pub(super) [u32; 4]);

impl Default for SlotShares {
    /// Most slots are for those who stay: 1/8 pending, 4/8 listed, 2/8 client, 1/8 watcher.
    fn default() -> Self {
        Self([1, 4, 2, 1])
    }
}

/// The most guests, half of them on each port. Each has a quarter of a second to speak while no more than
/// 384 come to its port in a second.
pub(crate) const MOST_GUESTS: usize = 192;

/// The most connections of proxies themselves. Ten proxies that look twice a second whether both ports
/// answer, and hang up within a second, have 40.
pub(crate) const MOST_OF_PROXIES: usize = 64;

/// How many slots each class has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits([usize; 4]);

impl Limits {
    /// Divides `max_slots`; what does not divide evenly goes to *listed*. `None` if a class would
    /// be left without a slot.
    pub fn divide(max_slots: usize, shares: SlotShares) -> Option<Self> {
        let all: u128 = shares.0.iter().map(|&share| u128::from(share)).sum();
        // A part is no larger than the whole.
        let part = |share: u32| (max_slots as u128 * u128::from(share) / all).max(1) as usize;
        let [pending, _, client, watcher] = shares.0.map(part);
        let listed = max_slots
            .checked_sub(pending + client + watcher)
            .filter(|&n| n > 0)?;
        Some(Self([pending, listed, client, watcher]))
    }

    /// How many guests there may be on both ports together: newcomers who are answered without a slot.
    pub(crate) fn guests(self) -> usize {
        let all = self.0.iter().copied().fold(0, usize::saturating_add);
        (all / 4 * 3).min(MOST_GUESTS)
    }

    /// The slots of one class.
    pub(crate) fn of(self, class: Class) -> usize {
        self.0[class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for shares in ["1:4:2:1", "1:10000:10000:10000"] {
            let parts = limits(usize::MAX, shares).unwrap();
            let sum: u128 = parts.iter().map(|&part| part as u128).sum();
            assert_eq!(sum, usize::MAX as u128);
        }
    }
}
