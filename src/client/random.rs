//! Numbers that nobody can guess.
//!
//! This file hides where they come from: std keys its hash maps from the system's generator, and
//! the keyed hash of a counter cannot be told without the keys.

use std::hash::{BuildHasher, RandomState};

/// A source of random numbers.
#[derive(Debug, Default)]
pub(super) struct Random {
    keys: RandomState,
    count: u64,
}

impl Random {
    /// 64 random bits.
    pub(super) fn number(&mut self) -> u64 {
        self.count += 1;
        self.keys.hash_one(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_and_half_of_their_bits_are_set() {
        let (mut one, mut other) = (Random::default(), Random::default());
        let mut numbers: Vec<u64> = (0..500)
            .flat_map(|_| [one.number(), other.number()])
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 1000);
        let ones: u32 = numbers.iter().map(|number| number.count_ones()).sum();
        assert!((31_000..33_000).contains(&ones), "{ones} of 64,000 are set");
    }
}
