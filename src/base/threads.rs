//! How a thread is started, and how it outlives a panic.
//!
//! Every thread has a name, which `ps -T` and a panic show. All closures are boxed before they are
//! started: otherwise the program would hold the standard library's code once for each closure.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

/// The usual stack of a thread, in bytes: the standard library's default. Only the part that is used
/// takes memory.
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

/// How long a thread waits after a panic: one that panics each time must neither use a whole CPU nor
/// flood the log.
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
