//! Checks one tracker after the other, and prints what comes out.

use super::answer::{advice, in_words};
use super::entries::{of_conditions, of_difference, of_list};
use super::pings::{of_excused, of_pings};
use super::seen::{ask, ping_all};
use crate::client::list::run::Request;
use crate::client::ping::Target;
use crate::client::replica::{Conditions, Doubt, KnownList};
use crate::client::tracker_address::TrackerAddress;
use crate::reach::check::{Report, Step, at_each, find, of_ports};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Instant;

/// The most game servers that are pinged: enough to tell whether pings get through.
const MAX_PINGED: usize = 20;

/// Goes through what a player's program does, and prints to standard output what goes well and what does
/// not, with what to do. True if all is well. It takes 15 s for a tracker at the most.
pub fn check(request: &Request, environment: impl Fn(&str) -> Option<OsString>) -> bool {
    let mut report = Report::new(io::stdout(), environment);
    for tracker in &request.trackers {
        let version = env!("CARGO_PKG_VERSION");
        report.title(&format!(
            "{tracker}, as players see it (gltracker {version}):"
        ));
        check_one(tracker, request, &mut report);
    }
    report.end("All is well.")
}

fn check_one(tracker: &TrackerAddress, request: &Request, report: &mut Report<impl Write>) {
    let (step, addresses) = find(tracker);
    if !report.step(step) {
        return;
    }
    let answers = at_each(&addresses, |address| {
        let start = Instant::now();
        (ask(address), start.elapsed())
    });
    let told = answers
        .iter()
        .map(|(address, (answer, took))| (*address, in_words(answer, *took)));
    let told: Vec<_> = told.collect();
    let last = answers
        .last()
        .and_then(|(_, (answer, _))| answer.as_ref().err());
    let is_here = addresses.iter().all(|address| address.ip().is_loopback());
    let advice = last.map_or(String::new(), |error| advice(error, is_here));
    for step in of_ports(&told, "players", &advice) {
        report.step(step);
    }
    let lists = answers
        .iter()
        .filter_map(|(address, (answer, _))| Some((address.ip(), answer.as_ref().ok()?)));
    let lists: Vec<(IpAddr, &KnownList)> = lists.collect();
    // The first of the longest.
    let longest = lists.iter().rev().max_by_key(|(_, list)| list.len());
    let Some(&(ip, list)) = longest else {
        return;
    };
    if let Some(step) = of_difference(&lists, ip) {
        report.step(step);
    }
    of_list(list)
        .into_iter()
        .for_each(|step| _ = report.step(step));
    if !request.conditions.is_empty() {
        report.step(of_conditions(list, &request.conditions));
    }
    let targets = targets(list, &request.conditions);
    report.step(match request.pings {
        None => Step::aside("Nobody is pinged (--no-ping).", ""),
        Some(_) if targets.is_empty() => Step::aside("There is nobody to ping.", ""),
        Some(_) => {
            let mut pings = ping_all(targets.keys().copied().collect());
            let silent = pings.len();
            pings.retain(|ping| ping.mean.is_some() || targets[&ping.target]);
            match pings.is_empty() {
                true => of_excused(silent),
                false => of_pings(&pings, is_here),
            }
        }
    });
}

/// Who is pinged, and whether silence says something there.
fn targets(list: &KnownList, conditions: &Conditions) -> BTreeMap<Target, bool> {
    let usable = list.iter().filter(|(address, infos)| {
        let doubt = Doubt::of(address.ip(), infos, list.from());
        doubt.is_none_or(Doubt::may_be_used) && conditions.matches(infos)
    });
    let targets = usable.map(|(at, infos)| {
        let is_excused = infos.get("stale").is_some() || infos.may_not_know_ping();
        (Target::of(at, infos), !is_excused)
    });
    let targets: BTreeMap<Target, bool> = targets.collect();
    // Those that ought to answer come first.
    let (these, others): (Vec<_>, Vec<_>) = targets.into_iter().partition(|(_, ought)| *ought);
    these.into_iter().chain(others).take(MAX_PINGED).collect()
}
