//! A child process, and what it takes of the machine.

use super::run::Result;
use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Linux counts CPU time in ticks of 1/100 s on every machine, whatever its clock (`man 5 proc`,
/// `getconf CLK_TCK`). /proc/PID/schedstat is finer, but of one thread; the sum over all threads
/// would take reading ten thousand files, and miss the threads that have ended.
const TICK: Duration = Duration::from_millis(10);

/// A child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` and gives it all of `input`, if there is any; else it has the standard input
    /// that it was given. It is ready when it has written a line to the other end of `output`, as
    /// whichever of its streams that is; the line is returned, and what else may follow.
    pub(crate) fn start(
        mut command: Command,
        input: &[u8],
        output: PipeReader,
    ) -> Result<(Self, String, impl Read + use<>)> {
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let process = Self { child };
        // Nobody else is to hold the other end: it closes with the process.
        drop(command);
        if let Some(mut stdin) = stdin {
            // The pipe is dropped with that, which ends the input.
            stdin.write_all(input)?;
        }
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        Ok((process, line, output))
    }

    /// The CPU time of all its threads so far, in and out of the kernel. Zero where there is no
    /// /proc to tell.
    pub(crate) fn cpu(&self) -> Duration {
        self.times().into_iter().sum()
    }

    /// The same apart: out of the kernel, and in it.
    pub(crate) fn times(&self) -> [Duration; 2] {
        let stat = self.read("stat");
        // The name in parentheses may hold anything. utime and stime are the 14th and 15th field,
        // the 12th and 13th after it.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        [11, 12].map(|at| {
            let ticks = fields.get(at).and_then(|ticks| ticks.parse::<u32>().ok());
            ticks.unwrap_or_default() * TICK
        })
    }

    /// Waits until it has nothing to do any more: the threads of a process that has just started
    /// have yet to find out that there is nothing. Not for ever.
    pub(crate) fn settle(&self) {
        const LOOK_AGAIN: Duration = Duration::from_millis(100);
        const LOOKS: usize = 50;
        let mut before = self.cpu();
        for _ in 0..LOOKS {
            thread::sleep(LOOK_AGAIN);
            let now = self.cpu();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// The CPU time so far of those of its threads that have this name now, which Linux cuts to 15
    /// bytes. In nanoseconds, unlike [`cpu`](Self::cpu).
    pub(crate) fn cpu_of_threads(&self, name: &str) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks
            .into_iter()
            .flatten()
            .flatten()
            .map(|task| task.path());
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        tasks
            .filter(|task| read(task.join("comm")).trim_end() == name)
            .filter_map(|task| {
                let times = read(task.join("schedstat"));
                times.split_whitespace().next()?.parse().ok()
            })
            .map(Duration::from_nanos)
            .sum()
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> i64 {
        number(&self.read("status"), "VmRSS:").unwrap_or_default() * 1024
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> i64 {
        number(&self.read("status"), "Threads:").unwrap_or_default()
    }

    fn read(&self, what: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{what}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first number behind `name`, which begins a line of `table`, as /proc has many.
pub(crate) fn number(table: &str, name: &str) -> Option<i64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How many files this process, and each that it starts, may have open at the same time.
pub(crate) fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = number(&limits, "Max open files");
    limit.map_or(usize::MAX, |limit| limit as usize)
}
