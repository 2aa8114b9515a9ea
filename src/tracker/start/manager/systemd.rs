//! What a service manager is told: that the tracker is ready, and that it still works.
//!
//! The notify protocol of systemd is datagrams of `KEY=value` lines to the socket named by `NOTIFY_SOCKET`.
//! Without that variable nothing is sent and nothing is checked. The watchdog is fed only while both ports
//! accept connections and the files are read again. The thread that reads them takes the locks that every
//! session needs, so a tracker that hangs is restarted.

use crate::base::log::Log;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// A part that moved this long ago is not stuck. Files are read again once a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// After a part was found stuck it is looked at again this soon: perhaps the whole process was stopped for
/// a while.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The service manager, if there is one that wants to know.
#[derive(Debug)]
pub(crate) struct Manager {
    socket: Option<Socket>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// The one that started this process, as the environment says.
    pub(crate) fn from_environment(environment: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| environment(name).and_then(|value| value.into_string().ok());
        Self {
            socket: environment("NOTIFY_SOCKET").and_then(|name| Socket::open(&name)),
            watchdog: interval(
                text("WATCHDOG_USEC").as_deref(),
                text("WATCHDOG_PID").as_deref(),
                std::process::id(),
            ),
        }
    }

    /// True if there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// Says that the tracker is up, and what to show while all is well.
    pub(crate) fn say_ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={status}"));
    }

    /// Feeds the watchdog for ever, as long as the tracker works. `progress` counts how often a part has
    /// moved so far, and gives it cause to if it has not moved since the count that it is given; `wait`
    /// waits.
    pub(crate) fn feed_watchdog(
        &self,
        status: &str,
        parts: &[Part],
        progress: impl Fn(Part, Option<u64>) -> u64,
        wait: impl Fn(Duration),
        log: &Log,
    ) -> ! {
        let (Some(interval), Some(_)) = (self.watchdog, &self.socket) else {
            loop {
                // Not every system takes a longer one.
                wait(Duration::from_secs(3600));
            }
        };
        let start = Instant::now();
        let pulse = |&part| (part, Pulse::new(progress(part, None), start));
        let mut pulses: Vec<_> = parts.iter().map(pulse).collect();
        let mut was_stuck = false;
        loop {
            let mut stuck = None;
            for (part, pulse) in &mut pulses {
                let count = progress(*part, Some(pulse.count));
                if !pulse.beats(count, Instant::now()) {
                    stuck = Some(*part);
                }
            }
            let was_stuck = std::mem::replace(&mut was_stuck, stuck.is_some());
            let pause = match stuck {
                None => {
                    if was_stuck {
                        log.info("works-again", &[]);
                        // The manager shows the last status that it was sent.
                        self.say(&format!("STATUS={status}"));
                    }
                    self.say("WATCHDOG=1");
                    interval
                }
                Some(part) => {
                    log.error("stuck", &[("what", &part.name())]);
                    self.say(&format!("STATUS=stuck: {}", part.name()));
                    interval.min(LOOK_AGAIN)
                }
            };
            wait(pause);
        }
    }

    /// A manager that does not listen is no reason to stop.
    fn say(&self, text: &str) {
        if let Some(socket) = &self.socket {
            socket.send(text.as_bytes());
        }
    }
}

/// What must move for the tracker to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Accepting game servers, at the listener of this number.
    GameServerPort(usize),
    /// Accepting clients, at the listener of this number.
    ClientPort(usize),
    /// Reading the operator's files again.
    Reloader,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::GameServerPort(_) => "accepting game servers",
            Self::ClientPort(_) => "accepting clients",
            Self::Reloader => "reading the files again",
        }
    }
}

/// A count that grows while something works.
#[derive(Debug)]
struct Pulse {
    count: u64,
    moved: Instant,
}

impl Pulse {
    fn new(count: u64, now: Instant) -> Self {
        Self { count, moved: now }
    }

    /// True if it has moved since the last look, or not long ago.
    fn beats(&mut self, count: u64, now: Instant) -> bool {
        if count != self.count {
            *self = Self::new(count, now);
        }
        now.saturating_duration_since(self.moved) < PATIENCE
    }
}

/// How often to feed a watchdog that waits for so many microseconds: twice in that time, and at most once a
/// millisecond. `None` if there is none, or if it watches another process.
fn interval(microseconds: Option<&str>, pid: Option<&str>, own_pid: u32) -> Option<Duration> {
    let microseconds: u64 = microseconds?.parse().ok().filter(|n| *n > 0)?;
    let is_ours = pid.is_none_or(|pid| pid.parse() == Ok(own_pid));
    is_ours.then(|| Duration::from_micros(microseconds / 2).max(Duration::from_millis(1)))
}

#[cfg(unix)]
use unix::Socket;

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    /// The socket of a service manager.
    #[derive(Debug)]
    pub(crate) struct Socket {
        own: UnixDatagram,
        manager: SocketAddr,
    }

    impl Socket {
        pub(crate) fn open(name: &OsStr) -> Option<Self> {
            let manager = address(name)?;
            let own = UnixDatagram::unbound().ok()?;
            own.set_write_timeout(Some(Duration::from_secs(1))).ok()?;
            Some(Self { own, manager })
        }

        pub(crate) fn send(&self, message: &[u8]) {
            let _ = self.own.send_to_addr(message, &self.manager);
        }
    }

    /// A path, or behind an `@` an abstract name.
    fn address(name: &OsStr) -> Option<SocketAddr> {
        match name.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(name).ok(),
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => {
                use std::os::linux::net::SocketAddrExt;
                SocketAddr::from_abstract_name(name).ok()
            }
            _ => None,
        }
    }
}

/// Where there is no such manager.
#[cfg(not(unix))]
#[derive(Debug)]
struct Socket;

#[cfg(not(unix))]
impl Socket {
    fn open(_: &std::ffi::OsStr) -> Option<Self> {
        None
    }

    fn send(&self, _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_beats_and_what_stands_still_does_so_only_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(7, start);
        assert!(pulse.beats(7, at(2)), "it may have been about to move");
        assert!(!pulse.beats(7, at(3)));
        assert!(pulse.beats(8, at(100)), "it moves again");
        assert!(pulse.beats(8, at(102)));
        assert!(!pulse.beats(8, at(104)));
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_if_it_is_ours() {
        let half = Some(Duration::from_secs(15));
        assert_eq!(interval(Some("30000000"), None, 5), half);
        assert_eq!(interval(Some("30000000"), Some("5"), 5), half);
        assert_eq!(interval(Some("30000000"), Some("6"), 5), None);
        let pause = |microseconds| interval(Some(microseconds), None, 5);
        assert_eq!(
            pause("1"),
            Some(Duration::from_millis(1)),
            "it sleeps at all"
        );
        assert!(pause("18446744073709551615").is_some());
        for nothing in [None, Some(""), Some("0"), Some("soon")] {
            assert_eq!(interval(nothing, None, 5), None);
        }
    }
}
