//! The thread that sends what game servers are told.
//!
//! A thread that has once sent on TCP keeps 32 KiB of kernel memory to its end. So those that hold a
//! game server never send: one thread does, for all of them. An answer there is a line or a few, and a
//! socket that has no room for it belongs to a peer that does not read.

use crate::base::log::Log;
use crate::base::log::lasting;
use crate::protocol::refusal::Refusal;
use crate::threads;
use crate::tracker::session::Chunk;
use crate::tracker::session::outbox::slow_reader;
use crate::tracker::state::sockets::connection::Connection;
use crate::tracker::state::sockets::tuning::MOST_JOBS;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// The way to the thread. Whoever brings more than it can send waits for it.
pub(crate) struct Sender(SyncSender<(Arc<Connection>, Job)>);

enum Job {
    Send(Vec<Chunk>),
    SendLast(Refusal),
    EndSending,
}

impl Sender {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(log: &Log) -> io::Result<Self> {
        let (sender, jobs) = sync_channel::<(Arc<Connection>, Job)>(MOST_JOBS);
        let send = move || match jobs.recv() {
            Ok((connection, job)) => {
                job.run(&connection);
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(()),
        };
        lasting::start("sender", threads::STACK, log, send)?;
        Ok(Self(sender))
    }

    /// Sends `chunks`.
    pub(crate) fn send(&self, connection: &Arc<Connection>, chunks: Vec<Chunk>) {
        self.give(connection, Job::Send(chunks));
    }

    /// Sends the reason of a dismissal.
    pub(crate) fn send_last(&self, connection: &Arc<Connection>, why: &Refusal) {
        self.give(connection, Job::SendLast(why.clone()));
    }

    /// Says that no more will come, after all that.
    pub(crate) fn end_sending(&self, connection: &Arc<Connection>) {
        self.give(connection, Job::EndSending);
    }

    fn give(&self, connection: &Arc<Connection>, job: Job) {
        // The thread has no end.
        let _ = self.0.send((Arc::clone(connection), job));
    }
}

impl Job {
    fn run(self, connection: &Connection) {
        match self {
            Self::Send(chunks) => send(connection, &chunks),
            Self::SendLast(why) => connection.send_last(&why),
            Self::EndSending => connection.end_sending(),
        }
    }
}

/// Sends all of it, or ends the session. A socket whose peer has logged in and does not read makes the
/// thread wait for a tick of the kernel; a stranger's does not. While that one does not wait, neither
/// does the thread that reads from it, which therefore asks again and again: too dear for everybody.
fn send(connection: &Connection, chunks: &[Chunk]) {
    let size: usize = chunks.iter().flat_map(Chunk::pieces).map(<[u8]>::len).sum();
    let is_stranger = connection.may_wait_for_a_stranger(size);
    if is_stranger && connection.set_nonblocking(true).is_err() {
        return;
    }
    let sent = connection.send_now(chunks, 0);
    if is_stranger {
        let _ = connection.set_nonblocking(false);
    }
    if sent.is_ok_and(|sent| sent < size) {
        connection.dismiss(slow_reader());
    }
}
