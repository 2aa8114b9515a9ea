//! What the machine allows, and what MAX_SLOTS needs.
//!
//! All threads are started at boot. A limit that would be met later is named before that, together with
//! what to change. A limit that cannot be read (not Linux) counts as none.

use crate::tracker::access::slots::{Class, Limits, MOST_OF_PROXIES};
use crate::tracker::state::sockets::tuning::{ACCEPTORS, MOST_HEADERS};
use std::fmt;
use std::fs;

/// Threads that hold no connection, or many: main, which feeds the watchdog, the log, the one that
/// reads files again, the watchers', the idle clients', the guests', the sender, the publisher, two of
/// the state file, which write and forget, and those that accept, of each family at each port.
pub const OTHER_THREADS: usize = 10 + 2 * 2 * ACCEPTORS;

/// Descriptors that are not connections: standard streams, four listeners, two pipes with two ends
/// each, two sockets for datagrams, one for the service manager, one of the accept probe, the random
/// numbers, the locks of the state file and the published folder, and those of files that are read or
/// written: some 20.
const OTHER_DESCRIPTORS: usize = 32;

/// Memory maps a std thread takes: its stack, the guard page below, and the same for the stack
/// that signals use.
const MAPS_PER_THREAD: usize = 4;

/// Memory maps of everything else in the process.
const OTHER_MAPS: usize = 1000;

/// What a tracker needs to hold all its slots. More slots never need less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Threads that hold a connection of a game server, each.
    pub game_server_holders: usize,
    /// Threads that hold a connection of a client.
    pub client_holders: usize,
    /// Connections that are held without a thread.
    watchers: usize,
    guests: usize,
    /// Connections from proxies beside those, and the threads for them.
    of_proxies: usize,
    header_threads: usize,
    /// The thread that shares the list, and its connection.
    sharing_threads: usize,
}

impl Needs {
    /// What these slots need.
    pub(crate) fn of(limits: Limits) -> Self {
        let pending = limits.of(Class::Pending);
        Self {
            game_server_holders: pending.saturating_add(limits.of(Class::Listed)),
            client_holders: limits.of(Class::Client),
            watchers: limits.of(Class::Watcher),
            guests: limits.guests(),
            of_proxies: 0,
            header_threads: 0,
            sharing_threads: 0,
        }
    }

    /// The same where proxies pass connections on.
    pub(crate) fn behind_proxy(self) -> Self {
        Self {
            of_proxies: MOST_OF_PROXIES + 2 * MOST_HEADERS,
            header_threads: 1,
            ..self
        }
    }

    /// The same where the list is shared with other trackers.
    pub(crate) fn sharing(self) -> Self {
        Self {
            sharing_threads: 1,
            ..self
        }
    }

    fn threads(self) -> usize {
        let held = self.game_server_holders.saturating_add(self.client_holders);
        held.saturating_add(OTHER_THREADS + self.header_threads + self.sharing_threads)
    }

    /// One for each connection; the kernel sets one aside for every thread that waits in `accept`.
    fn descriptors(self) -> usize {
        let held = self.watchers.saturating_add(self.guests + self.of_proxies);
        let sockets = self.threads().saturating_add(held);
        sockets.saturating_add(OTHER_DESCRIPTORS)
    }

    fn maps(self) -> usize {
        let stacks = self.threads().saturating_mul(MAPS_PER_THREAD);
        stacks.saturating_add(OTHER_MAPS)
    }
}

/// A limit that is too low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    what: &'static str,
    needed: usize,
    allowed: usize,
    remedy: String,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            needed,
            allowed,
            remedy,
        } = self;
        write!(
            f,
            "{needed} {what} are needed and this process may have {allowed}: {remedy}"
        )
    }
}

/// The limits of this process; `None` where there is none or it cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OsLimits {
    descriptors: Option<usize>,
    user_threads: Option<usize>,
    system_threads: Option<usize>,
    group_threads: Option<usize>,
    maps: Option<usize>,
}

impl OsLimits {
    /// Reads the limits of this process.
    pub(crate) fn read() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let is_root = fs::read_to_string("/proc/self/status")
            .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t0\t")));
        let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let group = group
            .lines()
            .find_map(|line| line.strip_prefix("0::"))
            .unwrap_or("/");
        Self {
            descriptors: soft_limit(&limits, "Max open files"),
            // The kernel does not hold root to it.
            user_threads: soft_limit(&limits, "Max processes").filter(|_| !is_root),
            system_threads: number("/proc/sys/kernel/threads-max"),
            group_threads: number(&format!("/sys/fs/cgroup{group}/pids.max")),
            maps: number("/proc/sys/vm/max_map_count"),
        }
    }

    /// Checks that `needs` can be met.
    ///
    /// # Errors
    /// The first limit that is too low, and how to raise it.
    pub(crate) fn check(&self, needs: Needs) -> Result<(), Shortage> {
        let (threads, maps) = (needs.threads(), needs.maps());
        let descriptors = needs.descriptors();
        let limits = [
            (
                self.descriptors,
                descriptors,
                "open files",
                format!("raise it with 'ulimit -n {descriptors}', or LimitNOFILE= in a unit file"),
            ),
            (
                self.user_threads,
                threads,
                "threads of this user",
                format!("raise it with 'ulimit -u {threads}', or LimitNPROC= in a unit file"),
            ),
            (
                self.group_threads,
                threads,
                "threads in this control group",
                "raise TasksMax= in the unit file, or pids.max of the container".to_owned(),
            ),
            (
                self.system_threads,
                threads,
                "threads on this machine",
                format!("raise it with 'sysctl kernel.threads-max={threads}'"),
            ),
            (
                self.maps,
                maps,
                "memory maps",
                format!("raise it with 'sysctl vm.max_map_count={maps}'"),
            ),
        ];
        for (allowed, needed, what, remedy) in limits {
            if let Some(allowed) = allowed.filter(|&allowed| allowed < needed) {
                return Err(Shortage {
                    what,
                    needed,
                    allowed,
                    remedy,
                });
            }
        }
        Ok(())
    }
}

/// The soft limit in a line of /proc/self/limits; `None` if it is unlimited.
fn soft_limit(limits: &str, name: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(max_slots: usize) -> Needs {
        Needs::of(Limits::divide(max_slots, "1:4:2:1".parse().unwrap()).unwrap())
    }

    #[test]
    fn a_thousand_slots_need_what_they_need() {
        let needs = needs(1024);
        assert_eq!(
            (needs.game_server_holders, needs.client_holders),
            (640, 256)
        );
        assert_eq!(
            (needs.threads(), needs.descriptors(), needs.maps()),
            (914, 1266, 4656)
        );
        let needs = needs.behind_proxy();
        assert_eq!(
            (needs.threads(), needs.descriptors(), needs.maps()),
            (915, 1843, 4660)
        );
        let needs = needs.sharing();
        assert_eq!(
            (needs.threads(), needs.descriptors(), needs.maps()),
            (916, 1844, 4664)
        );
    }

    #[test]
    fn the_limit_that_is_too_low_is_named_with_its_remedy() {
        let plenty = OsLimits::default();
        assert_eq!(plenty.check(needs(1024)), Ok(()));
        for (limits, part) in [
            (
                OsLimits {
                    descriptors: Some(1024),
                    ..plenty
                },
                "1266 open files are needed",
            ),
            (
                OsLimits {
                    user_threads: Some(900),
                    ..plenty
                },
                "ulimit -u 914",
            ),
            (
                OsLimits {
                    group_threads: Some(512),
                    ..plenty
                },
                "TasksMax=",
            ),
            (
                OsLimits {
                    system_threads: Some(100),
                    ..plenty
                },
                "kernel.threads-max=914",
            ),
            (
                OsLimits {
                    maps: Some(4655),
                    ..plenty
                },
                "vm.max_map_count=4656",
            ),
        ] {
            let shortage = limits.check(needs(1024)).unwrap_err().to_string();
            assert!(shortage.contains(part), "{shortage}");
        }
        assert!(
            OsLimits {
                maps: Some(4656),
                ..plenty
            }
            .check(needs(1024))
            .is_ok()
        );
    }

    #[test]
    fn no_number_of_slots_is_so_large_that_it_needs_little() {
        for max_slots in [1 << 40, usize::MAX / 5, usize::MAX / 2, usize::MAX] {
            let needs = needs(max_slots);
            assert!(needs.threads() > max_slots / 2 && needs.maps() > max_slots / 2);
            assert!(needs.descriptors() >= max_slots);
            let limits = OsLimits {
                descriptors: Some(1 << 20),
                ..OsLimits::default()
            };
            let shortage = limits.check(needs).unwrap_err().to_string();
            assert!(shortage.contains("open files are needed"), "{shortage}");
        }
    }

    #[test]
    fn limits_are_read_from_the_kernels_table() {
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
                     Max processes             unlimited            unlimited            processes\n\
                     Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(table, "Max open files"), Some(1024));
        assert_eq!(soft_limit(table, "Max processes"), None);
        assert_eq!(soft_limit("", "Max open files"), None);
    }
}
