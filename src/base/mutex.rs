//! Locks that outlive a panic.
//!
//! Every change under a lock of this program is whole or is made anew by the next one, so that what a
//! thread has left when it panicked is as good as what any other has left.

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Waits for the lock and takes it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    sound(mutex.lock())
}

/// What came of waiting with a lock.
pub(crate) fn sound<T>(waited: LockResult<T>) -> T {
    waited.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_can_be_taken_after_a_panic() {
        let number = Mutex::new(1);
        let panicked = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let _held = lock(&number);
                panic!("on purpose");
            });
            thread.join().is_err()
        });
        assert!(panicked && number.is_poisoned());
        assert_eq!(*lock(&number), 1);
    }
}
