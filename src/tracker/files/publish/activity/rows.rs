//! The last day of each game server: the most players in each half hour.
//!
//! A game server that is off the list keeps its day for an hour: it was started again, or its network was
//! away.

use super::count::One;
use super::series::Series;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Half hours in a day.
pub const DAY: usize = 48;

/// Points in half an hour, one every five minutes.
const POINTS: u32 = 6;

/// How many points a game server may be off the list.
const MOST_AWAY: u32 = 12;

/// Days that are kept of game servers that are off the list. Each takes at most 200 bytes.
pub(super) const MOST_GONE: usize = 4096;

/// One game server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The point at which it was last seen.
    pub seen: u32,
    /// The most players in each half hour, up to that of `seen`.
    pub players: Series<u16, DAY>,
    /// True if it is on the list that was noted last.
    is_listed: bool,
}

impl Row {
    /// One that is not known to be on the list.
    pub fn new(seen: u32, players: Series<u16, DAY>) -> Self {
        Self {
            seen,
            players,
            is_listed: false,
        }
    }

    fn note(&mut self, point: u32, players: Option<u16>) {
        let steps = i64::from(point / POINTS) - i64::from(self.seen / POINTS);
        let before = self.players.last().filter(|_| steps == 0);
        let players = players.map(u32::from);
        // `None` is less than any number.
        self.players.note(steps, before.max(players));
        self.seen = point;
        self.is_listed = true;
    }
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(BTreeMap<SocketAddr, Row>);

impl Rows {
    /// The game servers of a file.
    pub fn new(rows: BTreeMap<SocketAddr, Row>) -> Self {
        Self(rows)
    }

    /// All that are kept.
    pub fn kept(&self) -> impl Iterator<Item = (&SocketAddr, &Row)> {
        self.0.iter()
    }

    /// Those that are on the list that was noted last.
    pub fn listed(&self) -> impl Iterator<Item = (&SocketAddr, &Row)> {
        self.0.iter().filter(|(_, row)| row.is_listed)
    }

    /// Notes what is listed at `point`.
    pub fn note(&mut self, point: u32, listed: &[One<'_>]) {
        self.0.values_mut().for_each(|row| row.is_listed = false);
        for one in listed {
            let row = self.0.entry(one.address);
            let row = row.or_insert_with(|| Row::new(point, Series::default()));
            row.note(point, one.players);
        }
        // After a clock was set far back those who are gone are forgotten too.
        self.0
            .retain(|_, row| row.seen.abs_diff(point) <= MOST_AWAY);
        if self.0.len() > listed.len() + MOST_GONE {
            self.0.retain(|_, row| row.is_listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn one(port: u16, players: Option<u16>) -> One<'static> {
        One {
            address: ([192, 0, 2, 1], port).into(),
            players,
            game: None,
        }
    }

    fn text(rows: &Rows) -> String {
        let mut out = String::new();
        for (address, row) in rows.listed() {
            out.push_str(&format!("{}=", address.port()));
            row.players.push_to(&mut out, "-");
            out.push(' ');
        }
        out
    }

    #[test]
    fn a_row_has_the_most_of_each_half_hour_from_the_one_in_which_it_was_first_listed() {
        let mut rows = Rows::default();
        for (point, listed, becomes) in [
            (60, &[one(1, Some(3))][..], "1=3 "),
            (61, &[one(1, Some(5)), one(2, None)], "1=5 2=- "),
            (65, &[one(1, Some(4)), one(2, Some(0))], "1=5 2=0 "),
            (66, &[one(1, Some(1))], "1=5,1 "),
            (67, &[one(1, None), one(2, Some(7))], "1=5,1 2=0,7 "),
            (72, &[one(2, Some(1))], "2=0,7,1 "),
            // Back within the hour, and not.
            (79, &[one(1, Some(8))], "1=5,1,-,8 "),
            (85, &[one(2, Some(2))], "2=0,7,1,-,2 "),
            (92, &[one(2, Some(2))], "2=0,7,1,-,2,2 "),
            (93, &[one(1, Some(9))], "1=9 "),
            // The clock is set back, and far back, and forward.
            (78, &[one(1, Some(8)), one(2, Some(1))], "1=8 2=0,7,1,1 "),
            (20, &[one(1, Some(9))], "1=9 "),
            (u32::MAX, &[one(1, Some(0))], "1=0 "),
            (0, &[one(1, Some(2))], "1=2 "),
        ] {
            rows.note(point, listed);
            assert_eq!(text(&rows), becomes, "at {point}");
        }
    }

    #[test]
    fn those_who_come_and_go_do_not_fill_the_memory() {
        let mut rows = Rows::default();
        rows.note(0, &[one(1, Some(1))]);
        for point in 1..12 {
            let many = |n: u16| one(point as u16 * 1000 + n, Some(1));
            let listed: Vec<One<'_>> = (0..1000).map(many).chain([one(1, Some(2))]).collect();
            rows.note(point, &listed);
            assert!(rows.kept().count() <= listed.len() + MOST_GONE, "{point}");
            assert_eq!(rows.listed().count(), 1001);
        }
    }

    quickcheck! {
        fn whatever_the_clock_does_a_day_is_a_day_and_the_listed_are_there(points: Vec<(u32, Vec<u8>)>) -> bool {
            let mut rows = Rows::default();
            points.into_iter().all(|(point, mut ports)| {
                let point = point % 400;
                ports.sort_unstable();
                ports.dedup();
                let listed: Vec<One<'_>> = ports.iter().map(|&port| one(port.into(), Some(port.into()))).collect();
                rows.note(point, &listed);
                rows.listed().map(|(address, _)| address.port()).eq(ports.iter().map(|&port| port.into()))
                    && rows.listed().all(|(address, row)| {
                        row.players.last() == Some(address.port().into()) && (1..=DAY).contains(&row.players.count())
                    })
            })
        }
    }
}
