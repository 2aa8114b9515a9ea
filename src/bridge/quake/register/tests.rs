//! The lives of registered game servers, on a pretend clock.

use super::*;
use quickcheck::quickcheck;

fn address(n: u16) -> SocketAddr {
    ([198, 51, 100, (n / 100) as u8], 27960 + n).into()
}

fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

impl Register {
    fn listed(&self) -> usize {
        self.hosts.values().sum()
    }

    /// When something is due.
    fn next(&self) -> Option<Instant> {
        self.order.first().map(|(next, _)| *next)
    }
}

/// When and what happens until nothing is due any more.
fn life(register: &mut Register, start: Instant) -> Vec<(u64, Due)> {
    let mut seen = Vec::new();
    while let Some(next) = register.next() {
        while let Some(due) = register.due(next) {
            seen.push(((next - start).as_secs(), due));
        }
    }
    seen
}

#[test]
fn one_that_falls_silent_is_gone_in_a_minute_and_asked_for_ten_more() {
    let (mut register, start) = (Register::new(10, 10), Instant::now());
    let one = address(1);
    assert!(!register.heartbeat(one, Tag::Known(2), start));
    assert_eq!(register.answered(one, 2, 1, 0.5, start), Admitted::New);
    let life = life(&mut register, start);
    let ask = Due::Ask(one, 2);
    let first = [
        (32, ask),
        (37, ask),
        (42, ask),
        (47, Due::Lost(one, false)),
        (47, ask),
    ];
    assert_eq!(life[..5], first);
    assert_eq!((life.len(), life[5].0), (4 + 20, 77));
    assert!(life.last().unwrap().0 > 600);
    assert!(register.entries.is_empty() && register.hosts.is_empty());
}

#[test]
fn one_that_says_that_it_ends_is_gone_in_seconds_and_one_that_answers_stays() {
    let (mut register, start) = (Register::new(10, 10), Instant::now());
    let (ended, alive) = (address(1), address(2));
    for address in [ended, alive] {
        register.answered(address, 0, 1, 0.0, start);
        assert!(register.heartbeat(address, Tag::Flatline, at(start, 10)));
    }
    let now = at(start, 10);
    assert_eq!(register.due(now), Some(Due::Ask(ended, 0)));
    assert_eq!(register.due(now), Some(Due::Ask(alive, 0)));
    assert_eq!(register.answered(alive, 0, 2, 0.0, now), Admitted::Again);
    let life = life(&mut register, start);
    let ask = Due::Ask(ended, 0);
    assert_eq!(
        life[..3],
        [(12, ask), (14, ask), (16, Due::Lost(ended, true))]
    );
    assert_eq!(life[3].1, ask, "it may be back by itself");
}

#[test]
fn one_that_is_off_the_list_is_asked_on_whoever_says_that_it_ends() {
    let (mut register, start) = (Register::new(10, 10), Instant::now());
    let one = address(1);
    register.answered(one, 2, 1, 0.5, start);
    while register.listed() > 0 {
        register.due(register.next().unwrap());
    }
    register.heartbeat(one, Tag::Flatline, at(start, 50));
    let life = life(&mut register, start);
    assert_eq!((life.len(), life[1].0 - life[0].0), (20, 30));
}

#[test]
fn heartbeats_have_one_asked_at_once_but_not_too_often() {
    let (mut register, start) = (Register::new(10, 10), Instant::now());
    let one = address(1);
    register.answered(one, 0, 1, 0.0, start);
    let mut asked = Vec::new();
    for tenth in 0..200 {
        let now = start + Duration::from_millis(100) * tenth;
        register.heartbeat(one, Tag::Known(0), now);
        while let Some(Due::Ask(address, 0)) = register.due(now) {
            asked.push(tenth);
            register.answered(address, 0, 2 + u64::from(tenth), 0.0, now);
        }
    }
    assert_eq!(asked, [20, 40, 60, 80, 100, 120, 140, 160, 180]);
}

#[test]
fn a_challenge_is_good_once_and_one_that_was_lost_comes_back() {
    let (mut register, start) = (Register::new(10, 10), Instant::now());
    let one = address(1);
    register.remember(one, 1, start);
    assert_eq!(register.listed(), 0);
    assert_eq!(register.due(start), Some(Due::Ask(one, 1)));
    assert_eq!(register.answered(one, 1, 5, 0.0, start), Admitted::New);
    for step in [5, 4] {
        assert_eq!(register.answered(one, 1, step, 0.0, start), Admitted::Stale);
    }
    assert!(register.heartbeat(one, Tag::Known(0), start));
    assert_eq!(register.answered(one, 0, 6, 0.0, start), Admitted::Again);
    let now = at(start, 300);
    for _ in 0..3 {
        let next = register.next().unwrap();
        assert_eq!(register.due(next), Some(Due::Ask(one, 0)));
    }
    assert_eq!(register.due(now), Some(Due::Lost(one, false)));
    assert_eq!((register.listed(), register.entries.len()), (0, 1));
    assert_eq!(register.answered(one, 0, 7, 0.0, now), Admitted::New);
    assert_eq!(register.listed(), 1);
}

#[test]
fn a_full_register_prefers_those_that_answer() {
    let (mut register, start) = (Register::new(3, 2), Instant::now());
    let add = |register: &mut Register, n| register.answered(address(n), 0, 1, 0.0, start);
    for n in [500, 600, 700, 800] {
        register.remember(address(n), 0, start);
    }
    assert_eq!(register.entries.len(), 3);
    assert_eq!(add(&mut register, 1), Admitted::New);
    assert_eq!(add(&mut register, 2), Admitted::New);
    assert_eq!(add(&mut register, 3), Admitted::HostFull(2));
    assert_eq!(add(&mut register, 100), Admitted::New);
    assert_eq!(add(&mut register, 200), Admitted::Full(3));
    assert_eq!(register.entries.len(), 3);
}

quickcheck! {
    fn whatever_happens_the_books_agree(events: Vec<(u8, u8, u8)>) -> bool {
        let (mut register, mut now) = (Register::new(8, 3), Instant::now());
        for (step, (what, who, wait)) in events.into_iter().enumerate() {
            now += Duration::from_millis(u64::from(wait) * 50);
            let address = address(u16::from(who % 12) * 30);
            match what % 5 {
                0 => drop(register.answered(address, 0, step as u64 + 1, 0.3, now)),
                1 if what > 128 => drop(register.heartbeat(address, Tag::Flatline, now)),
                1 => drop(register.heartbeat(address, Tag::Known(what), now)),
                2 => register.remember(address, 0, now),
                _ => while register.due(now).is_some() {},
            }
            let listed = register.entries.values().filter(|entry| entry.is_listed).count();
            let places = register.entries.iter().map(|(address, entry)| (entry.next, *address));
            if listed != register.listed()
                || register.order != places.collect()
                || register.entries.len() > 8
                || register.hosts.values().any(|count| !(1..=3).contains(count))
            {
                return false;
            }
        }
        true
    }
}
