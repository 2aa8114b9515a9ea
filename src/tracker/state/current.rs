//! What is replaced as a whole while others use it: passwords, keys and bans.
//!
//! The lock is held to take a reference or to exchange one. Nobody holds it who uses a value, makes the
//! next one or drops an old one: each of these may take long.

use crate::base::mutex::lock;
use std::sync::{Arc, Mutex};

/// The current value.
#[derive(Debug, Default)]
pub(crate) struct Current<T>(Mutex<Arc<T>>);

impl<T> Current<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(Arc::new(value)))
    }

    /// The value now.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&lock(&self.0))
    }

    /// Puts `value` in its place, and returns it.
    pub(crate) fn set(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let old = std::mem::replace(&mut *lock(&self.0), Arc::clone(&value));
        // Dropped when the lock is free again.
        drop(old);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::access::passwords::Passwords;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A value that looks at the current one when it is dropped.
    struct Looks(Arc<Current<Option<Self>>>, u32);

    impl Drop for Looks {
        fn drop(&mut self) {
            let current = self.0.get();
            assert!(
                current
                    .as_ref()
                    .as_ref()
                    .is_none_or(|other| other.1 > self.1)
            );
        }
    }

    #[test]
    fn an_old_value_is_dropped_when_the_lock_is_free() {
        let (say, said) = channel();
        let start = move || {
            let current = Arc::new(Current::new(None));
            for number in 0..3 {
                current.set(Some(Looks(Arc::clone(&current), number)));
            }
            current.set(None);
            say.send(()).unwrap();
        };
        std::thread::spawn(start);
        assert_eq!(said.recv_timeout(PATIENCE), Ok(()), "it hangs or panicked");
    }

    #[test]
    fn a_password_file_that_hangs_keeps_nobody_from_logging_in() {
        let passwords = |word: &str| Passwords::new(vec![word.to_owned()]).unwrap();
        let current = Arc::new(Current::new(passwords("old")));
        let ((go_on, told), (say, said)) = (channel(), channel());
        let reader = std::thread::spawn({
            let current = Arc::clone(&current);
            move || {
                let _old = current.get();
                say.send(()).unwrap();
                let _ = told.recv_timeout(PATIENCE);
                current.set(passwords("new"));
            }
        });
        assert_eq!(said.recv_timeout(PATIENCE), Ok(()), "it reads");
        let (answer, answered) = channel();
        std::thread::spawn({
            let current = Arc::clone(&current);
            move || answer.send(current.get().verify("old"))
        });
        let verified = answered.recv_timeout(PATIENCE / 2);
        assert!(verified.expect("nobody waits").is_some());
        go_on.send(()).expect("it still reads");
        reader.join().unwrap();
        assert!(current.get().verify("old").is_none() && current.get().verify("new").is_some());
    }
}
