//! Clients who each ask something else, on new connections.
//!
//! Where everybody asks the same, again and again for a time, [`load`](super::load) is simpler.

use super::load::{Outcome, PATIENCE};
use super::run::Result;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// How the answer to QUIT ends, behind an END.
const BYE: &[u8] = b"\nOK bye\n";

/// So many questions, asked by so many clients at the same time.
pub(crate) struct Questions<'a> {
    pub(crate) clients: usize,
    pub(crate) count: usize,
    /// The line of the question with that number, without its LF.
    pub(crate) line: &'a (dyn Fn(usize) -> String + Sync),
}

impl Questions<'_> {
    /// Asks them all. Every one must be answered.
    pub(crate) fn ask(&self, tracker: SocketAddr) -> Result<Outcome> {
        let next = AtomicUsize::new(0);
        let client = || -> Result<()> {
            let mut answer = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.count {
                    return Ok(());
                }
                ask(&(self.line)(number), tracker, &mut answer)?;
            }
        };
        let start = Instant::now();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients).map(|_| scope.spawn(client)).collect();
            let mut joined = clients.into_iter().map(|client| client.join());
            joined.try_for_each(|client| client.expect("a client does not panic"))
        })?;
        let took = start.elapsed();
        Ok(Outcome {
            answered: self.count,
            rate: self.count as f64 / took.as_secs_f64(),
            took,
            ..Outcome::default()
        })
    }
}

fn ask(line: &str, tracker: SocketAddr, answer: &mut Vec<u8>) -> Result<()> {
    let mut stream = TcpStream::connect(tracker)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\nQUIT\n").as_bytes())?;
    answer.clear();
    stream.read_to_end(answer)?;
    let end = answer.strip_suffix(BYE).unwrap_or_default();
    let end = end.rsplit(|&byte| byte == b'\n').next();
    match end.is_some_and(|end| end.starts_with(b"END ")) {
        true => Ok(()),
        false => Err(format!("{line} was answered {}", answer.escape_ascii()).into()),
    }
}
