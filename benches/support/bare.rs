//! What a tracker is compared with: servers on bare std sockets that do what is compared and
//! nothing else. No program with blocking sockets does less.

use super::process::Process;
use super::queue::{SHORT, lengthen};
use super::run::Result;
use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

/// The private argument that makes this program a bare server; its kind, the number of threads and
/// the length of its accept queue follow, and the answer comes on standard input.
const BARE: &str = "--bare";

/// Stack of a thread, as small as the tracker's.
const STACK: usize = 64 * 1024;

/// What a bare server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In so many threads that accept: reads a line, writes the answer whatever the line says, and
    /// closes.
    Answer { threads: usize },
    /// In a thread for each connection: writes the answer to every line that it reads.
    Converse,
    /// In so many threads that accept: writes one line of the answer to each line that it reads,
    /// and the last one to all that follow.
    Greet { threads: usize },
    /// In one thread: accepts, and never looks at it again.
    Hold,
}

impl Kind {
    fn spelled(self) -> (&'static str, usize) {
        match self {
            Self::Answer { threads } => ("answer", threads),
            Self::Converse => ("converse", 1),
            Self::Greet { threads } => ("greet", threads),
            Self::Hold => ("hold", 1),
        }
    }

    fn parse(kind: &str, threads: usize) -> Option<Self> {
        let kinds = [
            Self::Answer { threads },
            Self::Converse,
            Self::Greet { threads },
            Self::Hold,
        ];
        kinds.into_iter().find(|known| known.spelled().0 == kind)
    }
}

/// A bare server, in a process of its own.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Bare {
    /// Starts this very program once more, as a bare server that answers `answer`.
    pub(crate) fn start(kind: Kind, answer: &[u8]) -> Result<Self> {
        Self::with_queue(SHORT, kind, answer)
    }

    /// Starts one with an accept queue that is so long.
    pub(crate) fn with_queue(queue: u32, kind: Kind, answer: &[u8]) -> Result<Self> {
        let (output, writer) = io::pipe()?;
        let (name, threads) = kind.spelled();
        let mut command = Command::new(env::current_exe()?);
        command
            .args([BARE, name, &threads.to_string(), &queue.to_string()])
            .stdin(Stdio::null())
            .stdout(writer);
        let (process, address, _) = Process::start(command, answer, output)?;
        let address = address.trim_end().parse()?;
        Ok(Self { process, address })
    }

    /// If the arguments of the program are those of [`Bare::start`], is that bare server until it
    /// is killed.
    pub(crate) fn run_if_asked() -> Result<()> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        match &arguments[..] {
            [argument, kind, threads, queue] if argument == BARE => {
                let kind = Kind::parse(kind, threads.parse()?).ok_or("there is no such kind")?;
                let mut answer = Vec::new();
                io::stdin().read_to_end(&mut answer)?;
                serve(kind, &answer, queue.parse()?)
            }
            _ => Ok(()),
        }
    }
}

fn serve(kind: Kind, answer: &[u8], queue: u32) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    lengthen(&listener, queue)?;
    let ready = || {
        println!("{}", listener.local_addr()?);
        Ok(())
    };
    match kind {
        Kind::Answer { threads } => {
            let serve = |stream| {
                if read_lines(&stream) > 0 {
                    // A peer that goes away is no reason to stop.
                    let _ = (&stream).write_all(answer);
                }
            };
            accept_in(threads, &listener, serve, ready)
        }
        Kind::Greet { threads } => {
            let lines: Vec<&[u8]> = answer.split_inclusive(|&byte| byte == b'\n').collect();
            let serve = |stream| {
                let mut next = 0;
                loop {
                    let count = read_lines(&stream);
                    for _ in 0..count {
                        if (&stream).write_all(lines[next]).is_err() {
                            return;
                        }
                        next = (next + 1).min(lines.len() - 1);
                    }
                    if count == 0 {
                        return;
                    }
                }
            };
            accept_in(threads, &listener, serve, ready)
        }
        Kind::Converse => {
            ready()?;
            thread::scope(|scope| {
                loop {
                    let (stream, _) = listener.accept()?;
                    // Or the last segment of a long answer waits for those before it.
                    stream.set_nodelay(true)?;
                    let converse = move || {
                        while read_lines(&stream) > 0 && (&stream).write_all(answer).is_ok() {}
                    };
                    thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, converse)?;
                }
            })
        }
        Kind::Hold => {
            ready()?;
            let mut held = Vec::new();
            loop {
                held.push(listener.accept()?);
            }
        }
    }
}

/// Lets each of so many threads accept and `serve`, again and again; says so when all of them do.
fn accept_in(
    threads: usize,
    listener: &TcpListener,
    serve: impl Fn(TcpStream) + Sync,
    ready: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let accept = || -> Result<()> {
        loop {
            serve(listener.accept()?.0);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, accept)?;
        }
        ready()?;
        accept()
    })
}

/// Reads until the end of a line, and returns how many lines came: 0 when there are no more.
fn read_lines(mut stream: &TcpStream) -> usize {
    let mut buffer = [0; 1024];
    let mut length = 0;
    while length < buffer.len() {
        match stream.read(&mut buffer[length..]) {
            Ok(count) if count > 0 => length += count,
            _ => return 0,
        }
        if buffer[..length].ends_with(b"\n") {
            break;
        }
    }
    buffer[..length]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
}
