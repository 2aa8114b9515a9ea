//! The pages behind the list: one game server with all its fields, and what the keys do.

use super::styled_line::{Line, Style};
use crate::base::time_format::in_units;
use crate::client::browse::model::{Model, Page, Ping, Row};
use crate::client::ping::TOO_LATE;
use crate::client::width::{pad, plain, width, wrap};
use crate::protocol::argument::MAX_VALUE;
use std::time::Duration;

const HELP: &[(&str, &str)] = &[
    ("↑ ↓  k j", "select"),
    (
        "PgUp PgDn",
        "a page up or down; Home, End: the first, the last",
    ),
    (
        "Enter",
        "join: with the line for its game in the file of games, or --exec",
    ),
    ("i", "details: everything it says about itself"),
    (
        "/",
        "search all words in all fields, or key=value; Esc ends the search",
    ),
    (
        "f  F  *",
        "favourite or not, kept; only favourites; favourites first",
    ),
    ("o  O", "order by the next column; the other way round"),
    (
        "n  u  v",
        "hide the empty, the full, other versions; or show them again",
    ),
    ("r", "measure all pings again, and ask a lost tracker now"),
    ("c", "copy the address (terminals that know OSC 52)"),
    ("Ctrl-L", "draw the screen anew"),
    ("q  Esc", "leave"),
];

/// How many columns stand before a value.
const BEFORE_VALUE: usize = 18;

/// What the signs mean.
const SIGNS: &[(&str, &str)] = &[
    ("", ""),
    (
        "ping",
        "the mean of five, in ms, from here; >1000: answers came too late",
    ),
    (
        "…  ?  !",
        "is being measured; does not answer; some probes were lost",
    ),
    ("-", "its game may not answer pings"),
    (
        "~",
        "may not be there: stale, not heard of since its tracker was lost",
    ),
    ("-~", "is not to be pinged; i says why"),
    ("offline", "a favourite that is not on the list"),
    ("dimmed", "~ or ?, too far away, or of another version"),
    (
        "order",
        "ping, players, name, every field that has a column, address",
    ),
];

/// How many columns stand before the meaning of a key.
const BEFORE_MEANING: usize = 14;

/// What the keys and the signs mean.
fn help(columns: usize) -> (String, Vec<String>) {
    let mut texts = Vec::new();
    for (sign, meaning) in HELP.iter().chain(SIGNS) {
        push(&mut texts, BEFORE_MEANING, sign, meaning, columns);
    }
    ("What the keys do".to_owned(), texts)
}

/// Adds a line of two columns, of which the second begins behind `before`, and more lines where that is too
/// long.
fn push(texts: &mut Vec<String>, before: usize, what: &str, value: &str, columns: usize) {
    let mut what = what;
    // What is too long for its column has a line of its own.
    if width(what) > before - 4 {
        texts.push(format!("  {what}"));
        what = "";
    }
    for piece in wrap(value, columns.saturating_sub(before)) {
        texts.push(format!("  {}  {piece}", pad(what, before - 4)));
        what = "";
    }
}

/// Everything about the selected game server.
fn details(model: &Model) -> (String, Vec<String>) {
    let Some(row) = model.selected() else {
        return ("Nothing is selected".to_owned(), Vec::new());
    };
    let mut texts = Vec::new();
    let mut fact =
        |what: &str, value: &str| push(&mut texts, BEFORE_VALUE, what, value, model.size.0);
    fact("address", &row.address.to_string());
    fact("ping", &ping_in_words(row));
    if let Some(twin) = model.twin_row(row) {
        fact(
            "also at",
            &format!("{} ({})", twin.address, ping_in_words(twin)),
        );
    }
    if let Some(why) = model.trouble(row) {
        fact("unavailable", &why);
    }
    fact("favourite", if row.favourite { "yes" } else { "no" });
    fact("", "");
    for (key, value) in row.infos.iter() {
        fact(key, &plain(&value, MAX_VALUE));
    }
    (row.name(), texts)
}

fn ping_in_words(row: &Row) -> String {
    match row.ping {
        _ if row.is_offline => "not on the list".to_owned(),
        _ if row.target.is_none() => "not measured".to_owned(),
        Ping::Waiting => "is being measured".to_owned(),
        Ping::Silent if row.may_not_know_ping() => "its game may not answer pings".to_owned(),
        Ping::Silent => "no answer: UDP may be blocked on the way".to_owned(),
        Ping::Late => format!("over {} ms: answers came too late", TOO_LATE.as_millis()),
        Ping::Answered { mean, lost } => {
            let lost = match lost {
                0 => String::new(),
                1 => ", 1 probe was lost".to_owned(),
                lost => format!(", {lost} probes were lost"),
            };
            let mean = in_units(mean, Duration::from_millis(1), 1);
            format!("{mean} ms{lost}")
        }
    }
}

fn texts(model: &Model) -> (String, Vec<String>) {
    match model.page {
        Page::Help => help(model.size.0),
        _ => details(model),
    }
}

/// How far the page can be scrolled.
pub(crate) fn most_scrolled(model: &Model) -> usize {
    texts(model).1.len().saturating_sub(model.room())
}

/// A title and lines that can be scrolled.
pub(crate) fn page(model: &Model) -> Vec<Line> {
    let columns = model.size.0;
    let (title, texts) = texts(model);
    let first = model.scrolled.min(most_scrolled(model));
    let mut lines = vec![Line::new(Style::Title, &pad(&title, columns), columns)];
    lines.extend(
        texts
            .iter()
            .skip(first)
            .take(model.room())
            .map(|text| Line::new(Style::Plain, text, columns)),
    );
    lines
}
