//! Which trackers a command speaks to: those that are named, or else those of the environment, or
//! else the one on this machine.

use super::UsageError;
use crate::reach::Address;
use std::ffi::OsString;
use std::net::Ipv4Addr;

/// Names the trackers if none is given.
pub(super) const VARIABLE: &str = "GLTRACKER_TRACKER";

/// The most trackers: each has threads of its own.
const MAX_TRACKERS: usize = 64;

/// The trackers that were named so far, whose port is `PORT` if none is given.
#[derive(Default)]
pub(super) struct Trackers<const PORT: u16> {
    named: Vec<Address<PORT>>,
}

impl<const PORT: u16> Trackers<PORT> {
    /// One more.
    pub(super) fn add(&mut self, tracker: Address<PORT>) {
        self.named.push(tracker);
    }

    /// All of them, each once.
    ///
    /// # Errors
    /// [`UsageError`] for what the environment names wrongly, and for too many.
    pub(super) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Vec<Address<PORT>>, UsageError> {
        let mut trackers = self.named;
        if trackers.is_empty() {
            trackers = from_environment(environment(VARIABLE))?;
        }
        if trackers.is_empty() {
            let here = Ipv4Addr::LOCALHOST;
            trackers.push(Address::new((here, PORT).into()));
        }
        let mut unique: Vec<Address<PORT>> = Vec::new();
        for tracker in trackers {
            if !unique.contains(&tracker) {
                unique.push(tracker);
            }
        }
        match unique.len() > MAX_TRACKERS {
            true => Err(UsageError(format!(
                "at most {MAX_TRACKERS} trackers can be named"
            ))),
            false => Ok(unique),
        }
    }
}

/// The trackers that the environment names, with commas or spaces between them.
fn from_environment<const PORT: u16>(
    variable: Option<OsString>,
) -> Result<Vec<Address<PORT>>, UsageError> {
    let variable = variable.unwrap_or_default();
    let text = variable
        .to_str()
        .ok_or_else(|| UsageError(format!("{VARIABLE}: the value is not text")))?;
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let named = words.map(|word| {
        word.parse()
            .map_err(|error| UsageError(format!("{VARIABLE}: {error}")))
    });
    named.collect()
}
