//! One line of the log: `key=value` for each field. What peers typed is spelled out, so that it is always
//! one line of plain text.

use super::time::push_time;
use crate::protocol::argument::push_value;
use crate::protocol::text::spelled_out;
use std::fmt::{Display, Write};
use std::time::SystemTime;

/// The longest value shown, in characters.
const MAX_SHOWN: usize = 300;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody should do something.
    Error,
    /// Somebody should know.
    Warn,
    /// The life of the tracker.
    Info,
    /// Every connection.
    Debug,
}

impl Level {
    /// All levels with their names, the weightiest first.
    pub(crate) const ALL: [(&str, Self); 4] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
    ];

    fn as_str(self) -> &'static str {
        // ALL lists the variants in their order, so the discriminant is the index.
        Self::ALL[self as usize].0
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, level)| *level)
            .ok_or_else(|| format!("'{text}' is not a level; write error, warn, info or debug"))
    }
}

/// The line of one event, with its LF.
pub(super) fn format_line(
    time: SystemTime,
    level: Level,
    event: &str,
    fields: &[(&str, &dyn Display)],
) -> String {
    let mut line = String::with_capacity(160);
    line.push_str("time=");
    push_time(&mut line, time);
    // Writing into a String does not fail.
    let _ = write!(line, " level={} event={event}", level.as_str());
    let mut text = String::with_capacity(64);
    for (key, value) in fields {
        line.push(' ');
        line.push_str(key);
        line.push('=');
        text.clear();
        let _ = write!(text, "{value}");
        push_value(&mut line, &spelled_out(&text, MAX_SHOWN));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn what_peers_typed_stays_one_plain_line() {
        let line = format_line(
            UNIX_EPOCH,
            Level::Warn,
            "closed",
            &[
                ("peer", &"192.0.2.1:5"),
                ("line", &"a\nlevel=error \u{1b}[2J \"q\" \u{202e}"),
            ],
        );
        assert_eq!(
            line,
            "time=1970-01-01T00:00:00.000Z level=warn event=closed peer=192.0.2.1:5 \
             line=\"a\\\\u{a}level=error \\\\u{1b}[2J \\\"q\\\" \\\\u{202e}\"\n"
        );
    }
}
