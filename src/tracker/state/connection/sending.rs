//! How bytes get out: an answer in one go and within its time; or what the socket takes at once,
//! for those who never wait.

use super::{Connection, Talk, is_timeout, lost};
use crate::protocol::refusal::Refusal;
use crate::tracker::session::{Chunk, Ending, Timings};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a new socket takes without waiting, even from a peer that reads nothing: the least that
/// systems give a socket to send from.
const NEVER_WAITS: usize = 16 * 1024;

impl Connection {
    /// Sends everything in one go, within the time its size allows.
    pub(super) fn send(
        &self,
        chunks: Vec<Chunk>,
        talk: &mut Talk,
        timings: &Timings,
        step_aside: &mut dyn FnMut(),
    ) -> Result<(), Ending> {
        if chunks.is_empty() {
            return Ok(());
        }
        talk.has_answered = true;
        // Nearly all answers are a line or two.
        if let [Chunk::Text(text)] = &chunks[..]
            && !text.is_empty()
        {
            return self.send_all(&mut [IoSlice::new(text)], talk, timings, step_aside);
        }
        self.send_all(&mut slices(&chunks), talk, timings, step_aside)
    }

    fn send_all(
        &self,
        slices: &mut [IoSlice<'_>],
        talk: &mut Talk,
        timings: &Timings,
        step_aside: &mut dyn FnMut(),
    ) -> Result<(), Ending> {
        let size: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.sent.fetch_add(size, Ordering::Relaxed) + size <= NEVER_WAITS {
            return self.send_slices(slices, size, talk, timings, step_aside);
        }
        {
            let mut waits_for_peer = self.waits_for_peer();
            if self.dismissal.get().is_some() {
                return Err(Ending::Done);
            }
            *waits_for_peer = true;
        }
        let sent = self.send_slices(slices, size, talk, timings, step_aside);
        *self.waits_for_peer() = false;
        sent
    }

    fn send_slices(
        &self,
        mut slices: &mut [IoSlice<'_>],
        size: usize,
        talk: &mut Talk,
        timings: &Timings,
        step_aside: &mut dyn FnMut(),
    ) -> Result<(), Ending> {
        let mut deadline = None;
        while !slices.is_empty() {
            let sent = match &*slices {
                [slice] => (&self.stream).write(slice),
                slices => (&self.stream).write_vectored(slices),
            };
            match sent {
                Ok(0) => return Err(lost(ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.count(count);
                    IoSlice::advance_slices(&mut slices, count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(lost(error)),
            }
            if slices.is_empty() {
                break;
            }
            self.be_patient(&mut talk.is_at_once, step_aside)
                .map_err(lost)?;
            let now = Instant::now();
            if now >= *deadline.get_or_insert(now + timings.to_take(size)) {
                return Err(Ending::SlowReader);
            }
        }
        Ok(())
    }

    /// Sends what the socket takes of `chunks` behind the first `sent` bytes, and says how much
    /// that was; for a connection that does not wait.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn send_some(&self, chunks: &[Chunk], sent: usize) -> io::Result<usize> {
        let mut all = slices(chunks);
        let mut slices = &mut all[..];
        IoSlice::advance_slices(&mut slices, sent);
        let mut count = 0;
        while !slices.is_empty() {
            let sent = match &*slices {
                // Which is the cheaper call.
                [slice] => (&self.stream).write(slice),
                slices => (&self.stream).write_vectored(slices),
            };
            match sent {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(some) => {
                    count += some;
                    self.count(some);
                    self.sent.fetch_add(some, Ordering::Relaxed);
                    IoSlice::advance_slices(&mut slices, some);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Says no at the door without ever waiting, and closes.
    pub fn turn_away(&self, why: &Refusal) {
        // A socket that is new takes one line.
        let _ = self.stream.set_nonblocking(true);
        let sent = (&self.stream).write(format!("{why}\n").as_bytes());
        self.count(sent.unwrap_or(0));
        self.farewell(Duration::ZERO);
    }
}

fn slices(chunks: &[Chunk]) -> Vec<IoSlice<'_>> {
    // Room for all at once: to grow costs more than to count.
    let mut slices = Vec::with_capacity(chunks.iter().map(Chunk::count).sum());
    let pieces = chunks.iter().flat_map(Chunk::pieces);
    let pieces = pieces.filter(|piece| !piece.is_empty());
    slices.extend(pieces.map(IoSlice::new));
    slices
}
