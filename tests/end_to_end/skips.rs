//! Tests that lack something here: said at once, and counted for the end of `cargo test`.

use std::fs::File;
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What `tests/skipped.rs` reads: a line for each test and what it lacks, of the latest run.
static RECORD: LazyLock<Mutex<File>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/skipped");
    Mutex::new(File::create(path).expect("the target folder can be written"))
});

/// Says that the test which calls this is skipped because there is no `lacked`. The line goes to the
/// real standard error, which the test runner does not capture.
pub(crate) fn skip(lacked: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let mut record = RECORD.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(record, "{test}\t{lacked}").expect("the target folder can be written");
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {test}: there is no {lacked} (scripts/install-test-tools.sh)"
    );
}

/// A run in which nothing is skipped leaves an empty record.
#[test]
fn every_run_begins_a_record() {
    LazyLock::force(&RECORD);
}
