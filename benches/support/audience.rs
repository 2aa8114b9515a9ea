//! Many connections to which the same is sent, and when each of them had it.
//!
//! This file hides how few threads read from thousands of sockets on a machine that they share with
//! whoever sends: nobody is woken by what comes in, since whoever sends would be charged for that.
//! A few are looked at every millisecond, and all others when one of those has heard something new.

use super::replica::{End, Replica};
use super::run::Result;
use gltracker::protocol::revision::Revision;
use std::io::{BufRead, ErrorKind, Read};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// Threads that read. Those who send have the rest of the machine.
const THREADS: usize = 2;

/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// One in so many is looked at every time …
const SCOUTS: usize = 64;

/// … and of one in so many the whole content is looked at.
const SAMPLE: usize = 100;

/// What a socket is asked for at once; more than a batch has.
const BUFFER: usize = 256 * 1024;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Audience {
    receivers: Vec<Receiver>,
}

#[derive(Debug)]
struct Receiver {
    stream: TcpStream,
    /// The beginning of a line.
    cut: Vec<u8>,
    /// What it knows.
    revision: Revision,
    /// What it came to know, and when.
    batches: Vec<(Revision, Instant)>,
    bytes: usize,
    /// Whole lists among that.
    wholes: usize,
    /// For one of a sample: all that came.
    transcript: Option<Vec<u8>>,
}

/// What all of them were sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivered {
    pub(crate) bytes: usize,
    pub(crate) batches: usize,
    /// Batches that were whole lists, sent to receivers that were too slow.
    pub(crate) wholes: usize,
}

/// When a revision was known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) revision: Revision,
    /// To the first, or to one that was early.
    pub(crate) first: Instant,
    /// To the last.
    pub(crate) last: Instant,
}

/// What one of them was sent in one piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// The revision to which it leads.
    pub(crate) revision: Revision,
    pub(crate) at: Instant,
    /// Its lines, up to the LF of its END.
    pub(crate) text: &'a [u8],
}

impl Audience {
    /// Of connections on which everybody knows `revision`.
    pub(crate) fn new(streams: Vec<TcpStream>, revision: Revision) -> Result<Self> {
        let streams = streams.into_iter().enumerate();
        let receivers = streams.map(|(number, stream)| {
            stream.set_nonblocking(true)?;
            Ok(Receiver {
                stream,
                cut: Vec::new(),
                revision,
                batches: Vec::new(),
                bytes: 0,
                wholes: 0,
                transcript: (number % SAMPLE == 0).then(Vec::new),
            })
        });
        Ok(Self {
            receivers: receivers.collect::<Result<_>>()?,
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.receivers.len()
    }

    /// Forgets what came before, and reads while `send` sends, until everybody knows the revision
    /// with that `count`.
    pub(crate) fn listen_to<T>(
        &mut self,
        send: impl FnOnce() -> Result<T>,
        count: u64,
        patience: Duration,
    ) -> Result<T> {
        self.receivers.iter_mut().for_each(Receiver::forget);
        let share = self.size().div_ceil(THREADS).max(1);
        let until = Instant::now() + patience;
        thread::scope(|scope| {
            let groups = self.receivers.chunks_mut(share);
            let threads: Vec<_> = groups
                .map(|group| scope.spawn(move || listen(group, count, until)))
                .collect();
            let sent = send()?;
            for thread in threads {
                thread.join().expect("a listener does not panic")?;
            }
            Ok(sent)
        })
    }

    pub(crate) fn delivered(&self) -> Delivered {
        let each = self.receivers.iter();
        each.fold(Delivered::default(), |all, one| Delivered {
            bytes: all.bytes + one.bytes,
            batches: all.batches + one.batches.len(),
            wholes: all.wholes + one.wholes,
        })
    }

    /// When the first and the last knew each of the revisions to which batches led, in their order.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        let known = self.receivers.iter().flat_map(|one| &one.batches);
        let mut known: Vec<_> = known.copied().collect();
        known.sort_by_key(|&(revision, at)| (revision.count, at));
        known.dedup_by_key(|&mut (revision, _)| revision);
        let mut arrivals: Vec<_> = known
            .into_iter()
            .map(|(revision, at)| Arrival {
                revision,
                first: at,
                last: at,
            })
            .collect();
        for receiver in &self.receivers {
            let mut batches = receiver.batches.iter().peekable();
            for arrival in &mut arrivals {
                while batches
                    .next_if(|(revision, _)| revision.count < arrival.revision.count)
                    .is_some()
                {}
                if let Some(&&(_, at)) = batches.peek() {
                    arrival.last = arrival.last.max(at);
                }
            }
        }
        arrivals
    }

    /// How long it took each batch from the first of them to the last, in ms.
    pub(crate) fn spreads(&self) -> Vec<f64> {
        let arrivals = self.arrivals().into_iter();
        arrivals
            .map(|arrival| (arrival.last - arrival.first).as_secs_f64() * 1e3)
            .collect()
    }

    /// What the first of them was sent.
    pub(crate) fn script(&self) -> Vec<Batch<'_>> {
        let Some(first) = self.receivers.first() else {
            return Vec::new();
        };
        let mut left = first.transcript.as_deref().unwrap_or_default();
        let batches = first.batches.iter().map(|&(revision, at)| {
            let mut size = 0;
            for line in left.split_inclusive(|&byte| byte == b'\n') {
                size += line.len();
                if End::parse(line).is_some() {
                    break;
                }
            }
            let (text, rest) = left.split_at(size);
            left = rest;
            Batch { revision, at, text }
        });
        batches.collect()
    }

    /// Fails unless what each of a sample of them was sent leads from the list that `before` is to
    /// `after`, a whole list.
    pub(crate) fn must_have_been_told(&self, before: &Replica, after: &[u8]) -> Result<()> {
        let each = self.receivers.iter();
        for transcript in each.filter_map(|receiver| receiver.transcript.as_ref()) {
            let mut replica = before.clone();
            replica.apply(transcript)?;
            replica.must_be(after)?;
        }
        Ok(())
    }
}

/// Reads for all of `group`.
fn listen(group: &mut [Receiver], count: u64, until: Instant) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut newest = 0;
    loop {
        let mut behind = 0;
        for (number, receiver) in group.iter_mut().enumerate() {
            if number % SCOUTS == 0 || receiver.revision.count < newest {
                receiver.read(&mut buffer)?;
                newest = newest.max(receiver.revision.count);
            }
            behind += usize::from(receiver.revision.count < count);
        }
        if behind == 0 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("{behind} of {} have not heard all", group.len()).into());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

impl Receiver {
    fn forget(&mut self) {
        self.batches.clear();
        self.bytes = 0;
        self.wholes = 0;
        if let Some(transcript) = &mut self.transcript {
            transcript.clear();
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("one of many receivers was closed".into()),
                Ok(count) => {
                    self.take(&buffer[..count], Instant::now())?;
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, mut input: &[u8], at: Instant) -> Result<()> {
        self.bytes += input.len();
        if let Some(transcript) = &mut self.transcript {
            transcript.extend_from_slice(input);
        }
        while !input.is_empty() {
            let mut rest = input;
            let length = rest.skip_until(b'\n')?;
            let line = &input[..length];
            if !line.ends_with(b"\n") {
                self.cut.extend_from_slice(line);
                return Ok(());
            }
            if self.cut.is_empty() {
                self.take_line(line, at)?;
            } else {
                let mut whole = std::mem::take(&mut self.cut);
                whole.extend_from_slice(line);
                self.take_line(&whole, at)?;
            }
            input = rest;
        }
        Ok(())
    }

    /// Every batch must lead on from the one before.
    fn take_line(&mut self, line: &[u8], at: Instant) -> Result<()> {
        let Some(end) = End::parse(line) else {
            return Ok(());
        };
        if end.since.is_some_and(|since| since != self.revision) {
            return Err(format!("{end:?} came to one that knows {}", self.revision).into());
        }
        self.wholes += usize::from(end.since.is_none());
        self.revision = end.revision;
        self.batches.push((end.revision, at));
        Ok(())
    }
}
