//! The list as columns for people.
//!
//! This file hides what a column shows, and which columns are left out on a narrow terminal. Pure.

use super::found::Row;
use crate::client::columns::{Columns, Field};
use crate::client::ping::{Ping, TOO_LATE};
use crate::client::replica::Doubt;
use crate::client::width::{cut, is_blank, pad, pad_left, plain, width};
use crate::protocol::argument::MAX_VALUE;

/// Shown for an unknown value.
const NOTHING: &str = "-";

/// How many spaces separate two columns.
const GAP: usize = 2;

/// How narrow the name may become before other columns go.
const NARROW_NAME: usize = 24;

/// How narrow it may become when none is left that could go, or only what the player has asked for.
const NARROWEST_NAME: usize = 12;

/// The widest column of a field where there is no room for all, but for one whose name is wider. What
/// programs say of themselves may be long.
const WIDEST_FIELD: usize = 16;

/// A column of the table.
struct Column {
    head: String,
    cells: Vec<String>,
    width: usize,
    is_number: bool,
    /// Columns with the highest value are left out first where there is no room; 0 always stays.
    expendable: u8,
}

impl Column {
    fn new(head: &str, rows: &[Row], cell: impl Fn(&Row) -> String) -> Self {
        let cells: Vec<String> = rows.iter().map(cell).collect();
        let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0);
        Self {
            head: head.to_owned(),
            width: widest.max(head.len()),
            cells,
            is_number: false,
            expendable: 0,
        }
    }

    fn of_numbers(self) -> Self {
        Self {
            is_number: true,
            ..self
        }
    }
}

/// The table with its head; empty if there are no rows. There is a column of doubts if there are any.
///
/// On a narrow terminal the name is cut, and then the least important columns are left out. A row takes
/// more than one line only if its address alone is too long.
pub fn table(rows: &[Row], wanted: &Columns, is_pinged: bool, terminal: Option<usize>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut columns = all_columns(rows, wanted, is_pinged);
    if let Some(terminal) = terminal {
        fit(&mut columns, terminal, wanted.are_chosen());
    }
    let mut out = String::new();
    push_line(&mut out, &columns, |column| &column.head);
    for number in 0..rows.len() {
        push_line(&mut out, &columns, |column| &column.cells[number]);
    }
    out
}

fn all_columns(rows: &[Row], wanted: &Columns, is_pinged: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::new("NAME", rows, name),
        Column::new("PLAYERS", rows, players).of_numbers(),
    ];
    if is_pinged {
        columns.push(Column::new("PING", rows, shown_ping).of_numbers());
    }
    let fields = wanted.of(rows.iter().map(|row| &row.infos));
    columns.extend(fields.iter().map(|Field { key, expendable }| Column {
        expendable: *expendable,
        ..Column::new(&key.to_uppercase(), rows, |row| field(row, key))
    }));
    columns.push(Column::new("ADDRESS", rows, address));
    if rows.iter().any(|row| row.doubt.is_some()) {
        let doubt = |row: &Row| row.doubt.map_or("", Doubt::word).to_owned();
        columns.push(Column::new("DOUBT", rows, doubt));
    }
    columns
}

/// Makes the columns fit. What the player has asked for goes after all that the name can give.
fn fit(columns: &mut Vec<Column>, terminal: usize, are_asked_for: bool) {
    let over = |columns: &[Column]| {
        let all: usize = columns.iter().map(|column| column.width + GAP).sum();
        (all - GAP).saturating_sub(terminal)
    };
    if over(columns) == 0 {
        return;
    }
    for column in columns.iter_mut().filter(|column| column.expendable > 0) {
        column.width = column.width.min(WIDEST_FIELD.max(column.head.len()));
    }
    loop {
        let over = over(columns);
        // The first column is the name, which is always there.
        let name = columns[0].width;
        let least = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.expendable > 0)
            .max_by_key(|(_, column)| column.expendable)
            .map(|(at, _)| at);
        let narrowest = match least {
            Some(_) if !are_asked_for => NARROW_NAME,
            _ => NARROWEST_NAME,
        };
        let can_give = name.saturating_sub(narrowest);
        match least {
            Some(least) if over > can_give => drop(columns.remove(least)),
            _ => {
                columns[0].width = name - over.min(can_give);
                return;
            }
        }
    }
}

fn push_line(out: &mut String, columns: &[Column], cell: impl Fn(&Column) -> &String) {
    let cells = columns.iter().map(|column| {
        let (cell, width) = (cut(cell(column), column.width), column.width);
        match column.is_number {
            true => pad_left(&cell, width),
            false => pad(&cell, width),
        }
    });
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The address, with a `+1` if the game server has another one.
fn address(row: &Row) -> String {
    let also = if row.also.is_some() { " +1" } else { "" };
    format!("{}{also}", row.address)
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

fn shown_ping(row: &Row) -> String {
    row.ping.as_ref().map_or_else(|| NOTHING.to_owned(), ping)
}

/// A ping in milliseconds, with a sign if some probes were lost.
pub fn ping(ping: &Ping) -> String {
    let lost = if ping.lost() > 0 { "!" } else { "" };
    match ping.mean.map(|mean| mean.as_millis()) {
        None if ping.is_late => format!(">{} ms", TOO_LATE.as_millis()),
        None => NOTHING.to_owned(),
        Some(0) => format!("<1 ms{lost}"),
        Some(millis) => format!("{millis} ms{lost}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::tests::row;
    use super::*;
    use quickcheck::quickcheck;

    fn shown(rows: &[Row], is_pinged: bool, terminal: Option<usize>) -> String {
        table(rows, &Columns::default(), is_pinged, terminal)
    }

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
            shown(&rows(), true, None),
            "\
NAME            PLAYERS   PING  VERSION  SPEED  SIZE  ERASE  ADDRESS
Friday cycles       3/8  <1 ms  0.70     fast   big   on     198.51.100.7:23460
金曜日の夜           12  42 ms  -        -      -     -      198.51.100.7:2
198.51.100.7:3      -/4      -  -        -      -     -      198.51.100.7:3
"
        );
        assert!(!shown(&rows(), false, None).contains("PING"));
        assert_eq!(shown(&[], true, None), "");
    }

    #[test]
    fn lost_probes_have_a_sign_and_late_ones_are_no_silence() {
        let mut rows = [
            row(1, "", Some(42)),
            row(2, "", None),
            row(3, "query=quake3", Some(7)),
        ];
        rows[0].ping.as_mut().unwrap().answered = 4;
        rows[1].ping.as_mut().unwrap().is_late = true;
        rows[2].ping.as_mut().unwrap().answered = 1;
        let pings: Vec<String> = rows.iter().map(shown_ping).collect();
        assert_eq!(pings, ["42 ms!", ">1000 ms", "7 ms"]);
    }

    #[test]
    fn what_speaks_against_a_row_has_a_column_where_something_does() {
        let rows = [row(1, "", Some(3)), row(2, "stale=yes", Some(42))];
        assert_eq!(
            shown(&rows, true, Some(60)),
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
        let table = shown(&[row], false, None);
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
            let table = shown(&rows, true, Some(columns));
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
    fn columns_are_those_that_are_there_or_those_that_are_wanted() {
        let rows = [
            row(1, "game=xonotic map=stormkeep nbplayers=3 zone=eu", Some(7)),
            row(2, "version=0.70 speed=fast", Some(9)),
        ];
        let head = |terminal, columns: &Columns| -> String {
            let table = table(&rows, columns, true, terminal);
            let head = table.lines().next().unwrap().split_whitespace();
            head.skip(3).collect::<Vec<_>>().join(" ")
        };
        let any = Columns::default();
        assert_eq!(head(None, &any), "GAME MAP VERSION SPEED ADDRESS");
        assert_eq!(head(Some(80), &any), "GAME MAP VERSION ADDRESS");
        assert_eq!(head(Some(67), &any), "GAME VERSION ADDRESS");
        assert_eq!(head(Some(56), &any), "GAME ADDRESS");
        let chosen = Columns::parse("zone,nbplayers,game").unwrap();
        assert_eq!(head(None, &chosen), "ZONE NBPLAYERS GAME ADDRESS");
        assert_eq!(head(Some(71), &chosen), "ZONE NBPLAYERS GAME ADDRESS");
        assert_eq!(head(Some(69), &chosen), "ZONE NBPLAYERS GAME ADDRESS");
        assert_eq!(head(Some(68), &chosen), "ZONE NBPLAYERS ADDRESS");
    }

    #[test]
    fn a_long_value_costs_no_other_column() {
        let long = format!("version={} size=big", "x".repeat(42));
        let rows = [row(1, &long, Some(7))];
        let shown = |columns| shown(&rows, true, columns);
        let narrow = shown(Some(80));
        assert!(narrow.contains("xx…  big   198.51.100.7:1\n"), "{narrow}");
        assert!(narrow.lines().all(|line| width(line) <= 80), "{narrow}");
        assert_eq!(shown(Some(200)), shown(None), "there is room for all of it");
    }

    #[test]
    fn what_a_value_begins_with_moves_no_column() {
        let rows = [
            row(1, "version=\u{fe0f}1 speed=fast", None),
            row(2, "version=1 speed=\u{fe0f}", None),
        ];
        let table = shown(&rows, true, None);
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
            shown(&rows, true, Some(columns)).lines().all(|line| width(line) <= columns)
        }
    }
}
