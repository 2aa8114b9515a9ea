//! Numbers that nobody can guess.
//!
//! This file hides where randomness comes from: the kernel's generator, kept open so that running
//! out of descriptors cannot stop it.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Read;
use std::sync::{Mutex, PoisonError};

/// Numbers fetched at a time: a login needs two, and a call of the system for each would be one in
/// eight of all that it makes.
const STOCK: usize = 64;

/// A source of random numbers.
#[derive(Debug)]
pub struct Random {
    source: Option<File>,
    /// Fetched and not given to anybody yet.
    stock: Mutex<Vec<u64>>,
}

impl Random {
    /// Opens the kernel's generator.
    pub fn open() -> Self {
        Self::from(File::open("/dev/urandom").ok())
    }

    fn from(source: Option<File>) -> Self {
        Self {
            source,
            stock: Mutex::default(),
        }
    }

    /// 64 random bits.
    pub fn number(&self) -> u64 {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        if stock.is_empty() {
            self.fetch(&mut stock);
        }
        if let Some(number) = stock.pop() {
            return number;
        }
        // Systems without the device: std keys its hash maps from the system's generator, and
        // the keyed hash of nothing cannot be told without the keys.
        RandomState::new().build_hasher().finish()
    }

    fn fetch(&self, stock: &mut Vec<u64>) {
        let mut bytes = [0; 8 * STOCK];
        let read = |mut file: &File| file.read_exact(&mut bytes);
        if let Some(Ok(())) = self.source.as_ref().map(read) {
            let (numbers, _) = bytes.as_chunks();
            stock.extend(numbers.iter().copied().map(u64::from_ne_bytes));
        }
    }

    /// A password of 12 letters and digits (60 bits) that is easy to read out: no vowels, so that
    /// it spells nothing, and none that look alike.
    pub fn password(&self) -> String {
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
    fn made_up_passwords_can_be_typed() {
        let password = Random::open().password();
        assert_eq!(password.len(), 12);
        assert!(password.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(password, Random::open().password());
    }
}
