//! Counters of what happens, by name.

use crate::base::mutex::lock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A number that only grows. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Mutex<BTreeMap<&'static str, Counter>>>);

impl Counters {
    /// The counter of this name, which is made where there is none. A door asks once for each of its
    /// own, whose names begin with its word, such as `quake-heartbeats`.
    pub fn of(&self, name: &'static str) -> Counter {
        lock(&self.0).entry(name).or_default().clone()
    }

    /// All of them in the order of their names.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        let counters = lock(&self.0);
        let all = counters.iter();
        all.map(|(name, counter)| (*name, counter.get())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_counter() {
        let counters = Counters::default();
        counters.of("b").add(2);
        counters.clone().of("b").add_one();
        counters.of("a");
        assert_eq!(counters.all(), [("a", 0), ("b", 3)]);
    }
}
