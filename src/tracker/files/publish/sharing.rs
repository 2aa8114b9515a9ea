//! What metrics.prom says of sharing the list. Pure.

use super::exposition::{COUNTER, GAUGE, labelled, plain};
use crate::base::time_format::in_units;
use crate::tracker::state::sharing_status::{OwnerStatus, State, Status, alive};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Writes all of it.
pub(super) fn write(out: &mut String, status: &Status, now: Instant) {
    let state = status.state();
    let help = "1 while the list is shared.";
    let is_up = u8::from(state == State::Sharing);
    plain(out, "sharing_up", GAUGE, help, is_up);
    let states = State::ALL.map(|it| (it.as_str(), u8::from(it == state)));
    let help = "1 for how the tracker and the engine stand to each other.";
    labelled(out, "sharing_state", GAUGE, help, "state", &states);
    let lag = in_units(status.lag(now), Duration::from_secs(1), 3);
    let help = "Time since all that the others said was known here.";
    plain(out, "sharing_lag_seconds", GAUGE, help, lag);
    let (_, _, stale) = status.entries();
    let help = "Listed game servers of trackers that are not heard of.";
    plain(out, "sharing_stale_game_servers", GAUGE, help, stale);
    trackers(out, &status.owners());
    counters(out, status);
}

fn trackers(out: &mut String, owners: &[OwnerStatus]) {
    let mut entries = BTreeMap::<&str, usize>::new();
    for owner in owners {
        *entries.entry(&owner.name).or_default() += owner.entries;
    }
    let entries: Vec<_> = entries.into_iter().collect();
    let help = "Game servers by the tracker that they are logged in to.";
    labelled(out, "sharing_entries", GAUGE, help, "tracker", &entries);
    let (alive, all) = alive(owners);
    let counts = [("alive", alive), ("away", all - alive)];
    let help = "Trackers that share the list, this one included.";
    labelled(out, "sharing_trackers", GAUGE, help, "state", &counts);
}

fn counters(out: &mut String, status: &Status) {
    for (name, help, value) in [
        (
            "rounds",
            "Times that what had changed was told and asked.",
            status.rounds(),
        ),
        (
            "batches_sent",
            "Batches of own changes.",
            status.batches_sent.get(),
        ),
        (
            "changes_sent",
            "Changes of own game servers.",
            status.changes_sent.get(),
        ),
        (
            "changes_received",
            "Changes of game servers of other trackers.",
            status.changes_received.get(),
        ),
        (
            "reread",
            "Lists of other trackers that were read as a whole.",
            status.reread.get(),
        ),
        (
            "outages",
            "Times that the list was shared and then was not.",
            status.outages(),
        ),
        (
            "taken_over",
            "Own game servers that lost their address to another tracker's.",
            status.taken_over.get(),
        ),
    ] {
        plain(out, &format!("sharing_{name}_total"), COUNTER, help, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, entries: usize, is_alive: bool) -> OwnerStatus {
        OwnerStatus {
            name: name.into(),
            id: entries as u64,
            entries,
            is_alive,
        }
    }

    #[test]
    fn trackers_of_one_name_add_up() {
        let start = Instant::now();
        let status = Status::new(start);
        status.set_state(State::Sharing, "", start);
        status.set_state(State::Refused, "wrong password", start);
        status.set_entries(4, 6, 2);
        status.set_owners(vec![
            owner("mars", 4, true),
            owner("io", 1, true),
            owner("mars", 5, false),
        ]);
        status.reread.add(3);
        status.round_done(start + Duration::from_millis(500));
        let mut text = String::new();
        write(&mut text, &status, start + Duration::from_millis(1750));
        for line in [
            "gltracker_sharing_up 0",
            "gltracker_sharing_state{state=\"connecting\"} 0",
            "gltracker_sharing_state{state=\"refused\"} 1",
            "gltracker_sharing_lag_seconds 1.250",
            "gltracker_sharing_stale_game_servers 2",
            "gltracker_sharing_entries{tracker=\"io\"} 1",
            "gltracker_sharing_entries{tracker=\"mars\"} 9",
            "gltracker_sharing_trackers{state=\"alive\"} 2",
            "gltracker_sharing_trackers{state=\"away\"} 1",
            "gltracker_sharing_rounds_total 1",
            "gltracker_sharing_reread_total 3",
            "gltracker_sharing_outages_total 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in:\n{text}");
        }
    }
}
