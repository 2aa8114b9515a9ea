//! A list that is read again, because what was known of it is not what its owner says.

use super::*;

impl World {
    /// So many game servers log in to the first tracker, each in a round of its own.
    fn logins_in_turn(&mut self, count: u16) {
        for port in 1..=count {
            let now_ms = self.now_ms();
            self.trackers[0].login(port, 1, 0, now_ms);
            self.run(ROUND);
        }
        self.run(ROUND);
    }
}

/// What tells others that the list of a tracker is another than they know.
fn cast_doubt(world: &mut World, id: TrackerId) {
    let mut pipeline = Pipeline::new();
    let life = Alive {
        seq: world.trackers[0].merge.own().count() as u64 + 1,
        count: 0,
        digest: 0,
    };
    let (alive, life) = (Names::new("test").alive(id), life.to_string());
    pipeline.push(&[b"SET", alive.as_bytes(), life.as_bytes(), b"PX", b"10000"]);
    world.engine.obey(&pipeline, world.now);
}

#[test]
fn a_list_that_is_read_again_never_shows_what_was_before() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    // The whole list in the engine has none of them yet.
    world.logins_in_turn(100);
    let all = world.union();
    // More than a second, in which it is looked who is alive.
    for _ in 0..15 {
        cast_doubt(&mut world, TrackerId(1));
        world.now += ROUND;
        let (engine, now) = (&mut world.engine, world.now);
        for _ in 0..4 {
            world.trackers[1].step(engine, now);
            assert_eq!(world.trackers[1].list(), all);
        }
    }
    assert_ne!(world.trackers[1].exchange.take_traffic().reread, 0);
}

#[test]
fn nobody_hurries_after_changes_that_are_gone() {
    let mut world = World::new(2);
    world.run(Duration::from_secs(2));
    world.logins_in_turn(200);
    world.engine.trim();
    cast_doubt(&mut world, TrackerId(1));
    // Its owner cannot write the list again.
    world.trackers.remove(0);
    world.run(Duration::from_secs(2));
    assert!(!world.trackers[0].exchange.has_more());
}
