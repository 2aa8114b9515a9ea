//! metrics.prom.
//!
//! The counters are named as Prometheus wants it: `gltracker_` first, `_total` last for what only grows,
//! base units, one name with a label where the parts add up. Pure.

use super::exposition::{COUNTER, GAUGE, labelled, plain};
use super::sharing;
use crate::base::time_format::in_units;
use crate::protocol::refusal::ErrorCode;
use crate::tracker::access::slots::Class;
use crate::tracker::state::sharing_status::Status;
use crate::tracker::state::stats::Stats;
use std::time::{Duration, Instant};

/// What is worth watching besides the counters.
#[derive(Debug)]
pub(super) struct Metrics {
    /// When the tracker was started, since 1970.
    pub(super) started: Duration,
    pub(super) game_servers: usize,
    pub(super) players: u64,
    /// Slots in use and slots there are.
    pub(super) slots: [(Class, (usize, usize)); 4],
    pub(super) log_dropped: u64,
}

impl Metrics {
    /// Everything, in Prometheus' text format. Of sharing nothing is said where nothing is shared.
    pub(super) fn text(&self, stats: &Stats, status: Option<&Status>, now: Instant) -> String {
        let mut text = String::with_capacity(8 * 1024);
        let out = &mut text;
        let version = env!("CARGO_PKG_VERSION");
        let build = [(version, 1)];
        labelled(out, "build_info", GAUGE, "The program.", "version", &build);
        let started = in_units(self.started, Duration::from_secs(1), 3);
        let help = "When the tracker was started, in seconds since 1970.";
        plain(out, "start_time_seconds", GAUGE, help, started);
        let help = "Game servers on the list.";
        plain(out, "listed_game_servers", GAUGE, help, self.game_servers);
        let help = "Players on all listed game servers, as these say.";
        plain(out, "players", GAUGE, help, self.players);
        let used = self.slots.map(|(class, (used, _))| (class.as_str(), used));
        labelled(out, "slots_used", GAUGE, "Slots in use.", "class", &used);
        let limit = self
            .slots
            .map(|(class, (_, limit))| (class.as_str(), limit));
        labelled(out, "slots_limit", GAUGE, "Slots.", "class", &limit);
        counters(out, stats);
        let help = "Log lines dropped because nobody read those before them.";
        plain(
            out,
            "log_lines_dropped_total",
            COUNTER,
            help,
            self.log_dropped,
        );
        if let Some(status) = status {
            sharing::write(out, status, now);
        }
        text
    }
}

fn counters(out: &mut String, stats: &Stats) {
    let mut counter = |name: &str, help: &str, value: u64| plain(out, name, COUNTER, help, value);
    counter(
        "connections_accepted_total",
        "Connections that got a slot.",
        stats.accepted.get(),
    );
    counter(
        "guests_total",
        "Newcomers served although no slot was free.",
        stats.guests.get(),
    );
    counter(
        "slow_readers_total",
        "Connections closed because the peer did not read.",
        stats.slow_readers.get(),
    );
    counter(
        "penalties_total",
        "Failed logins for which the host was, or stayed, shut out.",
        stats.penalties.get(),
    );
    counter(
        "infos_total",
        "INFOS that put a game server on the list or changed it.",
        stats.logins.get() + stats.updates.get(),
    );
    counter(
        "lists_total",
        "Times the list was asked for.",
        stats.lists.get(),
    );
    counter(
        "list_deltas_total",
        "Times it was enough to answer with what had changed.",
        stats.deltas.get(),
    );
    counter(
        "watches_total",
        "Clients that became watchers.",
        stats.watches.get(),
    );
    counter(
        "watch_batches_total",
        "Batches of changes sent to watchers.",
        stats.batches.get(),
    );
    counter(
        "sent_bytes_total",
        "Bytes sent on all connections.",
        stats.bytes_sent.get(),
    );
    counter(
        "proofs_sent_total",
        "Datagrams sent to prove that a port can be reached.",
        stats.proofs_sent.get(),
    );
    let mut counter = |name: &str, help: &str, label: &str, values: &[(&str, u64)]| {
        labelled(out, name, COUNTER, help, label, values);
    };
    counter(
        "connections_denied_total",
        "Newcomers turned away, and game servers kept off the list.",
        "reason",
        &[
            ("banned", stats.banned.get()),
            ("class-full", stats.class_full.get()),
            ("host-full", stats.host_full.get()),
            ("in-penalty", stats.in_penalty.get()),
            ("over-share", stats.over_share.get()),
            ("too-fast", stats.too_fast.get()),
        ],
    );
    // Slow readers are counted apart: they would not read an ERR either.
    let codes = ErrorCode::ALL.into_iter();
    let refused: Vec<_> = codes
        .filter(|code| *code != ErrorCode::SlowReader)
        .map(|code| (code.as_str(), stats.refused.of(code).get()))
        .collect();
    counter(
        "connections_dropped_total",
        "Connections that lost their slot of this class to a newcomer.",
        "class",
        &Class::ALL.map(|class| (class.as_str(), stats.dropped.of(class).get())),
    );
    counter(
        "connections_refused_total",
        "Connections closed with an ERR, other than those denied, by its code.",
        "reason",
        &refused,
    );
    counter(
        "logins_total",
        "Logins that put a game server on the list, and those with a wrong password or key.",
        "result",
        &[
            ("ok", stats.logins.get()),
            ("bad-password", stats.bad_passwords.get()),
        ],
    );
    counter(
        "proofs_total",
        "Ports that were to be proven.",
        "result",
        &[
            ("answered", stats.proofs_answered.get()),
            ("failed", stats.proofs_failed.get()),
        ],
    );
    counter(
        "write_failures_total",
        "Files that could not be written.",
        "flag",
        &[
            ("publish", stats.publish_failures.get()),
            ("state", stats.state_failures.get()),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_announced_once_and_named_by_the_conventions() {
        let stats = Stats::default();
        stats.banned.add_one();
        stats.refused.of(ErrorCode::Timeout).add_one();
        stats.dropped.of(Class::Client).add_one();
        stats.bytes_sent.add(1024);
        stats.state_failures.add_one();
        let metrics = Metrics {
            started: Duration::from_millis(1_700_000_000_250),
            game_servers: 3,
            players: 70_000,
            slots: Class::ALL.map(|class| (class, (1, 8))),
            log_dropped: 2,
        };
        let now = Instant::now();
        let alone = metrics.text(&stats, None, now);
        let text = metrics.text(&stats, Some(&Status::new(now)), now);
        assert!(text.starts_with(&alone) && !alone.contains("sharing"));
        for line in [
            "gltracker_start_time_seconds 1700000000.250",
            "gltracker_listed_game_servers 3",
            "gltracker_players 70000",
            "gltracker_slots_limit{class=\"watcher\"} 8",
            "gltracker_connections_denied_total{reason=\"banned\"} 1",
            "gltracker_connections_refused_total{reason=\"timeout\"} 1",
            "gltracker_connections_refused_total{reason=\"busy\"} 0",
            "gltracker_connections_dropped_total{class=\"client\"} 1",
            "gltracker_sent_bytes_total 1024",
            "gltracker_log_lines_dropped_total 2",
            "gltracker_write_failures_total{flag=\"publish\"} 0",
            "gltracker_write_failures_total{flag=\"state\"} 1",
            "gltracker_sharing_up 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in:\n{text}");
        }
        let mut announced = Vec::new();
        for line in text.lines() {
            if let Some(announcement) = line.strip_prefix("# TYPE ") {
                let (name, kind) = announcement.split_once(' ').unwrap();
                assert_eq!(kind == COUNTER, name.ends_with("_total"), "{line}");
                assert!(text.contains(&format!("# HELP {name} ")), "{line}");
                announced.push(name);
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                assert_eq!(announced.last(), Some(&name), "{line}");
            }
        }
        let count = announced.len();
        announced.sort_unstable();
        announced.dedup();
        assert_eq!(announced.len(), count);
    }
}
