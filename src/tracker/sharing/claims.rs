//! What one tracker owns, under numbers, with a digest of it all. Pure.
//!
//! The owner makes lines of changes by [`Claims::put`] and [`Claims::remove`]; everybody else applies them.
//! Lines may be applied twice, or to a list that has later ones already: when all are applied that the
//! owner has made, the list is the owner's. So a number that has become free may be used again at once.

use super::wire::record::{ChangeLine, Claim, MAX_RECORD};
use crate::protocol::fields::Changes;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What one tracker owns.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    claims: HashMap<u32, Claim>,
    numbers: HashMap<SocketAddr, u32>,
    /// Numbers below the count of claims and of these, and in use by none. Only the owner needs them.
    free: Vec<u32>,
    digest: u64,
}

impl Claims {
    /// Puts a game server on the list, or changes what is said of it. Returns the line that says so to
    /// others, or `None` if nothing has changed.
    pub fn put(&mut self, claim: Claim) -> Option<String> {
        let Some(&number) = self.numbers.get(&claim.address) else {
            // Without free numbers, all below the count are in use. No tracker has as many as 2^32.
            let number = self.free.pop().unwrap_or(self.claims.len() as u32);
            let line = ChangeLine::all(number, &claim);
            self.place(number, claim);
            return Some(line);
        };
        let before = self.claims.get_mut(&number)?;
        if *before == claim {
            return None;
        }
        let line = ChangeLine::between(number, before, &claim);
        self.digest = self.digest.wrapping_sub(before.digest(number));
        self.digest = self.digest.wrapping_add(claim.digest(number));
        *before = claim;
        Some(line)
    }

    /// Takes a game server off the list. Returns the line that says so to others, or `None` if it was not
    /// there.
    pub fn remove(&mut self, address: SocketAddr) -> Option<String> {
        let number = *self.numbers.get(&address)?;
        self.take(number);
        self.free.push(number);
        Some(ChangeLine::gone(number))
    }

    /// The list that another tracker has written as records, in any order. `None` if one of them cannot be
    /// understood.
    pub fn read<'a>(records: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut claims = Self::default();
        for record in records {
            let (number, claim) = Claim::parse(record)?;
            claims.place(number, claim);
        }
        Some(claims)
    }

    /// Applies a batch of another tracker. Returns the addresses that it touches, some of them perhaps
    /// twice. `None` if it cannot be understood: then nothing of it is applied.
    pub fn apply(&mut self, batch: &str) -> Option<Vec<SocketAddr>> {
        let lines = batch.split('\n').map(ChangeLine::parse);
        let lines = lines.collect::<Option<Vec<_>>>()?;
        let mut touched = Vec::with_capacity(lines.len());
        for line in lines {
            match line {
                ChangeLine::All(number, claim) => {
                    touched.push(claim.address);
                    touched.extend(self.place(number, claim));
                }
                ChangeLine::Fields(number, changes) => {
                    touched.extend(self.change(number, &changes))
                }
                ChangeLine::Gone(number) => touched.extend(self.take(number).map(|it| it.address)),
            }
        }
        Some(touched)
    }

    /// Puts a claim under its number, in place of what has the number and of what has the address. Returns
    /// the address that the number had.
    fn place(&mut self, number: u32, claim: Claim) -> Option<SocketAddr> {
        let before = self.take(number).map(|before| before.address);
        if let Some(&other) = self.numbers.get(&claim.address) {
            self.take(other);
        }
        self.digest = self.digest.wrapping_add(claim.digest(number));
        self.numbers.insert(claim.address, number);
        self.claims.insert(number, claim);
        before
    }

    fn take(&mut self, number: u32) -> Option<Claim> {
        let claim = self.claims.remove(&number)?;
        self.numbers.remove(&claim.address);
        self.digest = self.digest.wrapping_sub(claim.digest(number));
        Some(claim)
    }

    /// Changes fields. A number that is not in use belongs to a game server that has left in the meantime.
    ///
    /// Of two whole sets of fields, at most all can come together for a while, which fit into [`MAX_RECORD`].
    /// What does not fit was never meant; the digest will tell.
    fn change(&mut self, number: u32, changes: &Changes) -> Option<SocketAddr> {
        let claim = self.claims.get_mut(&number)?;
        let infos = claim.infos.with(changes);
        if infos.spelled().len() <= MAX_RECORD {
            self.digest = self.digest.wrapping_sub(claim.digest(number));
            claim.infos = infos;
            self.digest = self.digest.wrapping_add(claim.digest(number));
        }
        Some(claim.address)
    }

    /// What is said of the game server at `address`.
    pub fn get(&self, address: SocketAddr) -> Option<&Claim> {
        self.claims.get(self.numbers.get(&address)?)
    }

    /// All claims, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.claims.values()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.claims.len()
    }

    /// The sum of the digests of all records. Two lists with the same one are the same, but once in 2^64.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The record of the game server at `address`.
    pub fn record(&self, address: SocketAddr) -> Option<String> {
        let number = *self.numbers.get(&address)?;
        Some(self.claims.get(&number)?.record(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::sharing::wire::record::Mark;
    use quickcheck::quickcheck;

    /// A game server: one of some addresses, with a stamp, and fields that are now and then very long.
    fn claim(port: u8, stamp: u8, what: u8) -> Claim {
        let fields = match what % 8 {
            0 => "a=1 b=\"x y\"".to_owned(),
            1 => "b=2 c=\"\\\"\"".to_owned(),
            2..=4 => (0..3).fold(String::new(), |text, n| {
                format!(
                    "{text} {}{n}={}",
                    ["d", "e", "f"][usize::from(what % 8 - 2)],
                    "v".repeat(250)
                )
            }),
            5 => (0..31).fold(String::new(), |text, n| format!("{text} g{n}=1")),
            6 => (0..31).fold(String::new(), |text, n| format!("{text} h{n}=1")),
            _ => format!("nbplayers={what} a=1"),
        };
        let said = format!("ip=192.0.2.1 port={} {fields}", 1 + port % 5);
        let changes = Changes::parse(&said).unwrap();
        let infos = crate::protocol::fields::Infos::default().with(&changes);
        let mark = Some(Mark(u64::from(stamp % 3))).filter(|_| what < 200);
        Claim::new([192, 0, 2, 1].into(), u64::from(stamp % 2), mark, infos).unwrap()
    }

    /// What such a history makes of an owner's list, with the lines that say so.
    fn play(own: &mut Claims, history: &[(bool, u8, u8, u8)]) -> Vec<String> {
        let said = history.iter().map(|&(is_put, port, stamp, what)| {
            let claim = claim(port, stamp, what);
            match is_put {
                true => own.put(claim),
                false => own.remove(claim.address),
            }
        });
        said.flatten().collect()
    }

    fn records(claims: &Claims) -> Vec<String> {
        let records = claims.iter().map(|it| claims.record(it.address).unwrap());
        let mut records: Vec<_> = records.collect();
        records.sort();
        records
    }

    fn are_same(one: &Claims, other: &Claims) -> bool {
        assert_eq!(one.numbers.len(), one.claims.len());
        let is_same = records(one) == records(other);
        assert_eq!(is_same, one.digest() == other.digest());
        is_same && one.count() == other.count()
    }

    fn read(records: &[String]) -> Claims {
        Claims::read(records.iter().map(String::as_str)).unwrap()
    }

    #[test]
    fn a_change_says_no_more_than_it_must() {
        let mut own = Claims::default();
        assert!(own.put(claim(1, 1, 7)).unwrap().starts_with("+0 1 "));
        assert_eq!(own.put(claim(1, 1, 7)), None);
        assert_eq!(own.put(claim(1, 1, 15)).unwrap(), "=0 nbplayers=15");
        assert!(own.put(claim(2, 1, 7)).unwrap().starts_with("+1 "));
        assert_eq!(own.remove(claim(1, 1, 7).address).unwrap(), "-0");
        assert_eq!(own.remove(claim(1, 1, 7).address), None);
        assert!(own.put(claim(3, 1, 7)).unwrap().starts_with("+0 "));
        assert!(own.put(claim(4, 1, 7)).unwrap().starts_with("+2 "));
        assert_eq!(own.count(), 3);
    }

    #[test]
    fn a_batch_is_applied_whole_or_not_at_all() {
        let mut own = Claims::default();
        own.put(claim(1, 1, 7));
        let before = records(&own);
        for bad in ["-0\n", "-0\n*", "-0\r\n-1", "", "-0\n+0 1"] {
            assert_eq!(own.apply(bad), None, "{bad}");
        }
        assert_eq!(records(&own), before);
        // Whoever is not there has left in the meantime.
        assert_eq!(own.apply("-1\n=2 a=1"), Some(vec![]));
        assert_eq!(records(&own), before);
        assert!(Claims::read(["0 1 - ::1"].into_iter()).is_none());
    }

    #[test]
    fn a_move_touches_both_addresses() {
        let mut claims = Claims::default();
        let (one, two) = (claim(1, 1, 7), claim(2, 1, 7));
        claims.apply(&ChangeLine::all(3, &one)).unwrap();
        let touched = claims.apply(&ChangeLine::all(3, &two)).unwrap();
        assert_eq!(touched, [two.address, one.address]);
        assert_eq!((claims.count(), claims.get(one.address)), (1, None));
        // Another number takes the address.
        claims.apply(&ChangeLine::all(4, &two)).unwrap();
        assert_eq!(records(&claims), [two.record(4)]);
    }

    quickcheck! {
        fn others_have_what_the_owner_has(history: Vec<(bool, u8, u8, u8)>) -> bool {
            let (mut own, mut copy) = (Claims::default(), Claims::default());
            let lines = play(&mut own, &history);
            for batch in lines.chunks(3) {
                assert!(copy.apply(&batch.join("\n")).is_some());
            }
            are_same(&own, &copy) && are_same(&own, &read(&records(&own)))
        }

        /// A reader has a newer list than it knows, in parts perhaps newer than in others, and applies lines
        /// that it has already, some of them twice.
        fn what_is_applied_again_does_no_harm(
            history: Vec<(bool, u8, u8, u8)>, from: usize, seen: Vec<usize>
        ) -> bool {
            let mut own = Claims::default();
            let from = from % (history.len() + 1);
            play(&mut own, &history[..from]);
            // The records of each address as they were at some moment.
            let moments: Vec<usize> = (0..5)
                .map(|port| from + seen.get(port).unwrap_or(&0) % (history.len() + 1 - from))
                .collect();
            let mut lines = Vec::new();
            let mut mixed = Vec::new();
            for now in from..=history.len() {
                for (port, moment) in (0..5).zip(&moments) {
                    if *moment == now {
                        mixed.extend(own.record(claim(port, 0, 0).address));
                    }
                }
                lines.extend(play(&mut own, &history[now..history.len().min(now + 1)]));
            }
            let mut copy = read(&mixed);
            for line in &lines {
                assert!(copy.apply(&[&line[..], line].join("\n")).is_some());
            }
            for line in &lines {
                assert!(copy.apply(line).is_some());
            }
            are_same(&own, &copy)
        }

        fn no_batch_panics(text: String, number: u8) -> bool {
            let mut claims = Claims::default();
            claims.put(claim(number, 1, number));
            for batch in [text.clone(), format!("=0 {text}"), format!("+0 {text}")] {
                let _ = claims.apply(&batch);
            }
            are_same(&claims, &read(&records(&claims)))
        }
    }
}
