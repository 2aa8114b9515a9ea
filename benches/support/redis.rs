//! `redis-server`, what telling many the same is compared with, and the engine between trackers that
//! share; and as much of its protocol as it takes to publish, to subscribe and to ask how it is.

use super::load::PATIENCE;
use super::process::Process;
use super::run::Result;
use super::stage::sleep_until;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The one channel.
const CHANNEL: &str = "list";

/// What is said where there is no such program.
const MISSING: &str = "redis-server IS NOT INSTALLED (scripts/install-test-tools.sh): NOTHING IS \
                       MEASURED WITH IT";

/// A redis-server that keeps nothing.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    publisher: BufReader<TcpStream>,
}

impl Redis {
    /// Starts one with room for so many subscribers. `None`, which is said aloud, if it is not
    /// installed; that is an error where `GLTRACKER_NO_SKIP` is set.
    pub(crate) fn start(subscribers: usize) -> Result<Option<Self>> {
        // Redis does not say which port the system gave it. This one was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::start_at(address, subscribers)
    }

    /// Starts one that listens there.
    pub(crate) fn start_at(address: SocketAddr, subscribers: usize) -> Result<Option<Self>> {
        let (log, writer) = io::pipe()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--io-threads", "1"])
            .args(["--maxclients", &(subscribers + 16).to_string()])
            .stdin(Stdio::null())
            .stdout(writer);
        let (process, first, log) = match Process::start(command, b"", log) {
            Err(error) if is_missing(&*error) => {
                return match std::env::var_os("GLTRACKER_NO_SKIP") {
                    Some(_) => Err(MISSING.into()),
                    None => {
                        println!("\nSKIPPED: {MISSING}");
                        Ok(None)
                    }
                };
            }
            started => started?,
        };
        let mut log = BufReader::new(log);
        let mut line = first;
        while !line.contains("Ready to accept connections") {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                return Err("redis-server does not start".into());
            }
        }
        // Read to the end, so that it has not to wait for the pipe.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        let publisher = BufReader::new(connect(address)?);
        Ok(Some(Self {
            process,
            address,
            publisher,
        }))
    }

    /// New connections that are sent whatever is published.
    pub(crate) fn subscribe(&self, subscribers: usize) -> Result<Vec<TcpStream>> {
        let subscribe = || {
            let stream = connect(self.address)?;
            (&stream).write_all(&command(&[b"SUBSCRIBE", CHANNEL.as_bytes()]))?;
            let size = CHANNEL.len();
            let expected =
                format!("*3\r\n$9\r\nsubscribe\r\n${size}\r\n{CHANNEL}\r\n:1\r\n").into_bytes();
            let mut answer = vec![0; expected.len()];
            (&stream).read_exact(&mut answer)?;
            match answer == expected {
                true => Ok(stream),
                false => Err(answer.escape_ascii().to_string().into()),
            }
        };
        (0..subscribers).map(|_| subscribe()).collect()
    }

    /// Sends each message so long after now, to all subscribers, of whom there must be as many.
    pub(crate) fn publish_all(
        &mut self,
        messages: &[(Duration, Vec<u8>)],
        subscribers: usize,
    ) -> Result<()> {
        let start = Instant::now();
        for (after, message) in messages {
            sleep_until(start + *after);
            let reached = self.publish(message)?;
            if reached != subscribers {
                return Err(format!("redis has {reached} of {subscribers} subscribers").into());
            }
        }
        Ok(())
    }

    /// What it answers: a text as it is, a number in digits, and one line for each part of an array.
    pub(crate) fn ask(&mut self, words: &[&str]) -> Result<String> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.publisher.get_ref().write_all(&command(&words))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.publisher.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("+" | ":", rest)) => Ok(rest.to_owned()),
            Some(("$", "-1")) => Ok(String::new()),
            Some(("$", length)) => {
                let mut text = vec![0; length.parse::<usize>()? + 2];
                self.publisher.read_exact(&mut text)?;
                Ok(String::from_utf8_lossy(&text[..text.len() - 2]).into_owned())
            }
            Some(("*", count)) => {
                let parts = (0..count.parse::<usize>()?).map(|_| self.answer());
                Ok(parts.collect::<Result<Vec<_>>>()?.join("\n"))
            }
            _ => Err(format!("redis says '{line}'").into()),
        }
    }

    /// A number that INFO tells in this section.
    pub(crate) fn figure(&mut self, section: &str, name: &str) -> Result<u64> {
        let info = self.ask(&["INFO", section])?;
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(key, _)| *key == name);
        Ok(found.ok_or("INFO does not tell that")?.1.trim().parse()?)
    }

    /// Sends `message` to all subscribers; returns how many those are.
    fn publish(&mut self, message: &[u8]) -> Result<usize> {
        let command = command(&[b"PUBLISH", CHANNEL.as_bytes(), message]);
        self.publisher.get_ref().write_all(&command)?;
        let mut answer = String::new();
        self.publisher.read_line(&mut answer)?;
        let count = answer.strip_prefix(':').ok_or(answer.trim_end())?;
        Ok(count.trim_end().parse()?)
    }
}

/// True if there is no such program.
fn is_missing(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// An array of strings.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        command.extend_from_slice(word);
        command.extend_from_slice(b"\r\n");
    }
    command
}
