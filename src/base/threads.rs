//! How a thread is started, and how it outlives a panic.
//!
//! Every thread has a name, which `ps -T` and a panic show, and none brings code of its own for being
//! started: the standard library's is there once for each kind of closure, this once for all.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

/// Bytes of stack for work that has no reason to have less or more: what the standard library takes.
/// Only what is used of it is ever in memory.
pub(crate) const STACK: usize = 2 * 1024 * 1024;

/// Starts a thread that does `work` on a stack of so many bytes.
///
/// # Errors
/// What the system says when it has no thread left.
pub(crate) fn start(
    name: &str,
    stack: usize,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let work: Box<dyn FnOnce() + Send> = Box::new(work);
    Builder::new()
        .name(name.to_owned())
        .stack_size(stack)
        .spawn(work)
}

/// How long a thread rests that has panicked: one that does so each time must neither take a whole
/// processor nor flood the log.
pub(crate) const AFTER_A_PANIC: Duration = Duration::from_secs(1);

/// Does `work` over and over until it says that it is done. A panic ends one time of it: that is told
/// to `say`, and the next time comes after `pause`.
///
/// What `work` keeps from one time to the next must be whole at every moment at which it may panic,
/// or else be made anew each time.
pub(crate) fn survive(
    pause: Duration,
    mut say: impl FnMut(),
    mut work: impl FnMut() -> ControlFlow<()>,
) {
    loop {
        match catch_unwind(AssertUnwindSafe(&mut work)) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return,
            Err(_) => {
                say();
                thread::sleep(pause);
            }
        }
    }
}

/// Lets `act` look at each of those that one thread looks after, and keeps whom it returns. A panic
/// costs the one that was looked at, and no other.
pub(crate) fn each_apart<T>(all: Vec<T>, mut act: impl FnMut(T) -> Option<T>) -> Vec<T> {
    let apart = |one| catch_unwind(AssertUnwindSafe(|| act(one))).ok().flatten();
    all.into_iter().filter_map(apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_panic_costs_the_one_that_was_looked_at() {
        let look = |n: u32| {
            assert_ne!(n % 3, 1, "on purpose");
            (n != 5).then_some(n * 10)
        };
        assert_eq!(each_apart((0..9).collect(), look), [0, 20, 30, 60, 80]);
    }

    #[test]
    fn each_panic_ends_one_time_is_said_and_followed_by_a_pause() {
        const PAUSE: Duration = Duration::from_millis(10);
        let (mut times, mut said, start) = (0, 0, Instant::now());
        let work = || {
            times += 1;
            assert_eq!(times % 2, 0, "on purpose");
            match times {
                6 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        survive(PAUSE, || said += 1, work);
        assert_eq!((times, said), (6, 3));
        assert!(start.elapsed() >= 3 * PAUSE);
    }
}
