//! How long a bench is to take, and its way out.

use super::bare::Bare;
use std::env;
use std::error::Error;
use std::process::ExitCode;

/// Whatever goes wrong, in whatever thread, is for a person to read.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How much there is to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// What figures are quoted from.
    Full,
    /// In short, with `--quick`.
    Quick,
    /// Shows that the bench still works, and nothing else: `cargo test --all-targets` runs every
    /// bench and is not to wait.
    Smoke,
}

impl Length {
    /// As the arguments say. `cargo bench` says --bench; `cargo test --all-targets` does not.
    pub(crate) fn given() -> Self {
        match () {
            () if is_given("--quick") => Self::Quick,
            () if is_given("--bench") && !is_given("--test") => Self::Full,
            () => Self::Smoke,
        }
    }

    /// The one of three that is as long.
    pub(crate) fn of<T>(self, full: T, quick: T, smoke: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
            Self::Smoke => smoke,
        }
    }
}

/// The `main` of every bench here, which may be started as a bare server by itself.
pub(crate) fn main(run: impl FnOnce(Length) -> Result<()>) -> ExitCode {
    let done = Bare::run_if_asked().and_then(|()| run(Length::given()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// True if `flag` is among the arguments.
pub(crate) fn is_given(flag: &str) -> bool {
    env::args().any(|argument| argument == flag)
}

/// The argument behind `flag`, if both are given.
pub(crate) fn value_of(flag: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != flag).nth(1)
}

/// What is said, before and after the tables, if a bench cannot measure what it is meant to.
/// Empty if it can.
pub(crate) fn shortage(allowed: usize, wanted: usize) -> String {
    shortage_of("GAME SERVERS", allowed, wanted)
}

/// The same for others than game servers.
pub(crate) fn shortage_of(whom: &str, allowed: usize, wanted: usize) -> String {
    if allowed >= wanted {
        return String::new();
    }
    format!(
        "\nTHE LIMIT OF OPEN FILES ALLOWS {allowed} {whom}, NOT {wanted}. To measure what \
         is meant to be measured, raise it: ulimit -n 20000\n"
    )
}
