//! How the thread of the watchers is woken.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

/// The thread, and what it sleeps for.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    thread: OnceLock<Thread>,
    /// It has told everything and sleeps until the list changes.
    waits_for_change: AtomicBool,
    is_dismissal: AtomicBool,
}

impl Wake {
    /// Says which thread it is. The first word counts.
    pub(crate) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    /// Says whether the thread is to be woken when the list changes.
    pub(crate) fn wait_for_change(&self, waits: bool) {
        self.waits_for_change.store(waits, Ordering::SeqCst);
    }

    /// The list has changed. Costs next to nothing while the thread is not waiting for that.
    pub(crate) fn list_changed(&self) {
        if self.waits_for_change.load(Ordering::SeqCst)
            && self.waits_for_change.swap(false, Ordering::SeqCst)
        {
            self.now();
        }
    }

    /// Somebody who may be a watcher was dismissed and is to be closed.
    pub(crate) fn dismissed(&self) {
        self.is_dismissal.store(true, Ordering::SeqCst);
        self.now();
    }

    /// True if somebody was dismissed since this was last asked.
    pub(crate) fn take_dismissal(&self) -> bool {
        self.is_dismissal.swap(false, Ordering::SeqCst)
    }

    /// Wakes the thread.
    pub(crate) fn now(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}
