//! What some threads bring and others take, the first that came first.
//!
//! A pipe is the semaphore: it holds one byte for each thing in the queue, and a thread that has
//! nothing to do waits to read one. So no code decides who is woken, and nothing is left in the queue
//! while a thread waits.
//!
//! Other semaphores were slower with thousands of waiting threads. A `Condvar` took twice the CPU time
//! for a login: Linux 6.16 and later look for whom to wake in one of a few lists of all sleepers of
//! the process. A channel behind a mutex took 4 KiB more of each thread's stack. Linux before 5.6 and
//! other systems wake all waiting threads for each byte, which costs some microseconds for each.

use crate::base::mutex::lock;
use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Mutex;

/// The queue. Were there ever more things in it than a pipe holds bytes, which is 64 KiB, to bring one
/// more would wait until one is taken.
pub(crate) struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    reader: PipeReader,
    writer: PipeWriter,
}

impl<T> Queue<T> {
    /// An empty queue.
    ///
    /// # Errors
    /// When the system has no pipe.
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self {
            waiting: Mutex::default(),
            reader,
            writer,
        })
    }

    /// Brings something.
    pub(crate) fn put(&self, item: T) {
        lock(&self.waiting).push_back(item);
        // Both ends are open as long as this is, so it does not fail.
        let _ = (&self.writer).write_all(&[0]);
    }

    /// Takes what came first; waits until there is something.
    pub(crate) fn take(&self) -> T {
        loop {
            let is_there = (&self.reader).read_exact(&mut [0]).is_ok();
            if is_there && let Some(item) = lock(&self.waiting).pop_front() {
                return item;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn each_thing_is_taken_once_and_nothing_is_left_while_a_thread_waits() {
        const THINGS: usize = 2000;
        let queue = Arc::new(Queue::new().unwrap());
        let (say, said) = channel();
        // They wait to the end of the process.
        for _ in 0..8 {
            let (queue, say) = (Arc::clone(&queue), say.clone());
            std::thread::spawn(move || while say.send(queue.take()).is_ok() {});
        }
        let bring = |from: usize| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || (from..from + THINGS).for_each(|n| queue.put(n)))
        };
        let bringers = [bring(0), bring(THINGS)];
        let mut taken: Vec<usize> = (0..2 * THINGS)
            .map(|_| said.recv_timeout(Duration::from_secs(20)).unwrap())
            .collect();
        for bringer in bringers {
            bringer.join().unwrap();
        }
        taken.sort_unstable();
        assert!(taken.into_iter().eq(0..2 * THINGS));
        assert!(said.try_recv().is_err());
    }

    #[test]
    fn who_came_first_is_taken_first() {
        let queue = Queue::new().unwrap();
        (0..10).for_each(|n| queue.put(n));
        assert!((0..10).all(|n| queue.take() == n));
    }
}
