//! Rounds in which everybody that is compared has a turn, so that whatever else the machine does
//! disturbs all alike, and what is compared is always a round with those next to it.

use super::load::Outcome;
use super::process::Process;
use super::run::Result;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// One of those that are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rival<'a> {
    pub(crate) name: &'static str,
    pub(crate) process: &'a Process,
    /// Where it is asked.
    pub(crate) address: SocketAddr,
}

/// What one of them did in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    /// CPU time that the process took for it.
    pub(crate) cpu: Duration,
}

impl Sample {
    /// Lets `ask` ask `process`, and looks at what that costs the process.
    pub(crate) fn take(process: &Process, ask: impl FnOnce() -> Result<Outcome>) -> Result<Self> {
        /// Far more than it takes a process to close its last connections.
        const SETTLE: Duration = Duration::from_millis(20);
        let before = process.cpu();
        let outcome = ask()?;
        thread::sleep(SETTLE);
        let cpu = process.cpu().saturating_sub(before);
        Ok(Self { outcome, cpu })
    }
}

/// So many rounds, in each of which everybody of `rivals` has a turn; what came of it, by round
/// and by rival.
pub(crate) fn take_turns<R: Copy, T>(
    rounds: usize,
    rivals: &[R],
    mut turn: impl FnMut(R) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut round = || rivals.iter().map(|&rival| turn(rival)).collect();
    (0..rounds).map(|_| round()).collect()
}
