//! The unit files for systemd, as systemd reads them.

use crate::harness::{gltracker, outcome};
use crate::tools::need;
use std::fs;
use std::process::Command;

const UNITS: [&str; 3] = [
    "gltracker.service",
    "gltracker-clients.socket",
    "gltracker-servers.socket",
];

fn text(unit: &str) -> String {
    let path = format!("{}/scripts/{unit}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

#[test]
fn systemd_knows_all_that_they_say_and_finds_little_to_protect_better() {
    if !need("systemd-analyze") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("gltracker-units-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    for unit in UNITS {
        // A unit is wrong if its program is not there.
        let text = text(unit).replace("/usr/local/bin/gltracker", gltracker());
        fs::write(folder.join(unit), text).unwrap();
    }
    let analyze = |arguments: &[&str], units: &[&str]| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(arguments);
        analyze.args(units.iter().map(|unit| folder.join(unit)));
        let output = outcome(analyze);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    // A word that it does not know is a line that names the unit, and no more.
    let said = analyze(&["verify", "--man=no"], &UNITS);
    assert!(!said.contains("gltracker"), "{said}");
    // 1.1 at the most, of 10.
    analyze(
        &["security", "--offline=true", "--threshold=11"],
        &UNITS[..1],
    );
    fs::remove_dir_all(folder).unwrap();
}

/// The names by which the sockets are handed over stand in two files each.
#[test]
fn the_service_takes_what_the_sockets_give() {
    let service = text(UNITS[0]);
    for (unit, stream) in [(UNITS[1], "Input"), (UNITS[2], "Output")] {
        let socket = text(unit);
        let mut lines = socket.lines();
        let name = lines
            .find_map(|line| line.strip_prefix("FileDescriptorName="))
            .unwrap();
        let taken = format!("\nStandard{stream}=fd:{name}\n");
        assert!(service.contains(&taken), "{taken}");
    }
    let sockets = format!("\nSockets={} {}\n", UNITS[1], UNITS[2]);
    let variables = "\nEnvironment=GLTRACKER_CLIENTS=fd:0 GLTRACKER_SERVERS=fd:1\n";
    assert!(service.contains(&sockets) && service.contains(variables));
}
