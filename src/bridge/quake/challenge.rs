//! The word that a game server must send back: nobody can guess it, and nothing is kept for it.
//!
//! A word says when it was made and for which heartbeat, and holds a code of both and of the address under
//! a key that nobody else knows. So those who never answer take no memory, and keep nobody out.

use crate::base::random::RANDOM;
use crate::protocol::hmac::hmac_sha256;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The characters of a word, 6 bits each. Engines refuse `" % / ; \`.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The fewest characters of a word: the shortest heartbeat has room for so many.
pub(super) const SHORTEST: usize = 7;

/// The most characters of a word.
pub(super) const LONGEST: usize = 11;

/// The steps in which time is counted. A word is good once in a step.
const STEP: Duration = Duration::from_millis(50);

/// How long a word is good, in steps: 2 s.
const GOOD_FOR: u64 = 40;

/// Makes words, and knows its own again.
#[derive(Debug)]
pub(super) struct Challenges {
    key: [u8; 32],
    start: Instant,
}

/// What a good word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// The heartbeat for which it was made.
    pub(super) tag: u8,
    /// When it was made: later ones have higher numbers.
    pub(super) step: u64,
}

impl Challenges {
    /// A maker of words with a key of its own.
    pub(super) fn new(now: Instant) -> Self {
        let mut key = [0; 32];
        for bytes in key.chunks_exact_mut(8) {
            bytes.copy_from_slice(&RANDOM.number().to_ne_bytes());
        }
        // The first step is not 0, which stands for never.
        let start = now.checked_sub(STEP).unwrap_or(now);
        Self { key, start }
    }

    /// A word for the game server at `address`, whose heartbeat was `tag`.
    pub(super) fn word(&self, address: SocketAddr, tag: u8, length: usize, now: Instant) -> String {
        let step = self.step(now);
        let word = self.spell(address, Claim { tag, step });
        let length = length.clamp(SHORTEST, LONGEST);
        word.iter().take(length).copied().map(char::from).collect()
    }

    /// What `word` says, if it was made for `address` and is still good.
    pub(super) fn check(&self, address: SocketAddr, word: &[u8], now: Instant) -> Option<Claim> {
        let place = |at: usize| ALPHABET.iter().position(|c| word.get(at) == Some(c));
        let (moment, tag) = (place(0)? as u64, place(1)? as u8);
        let now = self.step(now);
        let age = now.wrapping_sub(moment) % ALPHABET.len() as u64;
        let step = now.checked_sub(age).filter(|_| age <= GOOD_FOR)?;
        let claim = Claim { tag, step };
        let right = self.spell(address, claim);
        let is_whole = (SHORTEST..=LONGEST).contains(&word.len());
        (is_whole && right.starts_with(word)).then_some(claim)
    }

    fn step(&self, now: Instant) -> u64 {
        let steps = now.saturating_duration_since(self.start).as_millis() / STEP.as_millis();
        u64::try_from(steps).unwrap_or(u64::MAX)
    }

    fn spell(&self, address: SocketAddr, claim: Claim) -> [u8; LONGEST] {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut message = [0; 27];
        message[..16].copy_from_slice(&ip.octets());
        message[16..18].copy_from_slice(&address.port().to_be_bytes());
        message[18..26].copy_from_slice(&claim.step.to_be_bytes());
        message[26] = claim.tag;
        let code = hmac_sha256(&self.key, &message);
        let mut word = [0; LONGEST];
        word[0] = letter(claim.step as u8);
        word[1] = letter(claim.tag);
        for (letters, byte) in word[2..].iter_mut().zip(code) {
            *letters = letter(byte);
        }
        word
    }
}

fn letter(bits: u8) -> u8 {
    ALPHABET[usize::from(bits) % ALPHABET.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 27960);

    #[test]
    fn a_word_is_good_for_two_seconds_and_one_address() {
        let now = Instant::now();
        let challenges = Challenges::new(now);
        for (wait, length) in [(0, 7), (70, 11), (3_600_000, 10)] {
            let made = now + Duration::from_millis(wait);
            let word = challenges.word(ADDRESS, 3, length, made);
            assert_eq!(word.len(), length);
            assert!(
                word.bytes()
                    .all(|c| c.is_ascii_graphic() && !b"\"%/;\\".contains(&c))
            );
            let check = |address, word: &str, after| {
                let now = made + Duration::from_millis(after);
                challenges.check(address, word.as_bytes(), now)
            };
            let claim = check(ADDRESS, &word, 1900).expect("it is good");
            assert_eq!(claim.tag, 3);
            for late in [2100, 3000, 3200, 5200, 60_000] {
                assert_eq!(check(ADDRESS, &word, late), None, "{late} ms later");
            }
            let other = SocketAddr::new(ADDRESS.ip(), 27961);
            assert_eq!(check(other, &word, 0), None);
            assert_eq!(check(ADDRESS, &word[..6], 0), None);
            assert_eq!(check(ADDRESS, &format!("{word}AAAA"), 0), None);
            let stranger = Challenges::new(now);
            assert_eq!(stranger.check(ADDRESS, word.as_bytes(), made), None);
        }
    }

    quickcheck! {
        fn no_word_is_guessed_and_none_panics(word: Vec<u8>, wait: u32) -> bool {
            let start = Instant::now();
            let now = start + Duration::from_millis(wait.into());
            Challenges::new(start).check(ADDRESS, &word, now).is_none()
        }
    }
}
