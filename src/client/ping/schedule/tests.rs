use super::*;
use quickcheck::quickcheck;
use std::net::SocketAddr;

const LIMITS: Limits = Limits {
    probes: 5,
    in_flight: 2,
    timeout: Duration::from_millis(1000),
    patience: Duration::from_millis(200),
};

fn address(port: u16) -> Target {
    SocketAddr::from(([192, 0, 2, 1], port)).into()
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A schedule, a clock that a test moves, and words that count up.
struct World {
    schedule: Schedule,
    start: Instant,
    time: Duration,
    word: u64,
}

impl World {
    fn new(limits: Limits, ports: impl IntoIterator<Item = u16>) -> Self {
        let permits = Arc::new(Permits::new(limits.in_flight));
        let mut schedule = Schedule::new(limits, permits);
        ports
            .into_iter()
            .for_each(|port| schedule.add(address(port)));
        Self::of(schedule)
    }

    fn of(schedule: Schedule) -> Self {
        Self {
            schedule,
            start: Instant::now(),
            time: Duration::ZERO,
            word: 0,
        }
    }

    fn now(&self) -> Instant {
        self.start + self.time
    }

    /// All probes that are to be sent now: port and word.
    fn probes(&mut self) -> Vec<(u16, u64)> {
        let mut sent = Vec::new();
        loop {
            self.word += 1;
            let Some(to) = self.schedule.next_probe(self.now(), self.word) else {
                return sent;
            };
            sent.push((to.address.port(), self.word));
        }
    }

    fn answer(&mut self, word: u64) {
        self.schedule.on_answer(word, None, self.now());
    }

    /// Sends and answers until all is done, with this delay for each port; `None` is for ever.
    /// Returns when each was done, and the most that were measured at the same time.
    fn run(&mut self, delay: impl Fn(u16) -> Option<u64>) -> (Vec<(Duration, Ping)>, usize) {
        let (mut done, mut most) = (Vec::new(), 0);
        let mut on_the_way: BTreeSet<(Duration, u64)> = BTreeSet::new();
        loop {
            for (port, word) in self.probes() {
                if let Some(delay) = delay(port) {
                    on_the_way.insert((self.time + millis(delay), word));
                }
            }
            most = most.max(self.schedule.measured.len());
            while let Some(ping) = self.schedule.next_done() {
                done.push((self.time, ping));
            }
            let arrival = on_the_way.first().map(|(at, ..)| *at);
            let due = self
                .schedule
                .next_due(self.now())
                .map(|wait| self.time + wait);
            let Some(next) = arrival.into_iter().chain(due).min() else {
                assert!(self.schedule.is_idle());
                return (done, most);
            };
            self.time = next;
            while on_the_way.first().is_some_and(|(at, ..)| *at <= self.time) {
                let (_, word) = on_the_way.pop_first().unwrap();
                self.answer(word);
            }
        }
    }
}

#[test]
fn the_mean_of_five_probes_each_sent_when_the_one_before_is_answered() {
    let mut world = World::new(LIMITS, [1]);
    for delay in [10, 20, 30, 40] {
        let sent = world.probes();
        assert_eq!(sent.len(), 1);
        world.time += millis(delay);
        world.answer(sent[0].1);
        assert_eq!(world.schedule.next_done(), None);
    }
    let word = world.probes()[0].1;
    world.time += millis(50);
    world.answer(word);
    let ping = Ping {
        target: address(1),
        mean: Some(millis(30)),
        sent: 5,
        answered: 5,
        is_late: false,
        status: None,
    };
    assert_eq!(world.schedule.next_done(), Some(ping));
    assert!(world.schedule.is_idle() && world.schedule.open.is_empty());
}

#[test]
fn lost_probes_are_counted_and_leave_the_mean_alone() {
    let mut world = World::new(LIMITS, [1]);
    for n in 0..5 {
        let sent = world.probes();
        if n % 2 == 0 {
            world.time += millis(20);
            world.answer(sent[0].1);
        } else {
            world.time += millis(199);
            assert_eq!(world.probes(), []);
            world.time += millis(1);
        }
    }
    // Two are lost, but they might be late only: that is known a second after the last of them.
    assert_eq!(world.schedule.next_done(), None);
    world.time += millis(1000);
    assert_eq!(world.probes(), []);
    let ping = world.schedule.next_done().unwrap();
    assert_eq!(
        (ping.mean, ping.sent, ping.answered),
        (Some(millis(20)), 5, 3)
    );
}

#[test]
fn silence_is_unknown_and_not_zero() {
    let mut world = World::new(LIMITS, [1]);
    let (done, _) = world.run(|_| None);
    let (at, ping) = &done[0];
    assert_eq!((ping.mean, ping.sent, ping.answered), (None, 5, 0));
    assert_eq!(*at, millis(4 * 200 + 1000));
}

#[test]
fn what_is_slower_than_patience_is_measured_as_it_is() {
    let mut world = World::new(LIMITS, [1, 2]);
    let (done, _) = world.run(|port| Some([450, 999][usize::from(port) - 1]));
    let means: Vec<_> = done.iter().map(|(_, ping)| ping.mean).collect();
    assert_eq!(means, [Some(millis(450)), Some(millis(999))]);
    let mut world = World::new(LIMITS, [1]);
    let (done, _) = world.run(|_| Some(1001));
    assert_eq!(done[0].1.mean, None);
}

#[test]
fn what_was_not_asked_for_is_ignored() {
    let mut world = World::new(LIMITS, [1, 2]);
    let sent = world.probes();
    world.time += millis(10);
    world.answer(999); // a word that was not sent
    assert_eq!(world.schedule.measured[&address(1)].answered, 0);
    world.answer(sent[0].1);
    world.answer(sent[0].1); // and again
    assert_eq!(world.schedule.measured[&address(1)].answered, 1);
    assert_eq!(world.schedule.measured[&address(2)].answered, 0);
}

#[test]
fn no_more_than_may_be_are_measured_at_once_and_the_dead_do_not_stop_the_others() {
    let mut world = World::new(
        Limits {
            in_flight: 4,
            ..LIMITS
        },
        1..=40,
    );
    let (done, most) = world.run(|port| (port % 2 == 0).then_some(10));
    assert_eq!((done.len(), most), (40, 4));
    assert!(
        done.iter()
            .all(|(_, ping)| ping.mean.is_some() == (ping.target.address.port() % 2 == 0))
    );
    // Twenty that are silent, four at a time.
    assert!(done.last().unwrap().0 <= millis(5 * 1800 + 10 * 50));

    // Two schedules have one limit.
    let permits = Arc::new(Permits::new(1));
    let mut one = Schedule::new(LIMITS, Arc::clone(&permits));
    let mut other = Schedule::new(LIMITS, permits);
    one.add(address(1));
    other.add(address(2));
    let now = Instant::now();
    assert!(one.next_probe(now, 1).is_some() && other.next_probe(now, 2).is_none());
    assert_eq!(other.next_due(now), None);
    one.on_unreachable(address(1));
    assert!(other.next_probe(now, 2).is_some());
}

#[test]
fn what_is_wanted_twice_is_measured_once_and_may_be_wanted_again() {
    let mut world = World::new(LIMITS, [1, 1]);
    world.schedule.add(address(1));
    assert_eq!(world.run(|_| Some(1)).0.len(), 1);
    world.schedule.add(address(1));
    assert_eq!(world.run(|_| Some(1)).0.len(), 1);
}

#[test]
fn where_nothing_can_be_sent_it_is_known_at_once() {
    let mut world = World::new(LIMITS, [1]);
    world.probes();
    world.schedule.on_unreachable(address(1));
    let ping = world.schedule.next_done().unwrap();
    assert_eq!((ping.mean, ping.answered), (None, 0));
    assert!(world.schedule.is_idle());
}

quickcheck! {
    fn everybody_is_measured_once_and_nothing_is_left(delays: Vec<u16>, in_flight: u8) -> bool {
        let limits = Limits { in_flight: usize::from(in_flight), ..LIMITS };
        let mut world = World::new(limits, 0..delays.len() as u16);
        let delay = |port: u16| u64::from(delays[usize::from(port)] % 1500);
        let (done, most) = world.run(|port| Some(delay(port)));
        let is_right = |ping: &Ping| {
            let delay = delay(ping.target.address.port());
            ping.sent == 5 && ping.mean == (delay <= 1000).then(|| millis(delay))
        };
        done.len() == delays.len()
            && most <= limits.in_flight.max(1)
            && done.iter().all(|(_, ping)| is_right(ping))
            && world.schedule.open.is_empty()
            && world.schedule.due.is_empty()
            && world.schedule.measured.is_empty()
    }
}

#[test]
fn without_a_word_the_next_probe_waits_until_the_one_before_is_lost() {
    let target = Target {
        kind: Some(Kind::Source),
        ..address(1)
    };
    let world = || {
        let mut schedule = Schedule::new(LIMITS, Arc::new(Permits::new(1)));
        schedule.add(target);
        World::of(schedule)
    };
    let (done, _) = world().run(|_| Some(450));
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].0, millis(5 * 450), "one after the other");
    assert_eq!((done[0].1.mean, done[0].1.sent), (Some(millis(450)), 5));
    // Where nothing comes, two are enough.
    let (done, _) = world().run(|_| None);
    assert_eq!(done[0].0, millis(2000));
    assert_eq!((done[0].1.mean, done[0].1.sent), (None, 2));
    // One that is lost is one of five.
    let mut world = world();
    let lost = world.probes();
    world.time += millis(999);
    assert!(world.probes().is_empty(), "still waiting");
    world.time += millis(1);
    for _ in 0..4 {
        let sent = world.probes();
        assert_eq!(sent.len(), 1);
        world.time += millis(20);
        world.answer(lost[0].1);
        world.answer(sent[0].1);
    }
    let ping = world.schedule.next_done().unwrap();
    assert_eq!((ping.sent, ping.answered), (5, 4));
    assert_eq!(ping.mean, Some(millis(20)));
}

#[test]
fn a_game_server_that_brakes_is_asked_once_more_after_a_second() {
    let mut schedule = Schedule::new(LIMITS, Arc::new(Permits::new(1)));
    schedule.add(Target {
        kind: Some(Kind::Quake3),
        ..address(1)
    });
    let mut world = World::of(schedule);
    for wait in [200, 200, 200, 1000] {
        assert_eq!(world.probes().len(), 1);
        world.time += millis(wait - 1);
        assert!(world.probes().is_empty());
        world.time += millis(1);
    }
    let word = world.probes()[0].1;
    world.time += millis(30);
    world.answer(word);
    world.time += millis(970);
    assert!(world.probes().is_empty());
    let ping = world.schedule.next_done().unwrap();
    assert_eq!((ping.mean, ping.answered), (Some(millis(30)), 1));
}

#[test]
fn the_latest_answer_says_how_many_play() {
    let mut world = World::new(LIMITS, [1]);
    for players in [None, Some(1), Some(2), None, None] {
        let word = world.probes()[0].1;
        let status = players.map(|players| {
            Box::new(Status {
                players: Some(players),
                ..Status::default()
            })
        });
        world.schedule.on_answer(word, status, world.now());
    }
    let ping = world.schedule.next_done().unwrap();
    assert_eq!(ping.status.unwrap().players, Some(2));
}

#[test]
fn an_answer_that_comes_too_late_is_known_and_does_not_count() {
    let mut world = World::new(LIMITS, [1, 2, 3]);
    let (done, _) = world.run(|port| [Some(1500), None, Some(2000)][usize::from(port) - 1]);
    let mut pings: Vec<_> = done.into_iter().map(|(_, ping)| ping).collect();
    pings.sort_by_key(|ping| ping.target);
    let late: Vec<bool> = pings.iter().map(Ping::is_too_late).collect();
    assert_eq!(
        late,
        [true, false, false],
        "nobody is waited for longer than that"
    );
    assert!(
        pings
            .iter()
            .all(|ping| ping.mean.is_none() && ping.answered == 0)
    );
}
