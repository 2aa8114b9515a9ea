//! Why the rule of admission is what it is: the same flood against four rules.
//!
//! One class of 32 slots. Attackers from so many groups hold what they get and connect anew as
//! fast as they are let; honest peers from ten groups of their own come once a second each and
//! need their slot for 150 ms. Time is pretended; a run of half a minute takes milliseconds.

use gltracker::tracker::access::admission::{Admission, Caps, Newcomer};
use gltracker::tracker::access::slots::{Class, Limits};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

const SLOTS: usize = 32;
const HONEST: u8 = 10;
const NEEDED: Duration = Duration::from_millis(150);
const MILLISECONDS: u64 = 30_000;

trait Rule {
    /// Lets `id` in or not; tells who was dropped for it.
    fn arrive(&mut self, id: u64, ip: IpAddr, now: Instant) -> (bool, Option<u64>);
    fn leave(&mut self, id: u64);
}

/// The rules that suggest themselves, told apart by whom they drop from a full class.
struct Simple<F>(Vec<u64>, F);

impl<F: FnMut(usize) -> Option<usize>> Rule for Simple<F> {
    fn arrive(&mut self, id: u64, _: IpAddr, _: Instant) -> (bool, Option<u64>) {
        let mut dropped = None;
        if self.0.len() == SLOTS {
            match self.1(SLOTS) {
                None => return (false, None),
                Some(place) => dropped = Some(self.0.remove(place)),
            }
        }
        self.0.push(id);
        (true, dropped)
    }
    fn leave(&mut self, id: u64) {
        self.0.retain(|other| *other != id);
    }
}

struct OfGltracker(Admission<u64>);

impl Rule for OfGltracker {
    fn arrive(&mut self, id: u64, ip: IpAddr, now: Instant) -> (bool, Option<u64>) {
        let newcomer = Newcomer {
            id,
            ip,
            trusted: false,
            now,
        };
        match self.0.arrive(newcomer, Class::Client, id) {
            Ok(dropped) => (true, dropped),
            Err(_) => (false, None),
        }
    }
    fn leave(&mut self, id: u64) {
        self.0.leave(id);
    }
}

fn of_gltracker() -> OfGltracker {
    let slots = Limits::divide(4 * SLOTS, "1:1:1:1".parse().unwrap()).unwrap();
    OfGltracker(Admission::new(Caps {
        slots,
        listed_per_host: 1,
        listed_per_key: 1,
    }))
}

/// The share of honest visits that got what they came for.
fn honest_success(rule: &mut impl Rule, groups: u16, per_second: u64) -> f64 {
    let start = Instant::now();
    let mut last_id = 0;
    let mut attacks = 0;
    let mut visits: HashMap<u64, Instant> = HashMap::new();
    let (mut came, mut served) = (0, 0);
    for millisecond in 0..MILLISECONDS {
        let now = start + Duration::from_millis(millisecond);
        let done: Vec<u64> = visits
            .iter()
            .filter(|(_, since)| now - **since >= NEEDED)
            .map(|(id, _)| *id)
            .collect();
        for id in done {
            visits.remove(&id);
            rule.leave(id);
            served += 1;
        }
        // Attackers first: the class is full whenever an honest one comes.
        while attacks < (millisecond + 1) * per_second / 1000 {
            attacks += 1;
            last_id += 1;
            let group = (attacks % u64::from(groups)) as u16;
            let ip = IpAddr::from([10, (group >> 8) as u8, group as u8, (attacks % 251) as u8]);
            if let (_, Some(dropped)) = rule.arrive(last_id, ip, now) {
                visits.remove(&dropped);
            }
        }
        if millisecond % 100 == 50 {
            let group = (millisecond / 100 % u64::from(HONEST)) as u8;
            last_id += 1;
            came += 1;
            let (is_in, dropped) = rule.arrive(last_id, IpAddr::from([192, 0, group, 1]), now);
            if let Some(dropped) = dropped {
                visits.remove(&dropped);
            }
            if is_in {
                visits.insert(last_id, now);
            }
        }
    }
    f64::from(served) / f64::from(came - visits.len() as i32)
}

/// A pseudo-random place, the same in every run.
fn at_random() -> impl FnMut(usize) -> Option<usize> {
    let mut state = 1u64;
    move |slots| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Some((state >> 33) as usize % slots)
    }
}

#[test]
fn within_the_bound_this_rule_serves_everybody_and_the_others_do_not() {
    // 20 groups of attackers and 10 honest ones are fewer than 32 slots.
    let (groups, rate) = (20, 640);
    let refuse_new = honest_success(&mut Simple(Vec::new(), |_| None), groups, rate);
    let evict_oldest = honest_success(&mut Simple(Vec::new(), |_| Some(0)), groups, rate);
    let evict_random = honest_success(&mut Simple(Vec::new(), at_random()), groups, rate);
    let this_rule = honest_success(&mut of_gltracker(), groups, rate);
    println!(
        "honest success: refuse new {refuse_new:.3}, evict oldest {evict_oldest:.3}, \
         evict at random {evict_random:.3}, this rule {this_rule:.3}"
    );
    assert!(refuse_new < 0.01, "refusing newcomers: {refuse_new}");
    assert!(evict_oldest < 0.01, "dropping the oldest: {evict_oldest}");
    assert!(evict_random < 0.20, "dropping at random: {evict_random}");
    assert!(this_rule > 0.9999, "this rule: {this_rule}");
}

#[test]
fn beyond_the_bound_service_degrades_and_does_not_end() {
    // Every attacker has a group of his own: c / (250 ms x rate) of the newcomers get in.
    let this_rule = honest_success(&mut of_gltracker(), 400, 640);
    let expected = SLOTS as f64 / (0.250 * 650.0);
    println!("honest success: {this_rule:.3}, expected about {expected:.3}");
    assert!(
        this_rule > expected / 2.0,
        "{this_rule} where about {expected} is expected"
    );
    let evict_oldest = honest_success(&mut Simple(Vec::new(), |_| Some(0)), 400, 640);
    assert!(evict_oldest < 0.01, "{evict_oldest}");
}
