//! The list for programs.
//!
//! This file hides the shape of the JSON and the TSV. Both are stable: keys and columns may be added
//! at the end. Pure.

use super::found::Row;
use crate::base::time_format::in_units;
use crate::client::ping::Ping;
use crate::client::replica::Doubt;
use crate::protocol::fields::json::{push_infos, push_string};
use crate::protocol::text::is_plain;
use std::time::Duration;

/// The columns of TSV, in their order.
const COLUMNS: [&str; 13] = [
    "description",
    "nbplayers",
    "maxplayers",
    "ping_ms",
    "version",
    "speed",
    "size",
    "erase",
    "address",
    "doubt",
    "game",
    "map",
    "mode",
];

/// An array with an object on a line of its own for each game server:
///
/// - `address`: where players join, as text `ip:port`;
/// - `ping_ms`: the mean of the answered probes, a number, or null if that is not known;
/// - `sent`, `answered`: how many probes there were, 0 if it was not pinged;
/// - `available`: true if it has answered from no further away than 400 ms, null if it was not
///   pinged;
/// - `trackers`: those that list it, as texts `host:port`;
/// - `infos`: an object of all that it says about itself. `port`, `nbplayers`, `maxplayers` and
///   `pingport` are numbers, everything else is text; what it did not say is not there;
/// - `doubt`: the word for what speaks against it ([`Doubt`]), or null;
/// - `fresh`: the keys of `infos` whose values it has told this program itself, as texts: `nbplayers` or
///   none. All others are what the tracker lists;
/// - `late`: true if answers came, and all of them after more than a second, which is no ping;
/// - `also`: another address of the same game server, which is further away, or null.
///
/// What is not plain text is escaped, so that the array can be looked at on a terminal.
pub fn json(rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(object).collect();
    match rows.is_empty() {
        true => "[]\n".to_owned(),
        false => format!("[\n{}\n]\n", rows.join(",\n")),
    }
}

fn object(row: &Row) -> String {
    let ping_ms = ping_ms(row).unwrap_or_else(|| "null".to_owned());
    let ping = row.ping.as_ref();
    let (sent, answered) = ping.map_or((0, 0), |ping| (ping.sent, ping.answered));
    let available = match ping {
        None => "null",
        Some(_) if row.is_available() => "true",
        Some(_) => "false",
    };
    let trackers = row
        .trackers
        .iter()
        .map(|tracker| string(&tracker.to_string()));
    let trackers: Vec<String> = trackers.collect();
    let doubt = row
        .doubt
        .map_or("null".to_owned(), |doubt| string(doubt.word()));
    let late = ping.is_some_and(Ping::is_too_late);
    let also = row.also.map(|also| string(&also.to_string()));
    let also = also.unwrap_or_else(|| "null".to_owned());
    let fresh = if row.has_counted { "\"nbplayers\"" } else { "" };
    let mut infos = String::new();
    push_infos(&mut infos, &row.infos);
    format!(
        "{{\"address\":{},\"ping_ms\":{ping_ms},\"sent\":{sent},\"answered\":{answered},\
         \"available\":{available},\"trackers\":[{}],\"infos\":{infos},\
         \"doubt\":{doubt},\"fresh\":[{fresh}],\"late\":{late},\
         \"also\":{also}}}",
        string(&row.address.to_string()),
        trackers.join(",")
    )
}

/// Milliseconds with three digits behind the point, if they are known.
fn ping_ms(row: &Row) -> Option<String> {
    let mean = row.distance()?;
    Some(in_units(mean, Duration::from_millis(1), 3))
}

/// `text` as JSON.
fn string(text: &str) -> String {
    let mut out = String::new();
    push_string(&mut out, text);
    out
}

/// A line with the names of the columns, and one for each game server. What is not known is
/// empty. In values a backslash is written `\\`, a tab `\t`, a line feed `\n`, a carriage return
/// `\r`, and whatever else is not plain text `\u{…}`.
pub fn tsv(rows: &[Row]) -> String {
    let mut out = COLUMNS.join("\t");
    out.push('\n');
    for row in rows {
        let cells = COLUMNS.map(|column| match column {
            "ping_ms" => ping_ms(row).unwrap_or_default(),
            "address" => row.address.to_string(),
            "doubt" => row.doubt.map_or("", Doubt::word).to_owned(),
            key => cell(&row.infos.get(key).unwrap_or_default()),
        });
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    out
}

/// `text` as a value of TSV.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_plain(c) => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::found::tests::row;
    use super::*;

    #[test]
    fn json_has_a_stable_shape() {
        assert_eq!(json(&[]), "[]\n");
        let fields = "nbplayers=3 erase=on version=0.70 description=\"say \\\"hi\\\" \\\\o/\" x=1";
        let mut unpinged = row(2, "", None);
        unpinged.ping = None;
        let mut stale = row(3, "stale=yes", None);
        stale.ping.as_mut().unwrap().is_late = true;
        let mut fresh = row(1, fields, Some(42));
        fresh.has_counted = true;
        let rows = [fresh, stale, unpinged];
        assert_eq!(
            json(&rows),
            r#"[
{"address":"198.51.100.7:1","ping_ms":42.000,"sent":5,"answered":5,"available":true,"trackers":["tracker.example:23471"],"infos":{"ip":"198.51.100.7","port":1,"nbplayers":3,"version":"0.70","erase":"on","description":"say \"hi\" \\o/","x":"1"},"doubt":null,"fresh":["nbplayers"],"late":false,"also":null},
{"address":"198.51.100.7:3","ping_ms":null,"sent":5,"answered":0,"available":false,"trackers":["tracker.example:23471"],"infos":{"ip":"198.51.100.7","port":3,"stale":"yes"},"doubt":"stale","fresh":[],"late":true,"also":null},
{"address":"198.51.100.7:2","ping_ms":null,"sent":0,"answered":0,"available":null,"trackers":["tracker.example:23471"],"infos":{"ip":"198.51.100.7","port":2},"doubt":null,"fresh":[],"late":false,"also":null}
]
"#
        );
    }

    #[test]
    fn tsv_has_stable_columns_and_one_line_for_each() {
        let rows = [
            row(
                1,
                "nbplayers=3 maxplayers=8 game=xonotic description=\"a b\\\\c\"",
                Some(42),
            ),
            row(2, "version=1 speed=fast size=big erase=off stale=yes", None),
        ];
        assert_eq!(
            tsv(&rows),
            "description\tnbplayers\tmaxplayers\tping_ms\tversion\tspeed\tsize\terase\taddress\tdoubt\t\
             game\tmap\tmode\n\
             a b\\\\c\t3\t8\t42.000\t\t\t\t\t198.51.100.7:1\t\txonotic\t\t\n\
             \t\t\t\t1\tfast\tbig\toff\t198.51.100.7:2\tstale\t\t\t\n"
        );
        assert_eq!(
            cell("a\tb\nc\rd\\e\u{1b}\u{202e}"),
            "a\\tb\\nc\\rd\\\\e\\u{1b}\\u{202e}"
        );
    }
}
