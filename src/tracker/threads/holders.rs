//! The threads that hold connections: as many as there are slots, each holds one to its end.

use crate::base::log::Log;
use crate::threads;
use crate::tracker::session::Session;
use crate::tracker::state::sockets::tuning::{STACK, WAIT_TOLERANCE};
use crate::tracker::threads::peer::any_session::{AnySession, Linger};
use crate::tracker::threads::peer::io::{Effort, Peer};
use crate::tracker::threads::peer::sender::Sender;
use crate::tracker::threads::queue::Queue;
use crate::tracker::threads::watchers::Watchers;
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The holders of one port.
pub(crate) struct Holders {
    queue: Queue<Peer<AnySession>>,
    sender: Option<&'static Sender>,
    watchers: &'static Watchers,
}

impl Holders {
    /// For a port whose peers `sender` sends to, if that is not left to the holders.
    pub(crate) fn new(
        sender: Option<&'static Sender>,
        watchers: &'static Watchers,
    ) -> io::Result<Self> {
        Ok(Self {
            queue: Queue::new()?,
            sender,
            watchers,
        })
    }

    /// Has a connection held to its end.
    pub(crate) fn put(&self, mut peer: Peer<AnySession>) {
        peer.sender = self.sender;
        peer.time_to_read = None;
        self.queue.put(peer);
    }

    /// Starts so many threads.
    ///
    /// # Errors
    /// When a thread cannot be started; says which one it was.
    pub(crate) fn start(
        &'static self,
        name: &'static str,
        count: usize,
        log: &Log,
    ) -> io::Result<()> {
        for number in 1..=count {
            let log = log.clone();
            let hold = move || {
                let say = || log.error("session-panicked", &[("port", &name)]);
                threads::survive(Duration::ZERO, say, || {
                    self.hold(self.queue.take());
                    ControlFlow::Continue(())
                });
            };
            threads::start(name, STACK, hold).map_err(|error| {
                let text = format!("thread {number} of {count} did not start: {error}");
                io::Error::new(error.kind(), text)
            })?;
        }
        Ok(())
    }

    // Not part of the thread's loop, whose share of the stack stays in use while it sleeps.
    #[inline(never)]
    fn hold(&self, mut peer: Peer<AnySession>) {
        if let Err(error) = peer.connection.set_nonblocking(false) {
            peer.lose(&error);
        }
        let mut wait = None;
        while peer.ending.is_none() {
            if peer.is_sending() {
                peer.send();
                continue;
            }
            if let Err(error) = set_wait(&peer, &mut wait) {
                peer.lose(&error);
                break;
            }
            if !peer.receive(Effort::Any) {
                wait = None;
            }
            // Not before something was read: what has come while nobody read came in time.
            peer.check_deadline(Instant::now());
        }
        if let Some(watcher) = peer.conclude(Linger::Yes) {
            self.watchers.enter(watcher);
        }
    }
}

/// Makes the socket wait until the session's next deadline. A wait that is too short only wakes the
/// thread early, and is left until it does.
fn set_wait(peer: &Peer<AnySession>, wait: &mut Option<Duration>) -> io::Result<()> {
    let left = peer
        .session
        .next_deadline()
        .saturating_duration_since(Instant::now());
    if wait.is_none_or(|set| set > left + left / WAIT_TOLERANCE) {
        peer.connection.set_wait(left)?;
        *wait = Some(left);
    }
    Ok(())
}
