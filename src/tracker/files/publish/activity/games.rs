//! Which games are kept, and for how long.
//!
//! The name of a game is what game servers say. So there are two bounds. Of all games [`MOST_SHOWN`] are shown,
//! those with the most players over the last week, and their places are safe: a game without players tonight
//! keeps its own. As many more are on trial: those of all others that have the most players now. A game comes
//! onto the list of the shown by its week, so a name of today pushes none out.
//!
//! For this order alone a host counts with 32 players at the most, which its games share: who claims thousands,
//! or has another name for each game server, gains nothing by it.

use super::count::{One, Total};
use super::series::Series;
use crate::tracker::access::network::Network;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Points in a week, one every five minutes.
pub const WEEK: usize = 7 * 24 * 12;

/// Games that are shown. Each takes 16 KiB of memory, and up to some 20 KB of activity.json.
pub const MOST_SHOWN: usize = 16;

/// Games that are kept.
pub const MOST_KEPT: usize = 2 * MOST_SHOWN;

/// Players of a host that count for the order of games: one full game server.
const MOST_OF_HOST: u64 = 32;

/// A player in the unit in which the order of games is kept, so that a share of one is no zero.
const PLAYER: u64 = 1024;

/// Numbers of players and of game servers over a week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Players.
    pub players: Series<u32, WEEK>,
    /// Game servers.
    pub servers: Series<u32, WEEK>,
}

impl Totals {
    /// Notes what is counted `steps` points after the last.
    pub fn note(&mut self, steps: i64, total: Total) {
        self.players.note(steps, Some(total.players));
        self.servers.note(steps, Some(total.servers));
    }
}

/// One game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// As game servers say.
    pub name: Box<str>,
    /// The sum of `now` over time, of which each point leaves out the 2,016th part: the last week counts most.
    pub week: u64,
    /// What it counts at the last point, unless that was read from a file.
    now: Option<u64>,
    /// How many there were.
    pub totals: Totals,
}

impl Game {
    /// One that was read from a file.
    pub fn new(name: Box<str>, week: u64, totals: Totals) -> Self {
        Self {
            name,
            week,
            now: None,
            totals,
        }
    }

    fn note(&mut self, steps: i64, tally: Tally) {
        for _ in 0..steps.min(WEEK as i64) {
            self.week -= self.week / WEEK as u64;
        }
        // The last point is replaced. What it counted in a file is taken to be the same.
        let replaced = match steps {
            1.. => 0,
            _ => self.now.unwrap_or(tally.weight),
        };
        self.week = self
            .week
            .saturating_sub(replaced)
            .saturating_add(tally.weight);
        self.now = Some(tally.weight);
        self.totals.note(steps, tally.total);
    }
}

/// The games that are kept, those that are shown first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Games(Vec<Game>);

impl Games {
    /// The games of a file.
    pub fn new(games: Vec<Game>) -> Self {
        Self(games)
    }

    /// All that are kept.
    pub fn kept(&self) -> &[Game] {
        &self.0
    }

    /// Those that are shown.
    pub fn shown(&self) -> &[Game] {
        &self.0[..self.0.len().min(MOST_SHOWN)]
    }

    /// Notes what is listed `steps` points after the last.
    pub fn note(&mut self, steps: i64, listed: &[One<'_>]) {
        let mut tallies = tallies(listed);
        for game in &mut self.0 {
            let tally = tallies.remove(&*game.name).unwrap_or_default();
            game.note(steps, tally);
        }
        self.0.retain(|game| !game.totals.servers.is_quiet());
        self.0.sort_by_key(|game| Reverse(game.week));
        let mut on_trial = self.0.split_off(self.0.len().min(MOST_SHOWN));
        let mut new: Vec<(&str, Tally)> = tallies.into_iter().collect();
        new.sort_unstable_by(|(a, one), (b, other)| other.weight.cmp(&one.weight).then(a.cmp(b)));
        for (name, tally) in new.into_iter().take(MOST_KEPT) {
            let mut game = Game::new(name.into(), 0, Totals::default());
            game.note(1, tally);
            on_trial.push(game);
        }
        // Of two that have as many players now the older stays.
        on_trial.sort_by_key(|game| Reverse((game.now, game.week)));
        on_trial.truncate(MOST_KEPT - self.0.len());
        self.0.append(&mut on_trial);
        self.0.sort_by_key(|game| Reverse(game.week));
    }
}

/// What is listed of one game.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    total: Total,
    /// What that counts for the order of games.
    weight: u64,
}

/// What is listed of each game.
fn tallies<'a>(listed: &'a [One<'_>]) -> HashMap<&'a str, Tally> {
    // A game server that nobody plays on counts more than none.
    let players = |one: &One<'_>| 1 + u64::from(one.players.unwrap_or(0));
    let mut hosts: HashMap<Network, u64> = HashMap::new();
    for one in listed {
        *hosts.entry(Network::host(one.address.ip())).or_default() += players(one);
    }
    let mut tallies: HashMap<&str, Tally> = HashMap::new();
    for one in listed {
        let Some(game) = one.game.as_deref() else {
            continue;
        };
        let of_host = hosts[&Network::host(one.address.ip())];
        let tally = tallies.entry(game).or_default();
        tally.total.add(one.players.unwrap_or(0));
        tally.weight += players(one) * MOST_OF_HOST * PLAYER / of_host.max(MOST_OF_HOST);
    }
    tallies
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::borrow::Cow;

    /// A game server of host `host`.
    fn one(host: u8, port: u16, players: u16, game: &str) -> One<'static> {
        One {
            address: ([192, 0, 2, host], port).into(),
            players: Some(players),
            game: Some(Cow::Owned(game.to_owned())),
        }
    }

    /// `count` games, each with one game server of its own host.
    fn real(count: u8, players: u16) -> Vec<One<'static>> {
        let game = |n| one(n, 1, players, &format!("real-{n}"));
        (0..count).map(game).collect()
    }

    fn names(games: &[Game]) -> Vec<&str> {
        let mut names: Vec<&str> = games.iter().map(|game| &*game.name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_host_with_names_and_players_of_its_own_invention_pushes_nobody_out() {
        let mut games = Games::default();
        let mut listed = real(16, 3);
        for _ in 0..WEEK {
            games.note(1, &listed);
        }
        let before: Vec<String> = names(games.shown()).iter().map(|&n| n.into()).collect();
        // Sixteen game servers with 65,535 players each, for a week: always the same names, or others each time.
        for point in 0..2 * WEEK {
            listed.truncate(16);
            for port in 1..=8 {
                listed.push(one(99, port, 65_535, &format!("new-{point}-{port}")));
                listed.push(one(99, port + 8, 65_535, &format!("fake-{port}")));
            }
            games.note(1, &listed);
            assert_eq!(names(games.shown()), before, "point {point}");
            assert!(games.kept().len() <= MOST_KEPT);
        }
    }

    #[test]
    fn a_new_game_comes_up_against_names_that_nobody_plays_and_a_quiet_night_costs_no_place() {
        let mut games = Games::default();
        let mut listed = real(16, 3);
        for port in 1..=16 {
            listed.push(one(99, port, 100, &format!("fake-{port}")));
        }
        for _ in 0..288 {
            games.note(1, &listed);
        }
        assert_eq!(games.kept().len(), MOST_KEPT);
        // At the next point all real ones are asleep, and one is new.
        let mut night = listed.split_off(16);
        night.push(one(100, 1, 20, "new"));
        games.note(1, &night);
        assert_eq!(games.kept().len(), MOST_KEPT);
        let kept = names(games.kept());
        assert!(
            kept.contains(&"new") && kept.iter().filter(|n| n.starts_with("real")).count() == 16
        );
        for _ in 0..288 {
            games.note(1, &night);
        }
        assert!(names(games.shown()).contains(&"new"));
    }

    #[test]
    fn a_game_is_forgotten_a_week_after_its_last_game_server() {
        let mut games = Games::default();
        games.note(1, &real(1, 0));
        games.note(0, &real(1, 5));
        let week = games.kept()[0].week;
        assert_eq!(
            week,
            6 * PLAYER,
            "the point was replaced, and not counted twice"
        );
        // A file does not say what its last point counted: it counts once after a restart, too.
        let totals = games.kept()[0].totals.clone();
        games = Games::new(vec![Game::new("real-0".into(), week, totals)]);
        games.note(0, &real(1, 5));
        assert_eq!(games.kept()[0].week, week);
        games.note(0, &real(1, 0));
        assert_eq!(games.kept()[0].week, PLAYER);
        let mut leap = games.clone();
        leap.note(WEEK as i64, &[]);
        assert_eq!(
            leap.kept(),
            [],
            "a week is a week, however many looks there were"
        );
        for _ in 1..WEEK {
            games.note(1, &[]);
        }
        assert_eq!(games.shown().len(), 1);
        games.note(1, &[]);
        assert_eq!(games.kept(), []);
    }

    quickcheck! {
        fn no_more_are_kept_than_there_may_be_each_once_and_with_what_was_counted(points: Vec<(i8, Vec<(u8, u16)>)>) -> bool {
            let mut games = Games::default();
            points.into_iter().all(|(steps, said)| {
                let listed = said.iter().zip(1..).map(|((game, players), port)| {
                    one(game % 4, port, *players, &format!("g{game}"))
                });
                let listed: Vec<One<'_>> = listed.collect();
                games.note(steps.into(), &listed);
                let once = names(games.kept()).windows(2).all(|two| two[0] != two[1]);
                let in_order = games.kept().windows(2).all(|two| two[0].week >= two[1].week);
                once && in_order && games.kept().len() <= MOST_KEPT && games.kept().iter().all(|game| {
                    let of_it = said.iter().filter(|(name, _)| *game.name == *format!("g{name}"));
                    let players = of_it.map(|(_, players)| u32::from(*players)).sum();
                    game.totals.players.last() == Some(players)
                })
            })
        }
    }
}
