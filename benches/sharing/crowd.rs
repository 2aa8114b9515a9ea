//! Game servers of a tracker in a process of their own: this one may not open files for all.

use crate::support::fleet::Fleet;
use crate::support::process::Process;
use crate::support::run::{Result, value_of};
use std::env;
use std::io::{self, BufRead, BufReader, PipeWriter, Read, Write};
use std::net::SocketAddr;
use std::process::Command;

/// The arguments that make this program hold game servers, each with a value.
const CROWD: &str = "--crowd-at";
const SIZE: &str = "--crowd-size";

/// That process.
pub(crate) struct Crowd {
    answers: Box<dyn BufRead>,
    questions: PipeWriter,
    _process: Process,
}

impl Crowd {
    /// Logs so many in.
    pub(crate) fn log_in(servers: SocketAddr, size: usize) -> Result<Self> {
        let (output, writer) = io::pipe()?;
        let (input, questions) = io::pipe()?;
        let mut command = Command::new(env::current_exe()?);
        command
            .args([CROWD, &servers.to_string(), SIZE, &size.to_string()])
            .stdin(input)
            .stdout(writer);
        let (process, ready, answers) = Process::start(command, b"", output)?;
        match ready.is_empty() {
            true => Err("not all game servers could log in".into()),
            false => Ok(Self {
                answers: Box::new(BufReader::new(answers)),
                questions,
                _process: process,
            }),
        }
    }

    /// Lets all of them say something if it is time to.
    pub(crate) fn check_in(&mut self) -> Result<()> {
        self.questions.write_all(b"\n")?;
        match self.answers.read_line(&mut String::new())? {
            0 => Err("game servers were dropped".into()),
            _ => Ok(()),
        }
    }
}

/// If the arguments are those of [`Crowd::log_in`], is that until nobody asks any more.
pub(crate) fn run_if_asked() -> Result<bool> {
    let (Some(servers), Some(size)) = (value_of(CROWD), value_of(SIZE)) else {
        return Ok(false);
    };
    let mut fleet = Fleet::new(servers.parse()?);
    fleet.grow(size.parse()?)?;
    println!("ready");
    for _ in io::stdin().lock().bytes() {
        fleet.check_in()?;
        println!("here");
    }
    Ok(true)
}
