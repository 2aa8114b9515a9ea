//! What the documents say about figures and names is what the program does.

use crate::harness::{Peer, TrackerProcess, command, outcome};
use gltracker::game_server::{Fate, LONGEST_WAIT, Stage, TrackerRefusal};
use gltracker::protocol::argument::{MAX_KEY, MAX_VALUE};
use gltracker::protocol::fields::filter::MAX_CONDITIONS;
use gltracker::protocol::fields::{MAX_FIELDS, MAX_FIELDS_BYTES};
use gltracker::protocol::line::MAX_LINE;
use gltracker::protocol::refusal::ErrorCode;
use gltracker::tracker::access::admission::host_cap;
use gltracker::tracker::access::passwords::MAX_PASSWORD;
use gltracker::tracker::access::rate_limits::{
    CLIENT_RATE, GAME_SERVER_RATE, Penalties, WORK_RATE,
};
use gltracker::tracker::access::slots::Class;
use gltracker::tracker::list::registry::STALE_FOR;
use gltracker::tracker::session::{
    LINES_FOR_SECONDS, LINES_PER_SECOND, LIST_WEIGHT, LOWEST_PORT, MAX_MISTAKES, Timings,
};
use gltracker::tracker::state::sockets::udp_probe::{FOR_OTHERS, PER_HOST, PER_SECOND};
use gltracker::tracker::{DEFAULT_LISTED_PER_HOST, DEFAULT_LISTED_PER_KEY};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn document(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The first and the last cell of the rows of all tables whose head starts with `| first |`.
fn table(document: &str, first: &str) -> Vec<(String, String)> {
    let head = format!("| {first} |");
    let lines: Vec<&str> = document.lines().collect();
    let heads = (0..lines.len()).filter(|&at| lines[at].starts_with(&head));
    let rows = heads.flat_map(|at| {
        let below = lines[at + 2..].iter();
        below.take_while(|line| line.starts_with('|'))
    });
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let last = cells[cells.len() - 2];
        (cells[1].trim_matches('`').to_owned(), last.to_owned())
    })
    .collect()
}

#[test]
fn the_limits_are_the_constants() {
    let timings = Timings::default();
    let seconds = |duration: std::time::Duration| duration.as_secs() as usize;
    let expected = [
        ("bytes in a line, with its LF", MAX_LINE),
        ("bytes in a key", MAX_KEY),
        ("bytes in a value", MAX_VALUE),
        ("bytes in a password", MAX_PASSWORD),
        ("fields of a game server", MAX_FIELDS),
        ("bytes of all fields of a game server", MAX_FIELDS_BYTES),
        ("seconds for a step", seconds(timings.step)),
        (
            "seconds for a step of logging in, in a crowd",
            seconds(timings.login_step_crowded),
        ),
        (
            "seconds for a client's first command, in a crowd",
            seconds(timings.first_command_crowded),
        ),
        (
            "seconds of silence before PING",
            seconds(timings.ping_after),
        ),
        (
            "seconds of silence before the end",
            seconds(timings.drop_after),
        ),
        (
            "seconds to answer the last datagram",
            seconds(timings.proof_answer),
        ),
        (
            "lowest UDP port that is sent datagrams",
            LOWEST_PORT as usize,
        ),
        (
            "seconds that a game server waits before it tries again, at the most",
            seconds(LONGEST_WAIT),
        ),
        (
            "seconds on the list of a tracker that was started again, for one that is not back",
            seconds(STALE_FOR),
        ),
        (
            "lines a second that any peer may send",
            LINES_PER_SECOND as usize,
        ),
        (
            "seconds for which it may send more",
            LINES_FOR_SECONDS as usize,
        ),
        (
            "lines that a LIST or a WATCH counts for",
            LIST_WEIGHT as usize,
        ),
        ("mistakes forgiven on a connection", MAX_MISTAKES as usize),
        (
            "game servers of one host on the list, unless the operator says otherwise",
            DEFAULT_LISTED_PER_HOST,
        ),
        (
            "game servers of one key on the list, unless the operator says otherwise",
            DEFAULT_LISTED_PER_KEY,
        ),
        (
            "connections of one host: game servers logging in",
            host_cap(Class::Pending),
        ),
        ("connections of one host: clients", host_cap(Class::Client)),
        (
            "connections of one host: watchers",
            host_cap(Class::Watcher),
        ),
        ("conditions of a LIST", MAX_CONDITIONS),
        (
            "connections of one host a second: game servers",
            GAME_SERVER_RATE.0 as usize,
        ),
        (
            "connections of one host in a burst: game servers",
            GAME_SERVER_RATE.1 as usize,
        ),
        (
            "connections of one host a second: clients",
            CLIENT_RATE.0 as usize,
        ),
        (
            "connections of one host in a burst: clients",
            CLIENT_RATE.1 as usize,
        ),
        (
            "seconds of penalty for a failed login",
            seconds(Penalties::FAILED_LOGIN),
        ),
        (
            "seconds of penalty for a login that took too long",
            seconds(Penalties::LATE_LOGIN),
        ),
        (
            "seconds of penalty that are forgiven",
            seconds(Penalties::FORGIVEN),
        ),
        ("seconds of penalty at the most", seconds(Penalties::MOST)),
        (
            "datagrams to one host in 10 s, and to all that it names",
            PER_HOST,
        ),
        (
            "datagrams to one host in 10 s that others name, for each of them one",
            FOR_OTHERS,
        ),
        ("datagrams to all hosts in a second", PER_SECOND),
        (
            "seconds until a port is asked again",
            seconds(timings.proof_every),
        ),
        (
            "microseconds a second that the lists of one host may take",
            WORK_RATE.0 as usize,
        ),
        (
            "microseconds in a burst that the lists of one host may take",
            WORK_RATE.1 as usize,
        ),
        (
            "milliseconds between two batches to a watcher",
            timings.batch_gap.as_millis() as usize,
        ),
        (
            "seconds without a batch before an empty END",
            seconds(timings.sign_of_life),
        ),
        ("seconds to take an answer", seconds(timings.write)),
        (
            "bytes of an answer for each second more",
            timings.write_bytes_per_second as usize,
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()));
    assert_eq!(table(&document("PROTOCOL.md"), "limit"), expected);
}

/// However long the tracker was away, nobody who is alive is missing from its list for a moment.
#[test]
fn who_tries_again_as_late_as_may_be_is_still_on_the_list() {
    let attempt = Duration::from_secs(30);
    assert!(LONGEST_WAIT + attempt <= STALE_FOR);
    let script = document("scripts/register.sh");
    let longest = script.split("delay=$((delay < 32 ? delay * 2 : ").nth(1);
    let longest = longest.and_then(|rest| rest.split(')').next()?.parse().ok());
    let longest = longest.expect("register.sh waits twice as long each time, up to its longest");
    assert!(Duration::from_secs(longest) <= LONGEST_WAIT);
    let (kept, soak) = (STALE_FOR.as_secs(), document("scripts/soak.sh"));
    assert!(document("scripts/README.md").contains(&format!("log in again, or for {kept} s: ")));
    assert!(soak.contains(&format!(" gone_after_restart = {kept}000;")));
}

/// The rows below a code without one of their own are for other texts of the same code; the last of
/// them is for all texts that are not named.
#[test]
fn every_code_is_explained_and_no_other() {
    let mut codes: Vec<(String, String)> = Vec::new();
    for (code, what_to_do) in table(&document("PROTOCOL.md"), "code") {
        match codes.last_mut() {
            Some((_, last)) if code.is_empty() => *last = what_to_do,
            _ => codes.push((code, what_to_do)),
        }
    }
    let names: Vec<&str> = codes.iter().map(|(code, _)| &**code).collect();
    assert_eq!(names, ErrorCode::ALL.map(ErrorCode::as_str));
    for (code, (name, what_to_do)) in ErrorCode::ALL.into_iter().zip(&codes) {
        let refusal = TrackerRefusal {
            code: Some(code),
            text: format!("{name} for some reason"),
            stage: Stage::Checking,
        };
        let is_final = refusal.fate() == Fate::GiveUp;
        assert_eq!(is_final, what_to_do == "final", "{name}: {what_to_do}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 250, "README.md has {lines} lines");
}

/// Every Markdown file below `folder`, except what was built.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            return markdown_files(&path);
        }
        let is_markdown = name.ends_with(".md");
        is_markdown.then_some(path).into_iter().collect()
    };
    paths.flat_map(of).collect()
}

/// The lines of a Markdown text that are not code.
fn prose(text: &str) -> Vec<&str> {
    let mut is_fenced = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced && !line.starts_with("    ")
    };
    text.lines().filter(is_prose).collect()
}

/// What a link to each heading of a Markdown text has behind its `#`.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let files = markdown_files(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let prose = prose(&text).join("\n");
        let links = prose.split("](").skip(1);
        let links = links.map(|rest| rest.split(')').next().unwrap_or_default());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.with_file_name(path),
            };
            assert!(target.exists(), "{}: no file {link}", file.display());
            let is_there = anchor.is_empty()
                || anchors(&std::fs::read_to_string(target).unwrap()).contains(&anchor.to_owned());
            assert!(is_there, "{}: no heading {link}", file.display());
        }
    }
}

/// At 200 words a minute.
#[test]
fn it_takes_as_long_to_read_the_protocol_as_it_says() {
    let protocol = document("PROTOCOL.md");
    let minutes = |text: &str| {
        let seen = text.lines().filter(|line| !line.starts_with("<!--"));
        let words: usize = seen.map(|line| line.split_whitespace().count()).sum();
        (words + 100) / 200
    };
    let (first_part, _) = protocol.split_once("\n## Reference\n").unwrap();
    let (all, first) = (minutes(&protocol), minutes(first_part));
    let says = |claim: String| assert!(protocol.contains(&claim), "PROTOCOL.md: {claim}");
    says(format!("This document takes {all} minutes to read."));
    says(format!("its first part, which takes {first} minutes"));
}

/// The flags in the help of the command with these arguments.
fn flags_in_help(arguments: &[&str]) -> Vec<String> {
    let mut command = command();
    command.args(arguments);
    let help = String::from_utf8(outcome(command).stdout).unwrap();
    help.lines()
        .filter_map(|line| line.trim_start().split(' ').next())
        .map(|word| word.trim_end_matches(',').to_owned())
        .filter(|word| word.starts_with("--"))
        .collect()
}

#[test]
fn every_flag_is_explained_and_no_other() {
    let in_table: Vec<String> = table(&document("scripts/README.md"), "flag")
        .into_iter()
        .filter_map(|(flag, _)| flag.split(' ').next().map(str::to_owned))
        .collect();
    assert_eq!(in_table, flags_in_help(&["--help"]));
}

#[test]
fn every_flag_of_the_bridge_is_explained() {
    let document = document("scripts/README.md");
    let (_, section) = document.split_once("\n## The bridge\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let flags = flags_in_help(&["bridge", "--help"]);
    let own = flags
        .iter()
        .filter(|flag| !["--help", "--version"].contains(&flag.as_str()));
    let unknown: Vec<_> = own
        .filter(|flag| !section.contains(&format!("`{flag}")))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_counter_is_explained_and_no_other() {
    let tracker = TrackerProcess::start();
    let stats = Peer::connect(tracker.clients).ask("STATS");
    let keys = stats.split(' ').filter_map(|word| word.split('=').next());
    // What comes before it is the state of now.
    let counters: BTreeSet<&str> = keys.skip_while(|key| *key != "accepted").collect();
    let rows = table(&document("scripts/README.md"), "counter");
    let in_table = rows.iter().flat_map(|(names, _)| names.split("`, `"));
    assert_eq!(in_table.collect::<BTreeSet<&str>>(), counters);
}

/// Under `DynamicUser=` a runtime folder that is preserved is made where only root can look, so no
/// web server would find what is published.
#[test]
fn the_unit_publishes_where_other_services_can_read() {
    let unit = document("scripts/gltracker.service");
    let has = |line: &str| unit.lines().any(|l| l == line);
    assert!(has("DynamicUser=yes") && has("RuntimeDirectory=gltracker"));
    assert!(has("RuntimeDirectoryMode=0755") && has("UMask=0022"));
    assert!(!unit.contains("RuntimeDirectoryPreserve="));
}
