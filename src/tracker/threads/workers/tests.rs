//! What the threads of a port do, with numbers for conversations.

use super::*;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn leak(roster: io::Result<Roster<u32>>) -> &'static Roster<u32> {
    Box::leak(Box::new(roster.unwrap()))
}

/// What several threads come to do. One at the door stays there; all else is done at once.
fn staff(roster: &'static Roster<u32>, threads: usize) -> Receiver<Duty<u32>> {
    let (say, said) = channel();
    for _ in 0..threads {
        let say = say.clone();
        thread::spawn(move || {
            let mut place = roster.join();
            loop {
                let duty = place.next_duty();
                let stays = duty == Duty::Door;
                say.send(duty).unwrap();
                if stays {
                    loop {
                        thread::park();
                    }
                }
            }
        });
    }
    said
}

/// Runs a test in which this thread may come to rest, and nobody calls it if something is wrong.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (say, said) = channel();
    thread::spawn(move || {
        test();
        say.send(())
    });
    assert_eq!(said.recv_timeout(PATIENCE), Ok(()));
}

/// Waits until so many workers and waiters rest.
fn await_rest(roster: &Roster<u32>, workers: usize, waiters: usize) {
    let resting = || {
        let state = roster.state();
        (state.resting.len(), state.resting_waiters.len())
    };
    let start = Instant::now();
    while resting() != (workers, waiters) {
        assert!(start.elapsed() < PATIENCE, "{:?} rest", resting());
        thread::yield_now();
    }
}

#[test]
fn a_few_are_at_the_door_and_the_others_do_what_else_there_is() {
    let roster = leak(Roster::few_at_the_door());
    let said = staff(roster, FEW + 2);
    for _ in 0..FEW {
        assert_eq!(said.recv_timeout(PATIENCE), Ok(Duty::Door));
    }
    for n in 0..10 {
        roster.hand_over(n);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(Duty::Hold(n)));
    }
}

#[test]
fn a_door_is_not_left_alone() {
    in_time(|| {
        let roster = leak(Roster::few_at_the_door());
        let mut places: Vec<Place<'_, u32>> = (0..FEW).map(|_| roster.join()).collect();
        for place in &mut places {
            assert_eq!(place.next_duty(), Duty::Door);
        }
        let said = staff(roster, 1);
        await_rest(roster, 1, 0);
        for place in &mut places {
            assert!(said.try_recv().is_err(), "nobody is called too early");
            place.step_aside();
            place.step_aside();
        }
        assert_eq!(said.recv_timeout(PATIENCE), Ok(Duty::Door));
        // Nothing else keeps from the door who is needed there.
        let mut place = roster.join();
        roster.state().at_door = 0;
        roster.hand_over(1);
        assert_eq!(place.next_duty(), Duty::Door);
        assert_eq!(places[0].next_duty(), Duty::Hold(1));
    });
}

#[test]
fn workers_hold_and_waiters_wait() {
    let roster = leak(Roster::with_waiters(4));
    let said = staff(roster, 4);
    for _ in 0..3 {
        assert_eq!(said.recv_timeout(PATIENCE), Ok(Duty::Door));
    }
    await_rest(roster, 1, 0);
    assert_eq!(roster.give_to_waiter(1), Err(1), "there is none");
    let waiting = staff(roster, 2);
    await_rest(roster, 1, 2);
    assert_eq!(roster.give_to_waiter(1), Ok(()));
    assert_eq!(waiting.recv_timeout(PATIENCE), Ok(Duty::Wait(1)));
    assert_eq!(roster.give_to_worker(2), Ok(()));
    assert_eq!(said.recv_timeout(PATIENCE), Ok(Duty::Hold(2)));
    await_rest(roster, 1, 2);
    while roster.state().resting.call().is_some() {}
    assert_eq!(roster.give_to_worker(3), Err(3), "all are busy");
    assert!(waiting.try_recv().is_err());
}

#[test]
fn a_waiter_that_comes_by_leaves_to_a_worker_what_that_was_called_for() {
    in_time(|| {
        let roster = leak(Roster::with_waiters(4));
        let mut places: Vec<_> = (0..3).map(|_| roster.join()).collect();
        for place in &mut places {
            assert_eq!(place.next_duty(), Duty::Door);
        }
        // One that is called and does not come.
        let mut worker = roster.join();
        let _ = roster.state().resting.enter(&worker.me);
        assert_eq!(roster.give_to_worker(1), Ok(()));
        let waiting = staff(roster, 1);
        await_rest(roster, 0, 1);
        assert!(waiting.try_recv().is_err());
        roster.state().coming -= 1;
        assert_eq!(worker.next_duty(), Duty::Hold(1));
        assert_eq!(roster.state().coming, 0);
    });
}

#[test]
fn a_waiter_does_what_there_is_no_worker_for() {
    in_time(|| {
        let roster = leak(Roster::with_waiters(1));
        let mut doorman = roster.join();
        assert_eq!(doorman.next_duty(), Duty::Door);
        let waiting = staff(roster, 2);
        await_rest(roster, 0, 2);
        doorman.step_aside();
        assert_eq!(waiting.recv_timeout(PATIENCE), Ok(Duty::Door));
        await_rest(roster, 0, 1);
        assert_eq!(roster.give_to_waiter(1), Ok(()));
        assert_eq!(waiting.recv_timeout(PATIENCE), Ok(Duty::Wait(1)));
    });
}

#[test]
fn who_takes_the_door_calls_another_for_what_was_to_be_done() {
    in_time(|| {
        let roster = leak(Roster::with_waiters(2));
        let mut places = [roster.join(), roster.join()];
        assert_eq!(places[0].next_duty(), Duty::Door);
        assert_eq!(places[1].next_duty(), Duty::Door);
        let waiting = staff(roster, 1);
        await_rest(roster, 0, 1);
        // Both are busy, and the waiter is called; before it comes, the first is back.
        roster.state().at_door = 0;
        roster.hand_over(7);
        places[0].is_at_door = false;
        assert_eq!(places[0].next_duty(), Duty::Door);
        assert_eq!(waiting.recv_timeout(PATIENCE), Ok(Duty::Hold(7)));
    });
}

#[test]
fn it_is_known_how_many_have_nothing_to_do() {
    in_time(|| {
        let roster = leak(Roster::with_waiters(8));
        let mut places: Vec<_> = (0..6).map(|_| roster.join()).collect();
        for place in &mut places {
            assert_eq!(place.next_duty(), Duty::Door);
        }
        assert!(!roster.has_fewer_free_than(6));
        for place in &mut places[..3] {
            place.step_aside();
        }
        assert!(roster.has_fewer_free_than(4));
        assert!(!roster.has_fewer_free_than(3));
        // Where all are workers, however many there are, the question has an answer too.
        let all: Roster<()> = Roster::few_at_the_door().unwrap();
        assert!((1..=8).all(|eighths| all.has_fewer_free_than(eighths)));
    });
}

#[test]
fn it_is_known_whether_many_are_being_called() {
    let roster = leak(Roster::with_waiters(16));
    let _at_door = staff(roster, 12);
    let _resting = staff(roster, 2);
    await_rest(roster, 2, 0);
    assert!(!roster.is_calling_many());
    assert!(roster.state().resting.call().is_some());
    assert!(roster.is_calling_many());
}
