//! Clients and game servers: who connects to what is measured.

use super::process::PASSWORD;
use super::sample;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::RwLock;
use std::thread;
use std::time::{Duration, Instant};

/// Requests of one round at most. Every request leaves a port behind that the system does not use
/// again within a second, and it has 28,000 of them.
pub(crate) const MOST_REQUESTS: usize = 20_000;

/// Nobody waits longer for an answer; a request that takes so long has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Stack of a client's thread, whose buffer is on the heap.
const STACK: usize = 64 * 1024;

/// What became of the requests of a round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// The whole list came.
    pub(crate) answered: usize,
    /// `ERR busy` came.
    pub(crate) busy: usize,
    /// Anything else: no connection, or fewer bytes.
    pub(crate) failed: usize,
    /// Lists a second: the rates of all clients together, each over its own time, so that one
    /// whose connection the system lost and tried again counts as one.
    pub(crate) rate: f64,
    /// From the start of the round to the end of its last request.
    pub(crate) took: Duration,
}

/// Clients that ask for the list at the same time, each over and over on new connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Bytes of the list. A client hangs up as soon as it has them, whoever answers.
    pub(crate) size: usize,
    pub(crate) clients: usize,
    /// After that, no client starts another request …
    pub(crate) time: Duration,
    /// … nor after so many.
    pub(crate) requests: usize,
}

impl Load {
    /// Lets the clients ask whoever listens at `address`, until the last one is done.
    pub(crate) fn put_on(self, address: SocketAddr) -> io::Result<Outcome> {
        // Readers wait here until the writer, who starts them, has gone.
        let gate = RwLock::new(());
        let client = || {
            let mut buffer = vec![0; 64 * 1024];
            let mut outcome = Outcome::default();
            drop(gate.read());
            let start = Instant::now();
            for _ in 0..self.requests {
                match ask(address, self.size, &mut buffer) {
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
                    let builder = thread::Builder::new().stack_size(STACK);
                    builder.spawn_scoped(scope, client)
                })
                .collect::<io::Result<_>>()?;
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
}

/// One request, and how many bytes came of the `size` that are expected. What was read last stays
/// in `buffer`.
fn ask(address: SocketAddr, size: usize, buffer: &mut [u8]) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"LIST\n")?;
    let mut received = 0;
    while received < size {
        match stream.read(buffer) {
            Ok(count) if count > 0 => received += count,
            // Also after an ERR: the tracker may have hung up before it read the question.
            _ => break,
        }
    }
    Ok(received)
}

/// The answer to LIST, up to the LF of its END.
pub(crate) fn fetch_list(address: SocketAddr) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
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

/// Game servers that are on the list for as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    game_servers: Vec<TcpStream>,
    last_word: Option<Instant>,
}

impl Fleet {
    /// The tracker sends a PING after 15 s of silence. Nobody is to be silent for so long, so that
    /// no ping falls into a round.
    const CHECK_IN_EVERY: Duration = Duration::from_secs(6);

    /// How many game servers are logged in.
    pub(crate) fn size(&self) -> usize {
        self.game_servers.len()
    }

    /// Logs in more game servers, until there are `size`.
    pub(crate) fn grow(&mut self, size: usize, tracker: SocketAddr) -> Result<(), Box<dyn Error>> {
        while self.size() < size {
            self.game_servers.push(log_in(self.size(), tracker)?);
            self.check_in()?;
        }
        Ok(())
    }

    /// Lets every game server say something if it is time to, and returns when the tracker has
    /// answered them all.
    pub(crate) fn check_in(&mut self) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        if now < *self.last_word.get_or_insert(now) + Self::CHECK_IN_EVERY {
            return Ok(());
        }
        for mut game_server in &self.game_servers {
            game_server.write_all(b"PING\n")?;
        }
        for game_server in &self.game_servers {
            let mut answers = BufReader::new(game_server);
            let mut line = String::new();
            // The tracker may have been the first to say PING, if a burst took long.
            while line != "PONG\n" {
                line.clear();
                if answers.read_line(&mut line)? == 0 || line.starts_with("ERR") {
                    return Err(format!("a game server was dropped: {line}").into());
                }
            }
        }
        self.last_word = Some(now);
        Ok(())
    }
}

/// Puts game server `number` on the list.
fn log_in(number: usize, tracker: SocketAddr) -> Result<TcpStream, Box<dyn Error>> {
    let stream = TcpStream::connect(tracker)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    let mut ask = |question: String, expected: &str| -> Result<String, Box<dyn Error>> {
        (&stream).write_all(question.as_bytes())?;
        line.clear();
        BufReader::new(&stream).read_line(&mut line)?;
        let answer = line.strip_prefix(expected).ok_or(line.trim_end())?;
        Ok(answer.trim_end().to_owned())
    };
    let challenge = ask(format!("LOGIN {PASSWORD}\n"), "CHALLENGE ")?;
    let infos = sample::fields(number);
    ask(format!("INFOS {challenge} {infos}\n"), "OK listed ")?;
    Ok(stream)
}
