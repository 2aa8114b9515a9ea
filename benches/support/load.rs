//! Clients: who asks what is measured.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::RwLock;
use std::thread;
use std::time::{Duration, Instant};

/// New connections of one round at most. Every one leaves a port behind that the system does not
/// use again within a second, and it has 28,000 of them.
const MOST_CONNECTIONS: usize = 20_000;

/// Nobody waits longer for an answer; a request that takes so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Stack of a client's thread, whose buffer is on the heap.
const STACK: usize = 64 * 1024;

/// What became of the requests of a round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// The whole answer came.
    pub(crate) answered: usize,
    /// `ERR busy` came.
    pub(crate) busy: usize,
    /// Anything else: no connection, or fewer bytes.
    pub(crate) failed: usize,
    /// Answers a second: the rates of all clients together, each over its own time, so that one
    /// whose connection the system lost and tried again counts as one.
    pub(crate) rate: f64,
    /// From the start of the round to the end of its last request.
    pub(crate) took: Duration,
}

/// How a client asks, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// On a new connection; hangs up as soon as it has the answer, whoever answers.
    HangUp,
    /// On a new connection; says QUIT in the same write, and reads until the other hangs up.
    Quit,
    /// On the connection that it has had since before the round.
    Hold,
}

/// Clients that ask at the same time, each over and over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) manner: Manner,
    /// What is sent in one write.
    pub(crate) question: &'static str,
    /// Bytes of the answer, or the fewest that they may be.
    pub(crate) size: usize,
    pub(crate) clients: usize,
    /// After that, no client starts another request …
    pub(crate) time: Duration,
    /// … nor after so many.
    pub(crate) requests: usize,
    /// A client that has its answer hangs up so much later.
    pub(crate) distance: Duration,
}

impl Load {
    /// So many clients for so much time.
    pub(crate) fn new(
        manner: Manner,
        question: &'static str,
        size: usize,
        clients: usize,
        time: Duration,
    ) -> Self {
        let requests = match manner {
            Manner::Hold => usize::MAX,
            Manner::HangUp | Manner::Quit => MOST_CONNECTIONS / clients,
        };
        Self {
            manner,
            question,
            size,
            clients,
            time,
            requests,
            distance: Duration::ZERO,
        }
    }

    /// The same for one request of each client, all at the same moment.
    pub(crate) fn once(self) -> Self {
        Self {
            time: Duration::ZERO,
            requests: 1,
            ..self
        }
    }

    /// Lets the clients ask whoever listens at `address`, until the last one is done.
    pub(crate) fn put_on(self, address: SocketAddr) -> io::Result<Outcome> {
        self.put_on_at(Instant::now(), address)
    }

    /// The same, from that moment on, or as soon as all clients are there.
    pub(crate) fn put_on_at(self, moment: Instant, address: SocketAddr) -> io::Result<Outcome> {
        // Readers wait here until the writer, who starts them, has gone.
        let gate = RwLock::new(());
        let client = |held: Option<TcpStream>| {
            let mut buffer = vec![0; 64 * 1024];
            let mut outcome = Outcome::default();
            drop(gate.read());
            let start = Instant::now();
            for _ in 0..self.requests {
                let asked = Instant::now();
                match self.ask(address, held.as_ref(), &mut buffer) {
                    _ if asked.elapsed() > PATIENCE => outcome.failed += 1,
                    // Who had no slot is told so after the list.
                    Ok(count) if count >= self.size => outcome.answered += 1,
                    Ok(1..) if buffer.starts_with(b"ERR busy") => outcome.busy += 1,
                    _ => outcome.failed += 1,
                }
                if start.elapsed() >= self.time {
                    break;
                }
            }
            let end = Instant::now();
            outcome.rate = outcome.answered as f64 / (end - start).as_secs_f64();
            (outcome, end)
        };
        thread::scope(|scope| {
            let closed = gate.write();
            let threads: Vec<_> = (0..self.clients)
                .map(|_| {
                    let hold = self.manner == Manner::Hold;
                    let held = hold.then(|| connect(address)).transpose()?;
                    let builder = thread::Builder::new().stack_size(STACK);
                    builder.spawn_scoped(scope, || client(held))
                })
                .collect::<io::Result<_>>()?;
            thread::sleep(moment.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            drop(closed);
            let mut all = Outcome::default();
            for thread in threads {
                let (one, end) = thread.join().expect("a client does not panic");
                all.answered += one.answered;
                all.busy += one.busy;
                all.failed += one.failed;
                all.rate += one.rate;
                all.took = all.took.max(end - start);
            }
            Ok(all)
        })
    }

    /// One request, and how many bytes came. What was read last stays in `buffer`.
    fn ask(
        self,
        address: SocketAddr,
        held: Option<&TcpStream>,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let connected;
        let mut stream = match held {
            Some(stream) => stream,
            None => {
                connected = connect(address)?;
                &connected
            }
        };
        stream.write_all(self.question.as_bytes())?;
        let mut received = 0;
        while received < self.size || self.manner == Manner::Quit {
            match stream.read(buffer) {
                Ok(count) if count > 0 => received += count,
                // Also after an ERR: the tracker may have hung up before it read the question.
                _ => break,
            }
        }
        if !self.distance.is_zero() {
            thread::sleep(self.distance);
        }
        Ok(received)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The answer to LIST, up to the LF of its END.
pub(crate) fn fetch_list(address: SocketAddr) -> io::Result<Vec<u8>> {
    let stream = connect(address)?;
    (&stream).write_all(b"LIST\n")?;
    let mut stream = BufReader::new(stream);
    let mut answer = Vec::new();
    loop {
        let line = answer.len();
        let is_over = stream.read_until(b'\n', &mut answer)? == 0;
        if is_over || answer[line..].starts_with(b"END ") {
            return Ok(answer);
        }
    }
}
