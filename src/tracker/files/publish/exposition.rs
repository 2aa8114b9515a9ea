//! Prometheus' text format.
//!
//! This file hides how a metric is written: announced by what it counts and of which kind it is, and then its
//! samples, one for each value of a label. Pure.

use std::fmt::{Display, Write};

pub(super) const GAUGE: &str = "gauge";
pub(super) const COUNTER: &str = "counter";

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing into a String does not fail.
    let _ = write!(
        out,
        "# HELP gltracker_{name} {help}\n# TYPE gltracker_{name} {kind}\n"
    );
}

/// Writes a metric of one sample.
pub(super) fn plain(out: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "gltracker_{name} {value}");
}

/// Writes a metric with a sample for each value of `label`.
pub(super) fn labelled<T: Display>(
    out: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    label: &str,
    values: &[(&str, T)],
) {
    head(out, name, kind, help);
    for (which, value) in values {
        let which = escaped(which);
        let _ = writeln!(out, "gltracker_{name}{{{label}=\"{which}\"}} {value}");
    }
}

/// The value of a label as it stands in quotes.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_label_ends_its_sample() {
        let mut text = String::new();
        let values = [("a\"} 1\nb\\", 2), ("c", 3)];
        labelled(&mut text, "x", GAUGE, "Some.", "of", &values);
        let written = "# HELP gltracker_x Some.\n# TYPE gltracker_x gauge\n\
                       gltracker_x{of=\"a\\\"} 1\\nb\\\\\"} 2\ngltracker_x{of=\"c\"} 3\n";
        assert_eq!(text, written);
    }
}
