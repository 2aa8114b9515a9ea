//! Who of a port's threads does what: stands at the door, is on an errand, or rests.
//!
//! This file hides how many threads stand at a door. A thread that sleeps there is woken for the
//! next connection even if another is about to take it, so few threads answer with less work than
//! many do. So two stand at the door for clients: while one steps aside with somebody who has to be
//! waited for, there is still another. At the door for game servers, which stay, all threads stand
//! that have nothing else to do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

/// Threads at the door for clients. More of them, called there while connections keep waiting,
/// cost a LIST up to a third more processor time under load.
const FEW: usize = 2;

/// Something to do for a thread that has nothing else to do.
pub type Errand = Box<dyn FnOnce(&mut Place<'_>) + Send>;

/// What a thread does next.
pub enum Duty {
    /// Stand at the door.
    Door,
    /// Do this.
    Errand(Errand),
}

/// The threads of one port.
pub struct Roster {
    state: Mutex<State>,
    /// Threads at the door, if there are so many with nothing else to do.
    most_at_door: usize,
    /// Held by a thread while its successor starts: the machine allows only so many threads, and
    /// for a moment both are there.
    succession: Mutex<()>,
}

#[derive(Default)]
struct State {
    at_door: usize,
    errands: VecDeque<Errand>,
    /// The last who came to rest is the first to be called: what it needs is still in the cache.
    resting: Vec<Arc<Rester>>,
}

/// A thread that may rest.
struct Rester {
    thread: Thread,
    is_called: AtomicBool,
}

impl Rester {
    fn call(&self) {
        self.is_called.store(true, Ordering::Release);
        self.thread.unpark();
    }

    fn rest(&self) {
        while !self.is_called.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Roster {
    /// For a port whose peers nearly always say at once all that they have to say: a few at the
    /// door answer them.
    pub fn few_at_the_door() -> Self {
        Self::new(FEW)
    }

    /// For a port whose peers stay: whoever has nothing else to do is at the door, so that nobody
    /// has to be called.
    pub fn all_at_the_door() -> Self {
        Self::new(usize::MAX)
    }

    fn new(most_at_door: usize) -> Self {
        Self {
            state: Mutex::default(),
            most_at_door,
            succession: Mutex::default(),
        }
    }

    /// Waits until it is the calling thread's turn to start its successor.
    pub fn await_succession(&self) -> MutexGuard<'_, ()> {
        self.succession
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes on the calling thread.
    pub fn join(&self) -> Place<'_> {
        let me = Arc::new(Rester {
            thread: thread::current(),
            is_called: AtomicBool::new(false),
        });
        Place {
            roster: self,
            me,
            is_at_door: false,
            testament: None,
        }
    }

    /// Has `errand` done by a thread that has nothing else to do, as soon as there is one.
    pub fn hand_over(&self, errand: Errand) {
        let called = {
            let mut state = self.state();
            state.errands.push_back(errand);
            state.resting.pop()
        };
        call(called);
    }

    /// What is changed under this lock is changed by one call, so a panic leaves nothing half
    /// done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes whoever was taken off the resting ones, when the lock is free again. A thread that is
/// called looks for itself what is to be done: it may be something else by then.
fn call(called: Option<Arc<Rester>>) {
    if let Some(rester) = called {
        rester.call();
    }
}

/// One thread's place in a roster.
pub struct Place<'a> {
    roster: &'a Roster,
    me: Arc<Rester>,
    is_at_door: bool,
    /// What its successor is to do first, once it is to retire.
    testament: Option<Errand>,
}

impl Place<'_> {
    /// Rests until there is something to do, and says what it is.
    pub fn next_duty(&mut self) -> Duty {
        loop {
            let mut state = self.roster.state();
            if self.is_at_door {
                return Duty::Door;
            }
            // Somebody is always at the door, whatever else there is to do.
            if state.at_door > 0
                && let Some(errand) = state.errands.pop_front()
            {
                return Duty::Errand(errand);
            }
            if state.at_door < self.roster.most_at_door {
                state.at_door += 1;
                self.is_at_door = true;
                return Duty::Door;
            }
            state.resting.push(Arc::clone(&self.me));
            drop(state);
            self.me.rest();
        }
    }

    /// Lets a fresh thread take this one's place, and do `errand` first.
    pub fn retire(&mut self, errand: Errand) {
        self.testament = Some(errand);
    }

    /// What the successor is to do first, if this thread is to retire.
    pub fn take_testament(&mut self) -> Option<Errand> {
        self.testament.take()
    }

    /// Leaves the door, to wait for somebody or do something that takes time. Nothing happens if
    /// it has left already. If nobody else is at the door, somebody is called there.
    pub fn step_aside(&mut self) {
        if !std::mem::take(&mut self.is_at_door) {
            return;
        }
        let called = {
            let mut state = self.roster.state();
            state.at_door -= 1;
            match state.at_door {
                0 => state.resting.pop(),
                _ => None,
            }
        };
        call(called);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// What one of several threads was given to do, or `None` for the door, where it stays.
    fn staff(roster: &'static Roster, threads: usize) -> Receiver<Option<thread::ThreadId>> {
        let (say, said) = channel();
        for _ in 0..threads {
            let say = say.clone();
            thread::spawn(move || {
                let mut place = roster.join();
                while let Duty::Errand(errand) = place.next_duty() {
                    errand(&mut place);
                    say.send(Some(thread::current().id())).unwrap();
                }
                say.send(None).unwrap();
                thread::park();
            });
        }
        said
    }

    #[test]
    fn a_few_are_at_the_door_and_the_others_do_errands() {
        let roster: &Roster = Box::leak(Box::new(Roster::few_at_the_door()));
        let said = staff(roster, FEW + 2);
        for _ in 0..FEW {
            assert_eq!(said.recv_timeout(PATIENCE), Ok(None));
        }
        let (done, all_done) = channel();
        for n in 0..10 {
            let done = done.clone();
            roster.hand_over(Box::new(move |_| done.send(n).unwrap()));
            assert!(said.recv_timeout(PATIENCE).unwrap().is_some());
            assert_eq!(all_done.recv_timeout(PATIENCE), Ok(n));
        }
    }

    #[test]
    fn a_door_is_not_left_alone() {
        let roster: &Roster = Box::leak(Box::new(Roster::few_at_the_door()));
        let mut places: Vec<Place<'_>> = (0..FEW).map(|_| roster.join()).collect();
        for place in &mut places {
            assert!(matches!(place.next_duty(), Duty::Door));
        }
        let said = staff(roster, 1);
        while roster.state().resting.is_empty() {
            thread::yield_now();
        }
        for place in &mut places {
            assert!(said.try_recv().is_err(), "nobody is called too early");
            place.step_aside();
            place.step_aside();
        }
        assert_eq!(said.recv_timeout(PATIENCE), Ok(None));
        // An errand does not keep from the door who is needed there.
        let mut place = roster.join();
        roster.state().at_door = 0;
        roster.hand_over(Box::new(|_| ()));
        assert!(matches!(place.next_duty(), Duty::Door));
        assert!(matches!(places[0].next_duty(), Duty::Errand(_)));
    }
}
