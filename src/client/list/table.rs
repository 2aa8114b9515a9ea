//! The list as columns for people.
//!
//! This file hides what a column shows, and which columns are left out on a narrow terminal. Pure.

use super::found::Row;
use crate::client::ping::Ping;
use crate::client::replica::Doubt;
use crate::client::width::{cut, is_blank, pad, pad_left, plain, width};
use crate::protocol::argument::MAX_VALUE;

/// Shown for an unknown value.
const NOTHING: &str = "-";

/// How many spaces separate two columns.
const GAP: usize = 2;

/// How narrow the name may become before other columns go.
const NARROW_NAME: usize = 24;

/// How narrow it may become when none is left that could go.
const NARROWEST_NAME: usize = 12;

/// A column of the table.
struct Column {
    head: &'static str,
    cell: fn(&Row) -> String,
    is_number: bool,
    /// Columns with the highest value are left out first where there is no room; 0 always stays.
    expendable: u8,
}

const COLUMNS: [Column; 9] = [
    Column {
        head: "NAME",
        cell: name,
        is_number: false,
        expendable: 0,
    },
    Column {
        head: "PLAYERS",
        cell: players,
        is_number: true,
        expendable: 0,
    },
    Column {
        head: "PING",
        cell: |row| row.ping.map_or_else(|| NOTHING.to_owned(), ping),
        is_number: true,
        expendable: 0,
    },
    Column {
        head: "VERSION",
        cell: |row| field(row, "version"),
        is_number: false,
        expendable: 1,
    },
    Column {
        head: "SPEED",
        cell: |row| field(row, "speed"),
        is_number: false,
        expendable: 2,
    },
    Column {
        head: "SIZE",
        cell: |row| field(row, "size"),
        is_number: false,
        expendable: 3,
    },
    Column {
        head: "ERASE",
        cell: |row| field(row, "erase"),
        is_number: false,
        expendable: 4,
    },
    Column {
        head: "ADDRESS",
        cell: |row| row.address.to_string(),
        is_number: false,
        expendable: 0,
    },
    Column {
        head: "DOUBT",
        cell: |row| row.doubt.map_or("", Doubt::word).to_owned(),
        is_number: false,
        expendable: 0,
    },
];

/// The table with its head; empty if there are no rows. There is a column of doubts if there are any.
///
/// On a narrow terminal the name is cut, and then the least important columns are left out. A row takes
/// more than one line only if its address alone is too long.
pub fn table(rows: &[Row], is_pinged: bool, terminal: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let is_doubted = rows.iter().any(|row| row.doubt.is_some());
    let wanted = |column: &&Column| match column.head {
        "PING" => is_pinged,
        "DOUBT" => is_doubted,
        _ => true,
    };
    let mut columns: Vec<(&Column, Vec<String>, usize)> = COLUMNS
        .iter()
        .filter(wanted)
        .map(|column| {
            let cells: Vec<String> = rows.iter().map(column.cell).collect();
            let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0);
            (column, cells, widest.max(column.head.len()))
        })
        .collect();
    if let Some(terminal) = terminal {
        fit(&mut columns, terminal);
    }
    let mut out = String::new();
    let head = columns
        .iter()
        .map(|(column, _, width)| (*column, column.head, *width));
    push_line(&mut out, head);
    for number in 0..rows.len() {
        let cells = columns
            .iter()
            .map(|(column, cells, width)| (*column, cells[number].as_str(), *width));
        push_line(&mut out, cells);
    }
    out
}

/// Makes the columns fit.
fn fit(columns: &mut Vec<(&Column, Vec<String>, usize)>, terminal: usize) {
    loop {
        let all: usize = columns.iter().map(|(_, _, width)| width + GAP).sum();
        let over = (all - GAP).saturating_sub(terminal);
        // The first column is the name, which is always there.
        let name = columns[0].2;
        let least = columns
            .iter()
            .enumerate()
            .filter(|(_, (column, ..))| column.expendable > 0)
            .max_by_key(|(_, (column, ..))| column.expendable)
            .map(|(at, _)| at);
        let narrowest = least.map_or(NARROWEST_NAME, |_| NARROW_NAME);
        let can_give = name.saturating_sub(narrowest);
        match least {
            Some(least) if over > can_give => drop(columns.remove(least)),
            _ => {
                columns[0].2 = name - over.min(can_give);
                return;
            }
        }
    }
}

fn push_line<'a>(out: &mut String, cells: impl Iterator<Item = (&'a Column, &'a str, usize)>) {
    let cells = cells.map(|(column, cell, width)| match column.is_number {
        true => pad_left(&cut(cell, width), width),
        false => pad(&cut(cell, width), width),
    });
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The name of a game server, as in the browser.
fn name(row: &Row) -> String {
    let name = row.name();
    match is_blank(&name) {
        true => row.address.to_string(),
        false => text(&name),
    }
}

fn text(value: &str) -> String {
    match value {
        "" => NOTHING.to_owned(),
        value => plain(value, MAX_VALUE),
    }
}

fn field(row: &Row, key: &str) -> String {
    text(&row.infos.get(key).unwrap_or_default())
}

fn players(row: &Row) -> String {
    let number = |key| row.infos.number(key).map(|number| number.to_string());
    match (number("nbplayers"), number("maxplayers")) {
        (None, None) => NOTHING.to_owned(),
        (Some(players), None) => players,
        (players, Some(most)) => format!("{}/{most}", players.as_deref().unwrap_or(NOTHING)),
    }
}

/// A ping in milliseconds.
pub fn ping(ping: Ping) -> String {
    match ping.mean.map(|mean| mean.as_millis()) {
        None => NOTHING.to_owned(),
        Some(0) => "<1 ms".to_owned(),
        Some(millis) => format!("{millis} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::tests::row;
    use super::*;
    use quickcheck::quickcheck;

    fn rows() -> Vec<Row> {
        let fields = "nbplayers=3 maxplayers=8 version=0.70 speed=fast size=big erase=on";
        vec![
            row(
                23460,
                &format!("{fields} description=\"Friday cycles\""),
                Some(0),
            ),
            row(2, "nbplayers=12 description=金曜日の夜", Some(42)),
            row(3, "maxplayers=4", None),
        ]
    }

    #[test]
    fn columns_stand_below_their_heads() {
        assert_eq!(
            table(&rows(), true, None),
            "\
NAME            PLAYERS   PING  VERSION  SPEED  SIZE  ERASE  ADDRESS
Friday cycles       3/8  <1 ms  0.70     fast   big   on     198.51.100.7:23460
金曜日の夜           12  42 ms  -        -      -     -      198.51.100.7:2
198.51.100.7:3      -/4      -  -        -      -     -      198.51.100.7:3
"
        );
        assert!(!table(&rows(), false, None).contains("PING"));
        assert_eq!(table(&[], true, None), "");
    }

    #[test]
    fn what_speaks_against_a_row_has_a_column_where_something_does() {
        let rows = [row(1, "", Some(3)), row(2, "stale=yes", Some(42))];
        assert_eq!(
            table(&rows, true, Some(60)),
            "\
NAME            PLAYERS   PING  ADDRESS         DOUBT
198.51.100.7:1        -   3 ms  198.51.100.7:1
198.51.100.7:2        -  42 ms  198.51.100.7:2  stale
"
        );
    }

    #[test]
    fn a_name_that_shows_nothing_is_the_address() {
        let row = row(3, "description=\"\u{a0}\u{200b}\"", None);
        let table = table(&[row], false, None);
        let line = table.lines().nth(1).unwrap();
        assert!(line.starts_with("198.51.100.7:3  "), "{table}");
    }

    #[test]
    fn a_narrow_terminal_shows_what_matters_most() {
        let mut rows = rows();
        rows[2]
            .infos
            .set("description", "a name of twenty-six runes")
            .unwrap();
        for (columns, heads, last) in [
            (91, 8, "a name of twenty-six runes "),
            (90, 8, "a name of twenty-six run… "),
            (89, 8, "a name of twenty-six ru… "),
            (88, 7, "a name of twenty-six runes "),
            (71, 5, "a name of twenty-six runes "),
            (69, 5, "a name of twenty-six ru… "),
            (68, 4, "a name of twenty-six runes "),
            (50, 4, "a name of twe… "),
            (10, 4, "a name of t… "),
        ] {
            let table = table(&rows, true, Some(columns));
            let lines: Vec<&str> = table.lines().collect();
            assert_eq!(
                lines[0].split_whitespace().count(),
                heads,
                "{columns}: {table}"
            );
            assert!(lines[3].starts_with(last), "{columns}: {table}");
            let fits = lines.iter().all(|line| width(line) <= columns);
            assert!(fits || columns == 10, "{columns}: {table}");
        }
    }

    #[test]
    fn what_a_value_begins_with_moves_no_column() {
        let rows = [
            row(1, "version=\u{fe0f}1 speed=fast", None),
            row(2, "version=1 speed=\u{fe0f}", None),
        ];
        let table = table(&rows, true, None);
        let lines: Vec<&str> = table.lines().collect();
        let column = |line: &str| width(&line[..line.rfind("  ").unwrap()]);
        assert_eq!(column(lines[1]), column(lines[2]), "{table}");
    }

    quickcheck! {
        fn it_fits_whatever_the_names_are(names: Vec<String>, columns: u8) -> bool {
            let columns = usize::from(columns).max(60);
            let mut rows: Vec<Row> = (1..).zip(&names).map(|(port, _)| row(port, "", Some(9))).collect();
            for (row, name) in rows.iter_mut().zip(&names) {
                // What cannot stand in INFOS does not get here.
                let name: String = name.chars().take(60).collect();
                let _ = row.infos.set("description", &name);
            }
            table(&rows, true, Some(columns)).lines().all(|line| width(line) <= columns)
        }
    }
}
