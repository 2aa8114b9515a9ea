//! Locks that outlive a panic.
//!
//! A thread that panics poisons the locks it holds. This program goes on with what is behind such a
//! lock: each change there is either whole or replaced by the next change.

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Takes the lock, poisoned or not.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    sound(mutex.lock())
}

/// The result of taking a lock or of waiting with it, poisoned or not.
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
