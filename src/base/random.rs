//! Numbers that nobody can guess.
//!
//! This file hides where randomness comes from: the kernel's generator, kept open so that running
//! out of descriptors cannot stop it.

use super::mutex::lock;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Read;
use std::sync::{LazyLock, Mutex};

/// How many numbers are fetched at a time. A login needs two; fetched one by one they would be an
/// eighth of its system calls.
const STOCK_SIZE: usize = 64;

/// One source for everybody who needs few numbers.
pub(crate) static RANDOM: LazyLock<Random> = LazyLock::new(Random::open);

/// A source of random numbers.
#[derive(Debug)]
pub(crate) struct Random {
    source: Option<File>,
    /// Numbers that were fetched and not used yet.
    stock: Mutex<Vec<u64>>,
}

impl Random {
    /// Opens the kernel's generator.
    pub(crate) fn open() -> Self {
        Self::from(File::open("/dev/urandom").ok())
    }

    fn from(source: Option<File>) -> Self {
        Self {
            source,
            stock: Mutex::default(),
        }
    }

    /// 64 random bits.
    pub(crate) fn number(&self) -> u64 {
        let in_stock = lock(&self.stock).pop();
        in_stock.or_else(|| self.fetch()).unwrap_or_else(|| {
            // Without the device: std takes the keys of its hash maps from the system's generator,
            // and nobody can compute a keyed hash without the keys.
            RandomState::new().build_hasher().finish()
        })
    }

    /// A random number from 0 (included) to 1 (excluded).
    pub(crate) fn chance(&self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fetches numbers, without the lock, and returns one. The others fill the stock, if another
    /// thread has not filled it meanwhile.
    fn fetch(&self) -> Option<u64> {
        let mut bytes = [0; 8 * STOCK_SIZE];
        self.source.as_ref()?.read_exact(&mut bytes).ok()?;
        let (numbers, _) = bytes.as_chunks();
        let mut numbers = numbers.iter().copied().map(u64::from_ne_bytes);
        let first = numbers.next();
        let mut stock = lock(&self.stock);
        let room = STOCK_SIZE.saturating_sub(stock.len());
        stock.extend(numbers.take(room));
        first
    }

    /// A password of 12 letters and digits (60 bits) that is easy to read out: no vowels, so that
    /// it spells nothing, and none that look alike.
    pub(crate) fn password(&self) -> String {
        const LETTERS: &[u8; 32] = b"bcdfghjkmnpqrstvwxz2345678BCDFGH";
        let bits = self.number();
        let letter = |n: u32| char::from(LETTERS[(bits >> (5 * n)) as usize % LETTERS.len()]);
        (0..12).map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_with_and_without_the_kernels_generator() {
        for random in [Random::open(), Random::from(None)] {
            let mut numbers: Vec<u64> = (0..1000).map(|_| random.number()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), 1000);
            let ones: u32 = numbers.iter().map(|number| number.count_ones()).sum();
            assert!(
                (31_000..33_000).contains(&ones),
                "{ones} of 64,000 bits are set"
            );
        }
    }

    #[test]
    fn those_who_ask_at_once_share_a_stock_that_stays_small_and_get_no_number_twice() {
        const THREADS: usize = 8;
        let random = Random::open();
        let ask = || {
            (0..5 * STOCK_SIZE)
                .map(|_| random.number())
                .collect::<Vec<_>>()
        };
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let threads = [(); THREADS].map(|()| scope.spawn(ask));
            threads
                .into_iter()
                .flat_map(|t| t.join().unwrap())
                .collect()
        });
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), THREADS * 5 * STOCK_SIZE);
        assert!(lock(&random.stock).len() <= STOCK_SIZE);
    }

    #[test]
    fn made_up_passwords_can_be_typed() {
        let password = Random::open().password();
        assert_eq!(password.len(), 12);
        assert!(password.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(password, Random::open().password());
    }

    #[test]
    fn chance_is_spread_between_zero_and_one() {
        let chances: Vec<f64> = (0..1000).map(|_| RANDOM.chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
        for tenth in 0..10 {
            let range = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
            let count = chances
                .iter()
                .filter(|chance| range.contains(chance))
                .count();
            assert!((50..200).contains(&count), "{count} in {range:?}");
        }
    }
}
