//! The pages behind the list: one game server with all its fields, and what the keys do.

use super::styled_line::{Line, Style};
use crate::base::time_format::in_units;
use crate::client::browse::model::{Model, Page, Ping, Row};
use crate::client::width::{pad, plain, wrap};
use crate::protocol::argument::MAX_VALUE;
use std::time::Duration;

const HELP: &[(&str, &str)] = &[
    ("↑ ↓  k j", "select"),
    ("PgUp PgDn", "a page up or down"),
    ("Home End", "the first, the last"),
    (
        "Enter",
        "join: with the line for its game in the file of games, or --exec",
    ),
    ("i", "details: everything it says about itself"),
    ("/", "search as you type; Esc ends the search"),
    ("f", "favourite, or not any more; kept for the next time"),
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
const SIGNS: &str = "
  ping: the mean of what was answered of five, in ms, measured from here
        …  is being measured     ?  does not answer     !  some probes were lost
        ~  may not be there: stale, not back since its tracker was started again
        -  its game may not answer pings    -~ is not to be pinged; i says why
  Dimmed rows are that, too far away, silent, or of another version.
  Order: ping, players, name, every field that has a column, address.";

/// What the keys and the signs mean.
fn help() -> (String, Vec<String>) {
    let keys = HELP.iter();
    let mut texts: Vec<String> = keys
        .map(|(keys, what)| format!("  {}  {what}", pad(keys, 10)))
        .collect();
    texts.extend(SIGNS.lines().map(str::to_owned));
    ("What the keys do".to_owned(), texts)
}

/// Everything about the selected game server.
fn details(model: &Model) -> (String, Vec<String>) {
    let Some(row) = model.selected() else {
        return ("Nothing is selected".to_owned(), Vec::new());
    };
    let mut texts = Vec::new();
    let mut fact = |what: &str, value: &str| {
        let room = model.size.0.saturating_sub(BEFORE_VALUE);
        for (at, piece) in wrap(value, room).into_iter().enumerate() {
            let what = if at == 0 { what } else { "" };
            texts.push(format!("  {}  {piece}", pad(what, BEFORE_VALUE - 4)));
        }
    };
    fact("address", &row.address.to_string());
    fact("ping", &ping_in_words(row));
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
        _ if row.target.is_none() => "not measured".to_owned(),
        Ping::Waiting => "is being measured".to_owned(),
        Ping::Silent if row.may_not_know_ping() => "its game may not answer pings".to_owned(),
        Ping::Silent => "no answer: UDP may be blocked on the way".to_owned(),
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
        Page::Help => help(),
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
