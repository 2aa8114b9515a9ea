//! Which trackers a command speaks to, and over which family of addresses. They are the ones that
//! are named, or else those of the environment, or else the one on this machine.

use crate::cli::command::UsageError;
use crate::cli::flags::Flag;
use crate::reach::{Address, Family};
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The environment variable that names trackers.
pub(crate) const VARIABLE: &str = "GLTRACKER_TRACKER";

/// How many trackers there may be; each has threads of its own.
const MAX_TRACKERS: usize = 64;

/// The flag for IPv4.
pub(crate) const IPV4: Flag = Flag {
    name: "--ipv4",
    value: "",
    help: "reach trackers over IPv4 only",
};

/// The flag for IPv6.
pub(crate) const IPV6: Flag = Flag {
    name: "--ipv6",
    value: "",
    help: "reach trackers over IPv6 only",
};

/// The trackers that were named so far, whose port is `PORT` if none is given.
#[derive(Default)]
pub(crate) struct Trackers<const PORT: u16> {
    named: Vec<Address<PORT>>,
    family: Option<Family>,
}

impl<const PORT: u16> Trackers<PORT> {
    /// Adds a tracker.
    pub(crate) fn add(&mut self, tracker: Address<PORT>) {
        self.named.push(tracker);
    }

    /// Applies a flag; returns false if it is neither [`IPV4`] nor [`IPV6`].
    ///
    /// # Errors
    /// [`UsageError`] if the flag has a value, or both flags are given.
    pub(crate) fn set(&mut self, flag: &Flag, value: &OsStr) -> Result<bool, UsageError> {
        let family = match flag.name {
            name if name == IPV4.name => Family::Ipv4,
            name if name == IPV6.name => Family::Ipv6,
            _ => return Ok(false),
        };
        if value != "yes" {
            return Err(UsageError(format!("{} takes no value", flag.name)));
        }
        if self.family.is_some_and(|other| other != family) {
            return Err(UsageError("--ipv4 and --ipv6: it can be only one".into()));
        }
        self.family = Some(family);
        Ok(true)
    }

    /// Returns the trackers, each once.
    ///
    /// # Errors
    /// [`UsageError`] for an invalid name in the environment, and for too many trackers.
    pub(crate) fn finish(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Vec<Address<PORT>>, UsageError> {
        let mut trackers = self.named;
        if trackers.is_empty() {
            trackers = from_environment(environment(VARIABLE))?;
        }
        if trackers.is_empty() {
            let here = match self.family {
                Some(Family::Ipv6) => IpAddr::from(Ipv6Addr::LOCALHOST),
                _ => Ipv4Addr::LOCALHOST.into(),
            };
            trackers.push(Address::new((here, PORT).into()));
        }
        let mut unique: Vec<Address<PORT>> = Vec::new();
        for tracker in trackers {
            let literal = tracker.host().parse::<IpAddr>().ok();
            let literal = literal.map(|ip| Family::of((ip, PORT).into()));
            let tracker = match self.family {
                Some(family) if literal.is_some_and(|is| is != family) => {
                    return Err(UsageError(format!("{tracker} is not an {family} address")));
                }
                Some(family) => tracker.over(family),
                None => tracker,
            };
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
