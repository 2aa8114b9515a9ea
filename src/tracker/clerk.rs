//! The clerk: says to game servers what they did not ask for, which is PING.
//!
//! A thread that has once sent something keeps some 33 KiB of kernel memory for the next time. The
//! many that do nothing but wait for a game server to speak are to have none, so one thread sends
//! for all of them, without ever waiting for a peer.

use super::connection::Connection;
use super::session::Chunk;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

/// What may wait to be sent. More is sent by those who want it said.
const QUEUE: usize = 4096;

/// The way to the clerk.
pub(super) struct Clerk(SyncSender<(Arc<Connection>, Vec<Chunk>)>);

impl Clerk {
    /// Starts the clerk's thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        let (ask, asked) = sync_channel::<(Arc<Connection>, Vec<Chunk>)>(QUEUE);
        let thread = std::thread::Builder::new().name("clerk".to_owned());
        thread.spawn(move || {
            for (connection, chunks) in asked {
                connection.say_now(&chunks);
            }
        })?;
        Ok(Self(ask))
    }

    /// Has something said.
    pub(super) fn say(&self, connection: &Arc<Connection>, chunks: Vec<Chunk>) {
        if chunks.is_empty() {
            return;
        }
        match self.0.try_send((Arc::clone(connection), chunks)) {
            Ok(()) => {}
            Err(TrySendError::Full((connection, chunks)))
            | Err(TrySendError::Disconnected((connection, chunks))) => {
                connection.say_now(&chunks);
            }
        }
    }
}
