//! Ends the tests with one line: how many of them were skipped, and what they lacked.
//!
//! Cargo runs this program after `end_to_end`, which leaves the record.

use std::collections::{BTreeMap, BTreeSet};

fn main() {
    // With arguments only some of the tests were run, or none and they are listed.
    if std::env::args().len() > 1 {
        return;
    }
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    let record = std::fs::read_to_string(path).unwrap_or_default();
    println!("\n{}\n", summary(&record));
}

/// `record` has a line for each test and each thing that it lacked, with a tab between them.
fn summary(record: &str) -> String {
    let mut tests = BTreeSet::new();
    let mut lacking: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (test, lacked) in record.lines().filter_map(|line| line.split_once('\t')) {
        tests.insert(test);
        lacking.entry(lacked).or_default().insert(test);
    }
    if tests.is_empty() {
        return "skipped: 0 tests, nothing was missing".to_owned();
    }
    let missing: Vec<String> = lacking
        .iter()
        .map(|(lacked, tests)| format!("{lacked} ({})", tests.len()))
        .collect();
    format!(
        "skipped: {} tests, in whole or in part, for want of {}; scripts/install-test-tools.sh installs programs",
        tests.len(),
        missing.join(", ")
    )
}
