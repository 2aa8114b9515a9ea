//! Accept queues, which std makes 128 long.

use super::run::Result;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// The connections that may wait at a listener of std.
pub(crate) const SHORT: u32 = 128;

/// The most connections that the system lets wait at a listener.
pub(crate) fn longest() -> u32 {
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    most.trim_end().parse().unwrap_or(SHORT)
}

/// A listener as a standard stream of another process.
///
/// # Errors
/// Where sockets are no files.
pub(crate) fn as_stdio(listener: &TcpListener) -> Result<Stdio> {
    #[cfg(unix)]
    return Ok(std::os::fd::OwnedFd::from(listener.try_clone()?).into());
    #[cfg(not(unix))]
    return Err(format!("{listener:?} cannot be handed over on this system").into());
}

/// Lets so many connections wait at `listener`. That takes a second call of `listen`, which std does
/// not have and perl does.
///
/// # Errors
/// If there is no perl.
pub(crate) fn lengthen(listener: &TcpListener, queue: u32) -> Result<()> {
    if queue == SHORT {
        return Ok(());
    }
    let status = Command::new("perl")
        .args(["-e", "listen STDIN, shift or die", &queue.to_string()])
        .stdin(as_stdio(listener)?)
        .status()
        .map_err(|error| format!("perl, which makes an accept queue longer: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("perl did not make the accept queue longer".into()),
    }
}

/// Connections that did not fit into an accept queue of this machine so far, each time they were tried.
pub(crate) fn overflows() -> i64 {
    let table = fs::read_to_string("/proc/net/netstat").unwrap_or_default();
    let mut rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (rows.next(), rows.next());
    let named = names
        .into_iter()
        .zip(values)
        .flat_map(|(names, values)| names.split(' ').zip(values.split(' ')));
    let mut found = named.filter(|&(name, _)| name == "ListenOverflows");
    found
        .next()
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_default()
}
