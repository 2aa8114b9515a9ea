//! Who is shown where several trackers have a game server at the same address.

use crate::tracker::sharing::wire::{names::TrackerId, record::Claim};

/// A claim of an address, with what its owner is at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) owner: TrackerId,
    pub(super) claim: &'a Claim,
    /// True if the owner is there.
    pub(super) is_owner_alive: bool,
}

impl Candidate<'_> {
    /// True if the game server is connected now, as far as anybody knows.
    pub(super) fn is_live(&self) -> bool {
        self.is_owner_alive && !self.claim.is_stale()
    }

    /// What the list says of it.
    pub(super) fn shown(&self) -> Claim {
        let mut claim = self.claim.clone();
        if !self.is_live() {
            // The value is a valid one.
            let _ = claim.infos.set("stale", "yes");
        }
        claim
    }

    /// Who is live comes before who is stale, then who is at the address before who only names it.
    fn rank(&self) -> (bool, bool) {
        (self.is_live(), self.claim.is_at_home())
    }

    /// When it came. No two candidates are equal here.
    fn age(&self) -> (u64, TrackerId) {
        (self.claim.stamp, self.owner)
    }

    /// True if whoever is there now has logged in after `other`, or in place of one that is away.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        let is_later = self.is_same_game_server(other) && self.age() > other.age();
        self.owner != other.owner && self.is_live() && (is_later || !other.is_live())
    }

    fn is_same_game_server(&self, other: &Self) -> bool {
        (self.claim.mark, self.claim.peer) == (other.claim.mark, other.claim.peer)
    }
}

/// The candidate that is shown. Of those of the best rank the one who came first has the address; a game
/// server that has logged in again, with the same credential and from the same place, is shown by its latest
/// login.
pub(super) fn winner<'a>(candidates: &[Candidate<'a>]) -> Option<Candidate<'a>> {
    let best = candidates.iter().map(Candidate::rank).max()?;
    let among = || candidates.iter().filter(|one| one.rank() == best);
    let first = among().min_by_key(|one| one.age())?;
    let logins = among().filter(|one| one.is_same_game_server(first));
    logins.max_by_key(|one| one.age()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// `STAMP MARK PEER` of a game server at ::1, with an owner of the same number as its place. A `!` before
    /// it is an owner that is away, a `~` a stale claim.
    fn winner_of(said: &[&str]) -> Option<usize> {
        let read = |text: &&str| {
            let stale = if text.contains('~') { " stale=yes" } else { "" };
            let plain = text.trim_start_matches(['!', '~']);
            let record = format!("0 {plain} ip=::1 port=1{stale}");
            (Claim::parse(&record).unwrap().1, !text.contains('!'))
        };
        let claims: Vec<(Claim, bool)> = said.iter().map(read).collect();
        let candidates = claims
            .iter()
            .zip(0..)
            .map(|((claim, is_alive), n)| Candidate {
                owner: TrackerId(n),
                claim,
                is_owner_alive: *is_alive,
            });
        let mut candidates: Vec<_> = candidates.collect();
        let won = winner(&candidates)?.owner;
        candidates.reverse();
        assert_eq!(winner(&candidates).unwrap().owner, won);
        Some(won.0 as usize)
    }

    const A: &str = "00000000000000aa";
    const B: &str = "00000000000000bb";

    #[test]
    fn the_order_is_that_of_the_rules() {
        let says = |text: &str| text.replace('A', A).replace('B', B);
        for (won, said) in [
            (None, vec![]),
            (Some(0), vec!["5 A ::1"]),
            // Who came first, with another credential or from elsewhere.
            (Some(1), vec!["5 A ::1", "4 B ::1"]),
            (Some(1), vec!["5 A ::7", "4 A ::8"]),
            // The latest login of the same.
            (Some(2), vec!["4 A ::1", "5 B ::1", "6 A ::1"]),
            (Some(1), vec!["4 A ::1", "4 A ::1"]),
            (Some(0), vec!["4 A ::1", "4 B ::1"]),
            // Who is at home, however late.
            (Some(1), vec!["4 A ::7", "9 B ::1"]),
            // Who is live, at home or not.
            (Some(1), vec!["!4 A ::1", "9 B ::7"]),
            (Some(1), vec!["~4 A ::1", "9 B ::7"]),
            (Some(1), vec!["!4 A ::1", "!9 A ::1", "~3 B ::7"]),
            (Some(2), vec!["!9 A ::1", "!4 B ::7", "~3 B ::1"]),
            (Some(0), vec!["~3 - ::1", "!4 A ::1"]),
        ] {
            let said: Vec<String> = said.into_iter().map(says).collect();
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            assert_eq!(winner_of(&said), won, "{said:?}");
        }
    }

    quickcheck! {
        fn who_is_live_comes_before_who_is_not(all: Vec<(u8, bool, u8)>) -> bool {
            let said = all.iter().take(6).map(|(stamp, mark, how)| {
                let sign = ["", "!", "~"][usize::from(how % 3)];
                let mark = if *mark { A } else { B };
                format!("{sign}{} {mark} ::{}", stamp % 4, 1 + how / 3 % 2)
            });
            let said: Vec<String> = said.collect();
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            let is_stale = |one: &str| one.starts_with(['!', '~']);
            match winner_of(&said) {
                Some(won) => !is_stale(said[won]) || said.iter().all(|one| is_stale(one)),
                None => said.is_empty(),
            }
        }
    }
}
