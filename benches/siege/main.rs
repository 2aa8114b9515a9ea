//! The siege: a tracker under attack, and what honest players and game servers notice of it.
//!
//! ```text
//! scripts/siege.sh                      every attack for 15 seconds, 8 minutes in all
//! scripts/siege.sh --quick              every attack for one second
//! scripts/siege.sh --only TEXT          only the rows that have this in their name
//! scripts/siege.sh --tracker PROGRAM    another build of the tracker
//! ```
//!
//! The script gives this program a network namespace of its own in which 127.64.0.0/10 has no
//! preferred source address, so that a connection *to* 127.66.3.1 also comes *from* 127.66.3.1:
//! that is how one machine plays hundreds of networks. In IPv6 that takes an address for everybody,
//! which the script makes. All of it is loopback; every attack is bounded in connections a second,
//! in connections held, and in time.
//!
//! The honest population: 20 listed game servers that answer pings, one player who asks LIST 20
//! times a second, and 20 logins a second, from 20 addresses in turn. A try that is not answered
//! as it should be within two seconds has failed. What to look at: the share of tries that
//! succeeded, that nobody fell off the list, and how long the slowest hundredth took beside that
//! of the same tracker when it is left alone.

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

mod attacks;
mod dear;
mod floods;
mod peers;
mod population;
mod report;
#[allow(dead_code, reason = "every bench uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
mod tracker;
mod visitors;
use attacks::{Row, SPARE, Setting, settings};
use peers::{attacker, is_own};
use population::Population;
use report::{HEADER, Seen, observe};
use support::process::open_files;
use support::run::{Length, shortage, value_of};
use tracker::Tracker;
use visitors::Notes;

/// Honest game servers that stay on the list.
pub(crate) const LISTED: u8 = 20;

/// Open files of this program that are no game servers on the list: those of attackers and of
/// everybody else.
const OTHER_FILES: usize = 4_000;

/// Game servers on the longest list, however few files may be open.
const FEWEST: usize = 200;

/// How long all of it takes.
struct Plan {
    /// An attack.
    time: Duration,
    /// The pause before it.
    pause: Duration,
    /// Game servers on the longest list.
    listed: usize,
    /// There are too few tries to say how slow the slowest are.
    is_short: bool,
}

const FULL: Plan = Plan {
    time: Duration::from_secs(15),
    pause: Duration::from_secs(5),
    listed: 5_000,
    is_short: false,
};

const QUICK: Plan = Plan {
    time: Duration::from_secs(1),
    pause: Duration::from_secs(1),
    listed: 1_000,
    is_short: true,
};

fn main() -> ExitCode {
    let plan = match Length::given() {
        Length::Full => FULL,
        Length::Quick => QUICK,
        // cargo test builds it and runs it: then it has nothing to do.
        Length::Smoke => return ExitCode::SUCCESS,
    };
    let is_skipping_wrong = std::env::var_os("GLTRACKER_NO_SKIP").is_some();
    if !has_addresses() {
        println!(
            "SKIPPED: siege needs source addresses of its own; start it with scripts/siege.sh"
        );
        return ExitCode::from(u8::from(is_skipping_wrong));
    }
    let only = value_of("--only").unwrap_or_default();
    let most = open_files().saturating_sub(OTHER_FILES).max(FEWEST);
    let warning = shortage(most, plan.listed);
    let mut table = HEADER.to_owned();
    let mut idle = String::new();
    let (mut is_kept, mut is_whole) = (true, true);
    for mut setting in settings(plan.listed.min(most) as u16) {
        setting.rows.retain(|row| row.name.contains(&only));
        if setting.rows.is_empty() {
            continue;
        }
        let outcome = besiege(&setting, &plan);
        for (row, seen) in &outcome.seen {
            table += &format!("\n{}", seen.row(&row.name, &outcome.idle));
            is_kept &= seen.keeps(row.promised, &outcome.idle, plan.is_short);
        }
        is_whole &= outcome.seen.len() == setting.rows.len();
        let arguments = setting.arguments.join(" ");
        idle += &format!("idle with '{arguments}': {}\n", outcome.idle);
    }
    println!("{warning}{table}\n\n{idle}");
    if !is_kept {
        println!("a promise was not kept");
    }
    ExitCode::from(u8::from(!is_kept || !is_whole && is_skipping_wrong))
}

/// True if a connection to an attacker's address comes from it.
fn has_addresses() -> bool {
    TcpListener::bind("0.0.0.0:0").is_ok_and(|listener| {
        let address = listener.local_addr();
        address.is_ok_and(|address| is_own(attacker(1, 1), address.port()))
    })
}

/// What was seen of one tracker.
struct Outcome<'a> {
    /// Of each row that was not skipped.
    seen: Vec<(&'a Row, Seen)>,
    /// Whenever there was no attack.
    idle: Notes,
}

/// Starts a tracker, and lets all that is to happen to it happen.
fn besiege<'a>(setting: &'a Setting, plan: &Plan) -> Outcome<'a> {
    let tracker = Tracker::start(&setting.arguments);
    let room = tracker
        .slots(["listed"])
        .map_or(0, |[listed]| listed.all as u16);
    let room = room.saturating_sub(u16::from(LISTED) + SPARE);
    let population = Population::start(tracker.ports, setting.trusted.min(room));
    let mut outcome = Outcome {
        seen: Vec::new(),
        idle: Notes::default(),
    };
    // There are to be enough tries to compare with.
    let pause = match setting.rows.len() {
        1 => plan.time,
        _ => plan.pause,
    };
    // What idle means is seen before, between and after the attacks, so that whatever else the
    // machine does meanwhile is in the yardstick as it is in what is measured.
    let rest = |idle: &mut Notes, row: &Row| {
        let quiet = observe(pause, &[], &row.visitors, &tracker, &population).notes;
        let (lists, logins) = (quiet.lists.percent(), quiet.logins.percent());
        if lists < 100.0 || logins < 100.0 {
            println!("beside no attack: LIST {lists:.1} %, login {logins:.1} %");
        }
        idle.lists.extend(quiet.lists);
        idle.logins.extend(quiet.logins);
    };
    for row in &setting.rows {
        let player = row.visitors.player;
        if !is_own(player, tracker.ports.clients) {
            println!("SKIPPED: {}: nobody can connect from {player}", row.name);
            continue;
        }
        eprintln!("{} ...", row.name);
        rest(&mut outcome.idle, row);
        let seen = observe(
            plan.time,
            &row.attacks,
            &row.visitors,
            &tracker,
            &population,
        );
        eprintln!("  {}", seen.notes);
        outcome.seen.push((row, seen));
    }
    if let Some((row, _)) = outcome.seen.last() {
        eprintln!("nothing any more ...");
        rest(&mut outcome.idle, row);
    }
    outcome
}
