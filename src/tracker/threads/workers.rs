//! Who of a port's threads does what: stands at the door, holds a conversation, waits for somebody
//! to speak, or rests.
//!
//! This file hides how many threads stand at a door. A thread that sleeps there is woken for the
//! next connection even if another is about to take it, so few threads answer with less work than
//! many do. So two stand at the door for clients: while one steps aside with somebody who has to be
//! waited for, there is still another. At the door for game servers, which stay for longer, stand
//! three in four of those who log them in, and the fourth is there to be called.
//!
//! It also hides which thread waits for a game server that has nothing to say. A thread that has
//! once sent something keeps some 33 KiB of kernel memory for the next time, and one that has once
//! read a line keeps the pages of its stack that this took. So there are two kinds. *Workers* stand
//! at the door, talk, and are few. *Waiters* do nothing but wait until a peer speaks or a deadline
//! passes, and then pass the conversation on to a worker. If there is no worker to be had, a waiter
//! becomes one: nobody is kept waiting in order to save memory.

use crate::tracker::start::os_limits::SPARE_DOORMEN;
use crate::tracker::threads::parking::{Rest, Rester, Resting};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Threads at the door for clients. More of them, called there while connections keep waiting,
/// cost a LIST up to a third more processor time under load.
const FEW: usize = 2;

// A slot is free a moment before the thread that served it is: whoever comes then finds the others.
const _: () = assert!(SPARE_DOORMEN >= 4 * FEW);

/// So much may be on its way from one thread to another without taking more memory. A waiter that
/// allocates touches more of its stack than by all else that it does.
const AT_A_TIME: usize = 1024;

/// What a thread does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Duty<T> {
    /// Stand at the door.
    Door,
    /// Hold this, and talk.
    Hold(T),
    /// Wait until there is something to talk about.
    Wait(T),
}

/// The threads of one port, and what is passed on among them.
pub struct Roster<T> {
    state: Mutex<State<T>>,
    /// Threads at the door, if there are so many with nothing else to do.
    most_at_door: usize,
    /// So many of those who join are workers, all others waiters.
    workers: usize,
}

struct State<T> {
    joined: usize,
    at_door: usize,
    /// For workers, who have been called for it or will come by.
    holds: VecDeque<T>,
    /// Workers.
    resting: Resting,
    /// Workers that were called and have not come yet.
    coming: usize,
    /// For waiters, who have been called for it.
    waits: VecDeque<T>,
    resting_waiters: Resting,
}

impl<T> State<T> {
    /// Who is to be called for what a worker does.
    fn next_worker(&mut self) -> Option<Rest> {
        self.resting_worker()
            .or_else(|| self.resting_waiters.call())
    }

    /// A worker who is called now.
    fn resting_worker(&mut self) -> Option<Rest> {
        let worker = self.resting.call()?;
        self.coming += 1;
        Some(worker)
    }

    /// There is something to do for a worker and none to do it.
    fn lacks_worker(&self) -> bool {
        (self.at_door == 0 || !self.holds.is_empty()) && self.resting.is_empty() && self.coming == 0
    }
}

impl<T> Roster<T> {
    /// For a port whose peers nearly always say at once all that they have to say: a few at the
    /// door answer them.
    ///
    /// # Errors
    /// When the system has no room for threads to rest in.
    pub fn few_at_the_door() -> io::Result<Self> {
        Self::new(usize::MAX, FEW)
    }

    /// For a port whose peers stay, with so many workers.
    ///
    /// # Errors
    /// When the system has no room for threads to rest in.
    pub fn with_waiters(workers: usize) -> io::Result<Self> {
        Self::new(workers, workers - workers / 4)
    }

    fn new(workers: usize, most_at_door: usize) -> io::Result<Self> {
        Ok(Self {
            state: Mutex::new(State {
                joined: 0,
                at_door: 0,
                holds: VecDeque::with_capacity(AT_A_TIME),
                resting: Resting::new()?,
                coming: 0,
                waits: VecDeque::with_capacity(AT_A_TIME),
                resting_waiters: Resting::new()?,
            }),
            most_at_door,
            workers,
        })
    }

    /// Takes on the calling thread.
    pub fn join(&self) -> Place<'_, T> {
        let me = Arc::new(Rester::current());
        let mut state = self.state();
        state.joined += 1;
        Place {
            roster: self,
            me,
            is_at_door: false,
            is_worker: state.joined <= self.workers,
        }
    }

    /// Has a worker go on with `held` that has nothing else to do, as soon as there is one.
    pub fn hand_over(&self, held: T) {
        let called = {
            let mut state = self.state();
            state.holds.push_back(held);
            state.resting_worker()
        };
        call(called);
    }

    /// Has a worker go on with `held` that is called for it.
    ///
    /// # Errors
    /// `held`, if none is resting.
    pub fn give_to_worker(&self, held: T) -> Result<(), T> {
        let mut state = self.state();
        let Some(worker) = state.resting_worker() else {
            return Err(held);
        };
        state.holds.push_back(held);
        drop(state);
        worker.end();
        Ok(())
    }

    /// Leaves `held` to a waiter.
    ///
    /// # Errors
    /// `held`, if there is none left.
    pub fn give_to_waiter(&self, held: T) -> Result<(), T> {
        let mut state = self.state();
        let Some(waiter) = state.resting_waiters.call() else {
            return Err(held);
        };
        state.waits.push_back(held);
        drop(state);
        waiter.end();
        Ok(())
    }

    /// True if fewer than so many eighths of the workers have nothing to do.
    pub fn has_fewer_free_than(&self, eighths: usize) -> bool {
        let state = self.state();
        state.at_door + state.resting.len() < self.workers.saturating_mul(eighths) / 8
    }

    /// True if fewer than half of the workers that are there to be called have nothing to do.
    pub fn is_calling_many(&self) -> bool {
        let to_be_called = self.workers - self.most_at_door;
        self.state().resting.len() < to_be_called / 2
    }

    /// What is changed under this lock is changed by one call, so a panic leaves nothing half
    /// done.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes whoever was taken off the resting ones, when the lock is free again. A thread that is
/// called looks for itself what is to be done: it may be something else by then.
fn call(called: Option<Rest>) {
    if let Some(rest) = called {
        rest.end();
    }
}

/// One thread's place in a roster.
pub struct Place<'a, T> {
    roster: &'a Roster<T>,
    me: Arc<Rester>,
    is_at_door: bool,
    is_worker: bool,
}

impl<T> Place<'_, T> {
    /// Rests until there is something to do, and says what it is.
    pub fn next_duty(&mut self) -> Duty<T> {
        let mut was_called = false;
        loop {
            let mut state = self.roster.state();
            if was_called && self.is_worker {
                state.coming -= 1;
            }
            if self.is_at_door {
                return Duty::Door;
            }
            if !self.is_worker {
                if let Some(wait) = state.waits.pop_front() {
                    return Duty::Wait(wait);
                }
                self.is_worker = state.lacks_worker();
            }
            if self.is_worker {
                // Somebody is always at the door, whatever else there is to do.
                if state.at_door > 0
                    && let Some(held) = state.holds.pop_front()
                {
                    return Duty::Hold(held);
                }
                if state.at_door < self.roster.most_at_door {
                    state.at_door += 1;
                    self.is_at_door = true;
                    let called = match state.holds.is_empty() {
                        true => None,
                        false => state.next_worker(),
                    };
                    drop(state);
                    call(called);
                    return Duty::Door;
                }
            }
            let resting = match self.is_worker {
                true => &mut state.resting,
                false => &mut state.resting_waiters,
            };
            let rest = resting.enter(&self.me);
            drop(state);
            rest.take();
            was_called = true;
        }
    }

    /// A waiter has to do what a worker does, and is one from now on.
    pub fn become_worker(&mut self) {
        self.is_worker = true;
    }

    /// The threads that this one belongs to.
    pub fn roster(&self) -> &Roster<T> {
        self.roster
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
                0 => state.next_worker(),
                _ => None,
            }
        };
        call(called);
    }
}

#[cfg(test)]
mod tests;
