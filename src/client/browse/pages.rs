//! The pages behind the list: one game server with all its fields, and what the keys do.

use super::model::{Model, Ping, Row};
use super::view::{Line, Style, orders};
use crate::client::width::{pad, plain, wrap};
use crate::figures::in_units;
use crate::protocol::argument::MAX_VALUE;
use std::time::Duration;

const HELP: &[(&str, &str)] = &[
    ("↑ ↓  k j", "select"),
    ("PgUp PgDn", "a page up or down"),
    ("Home End", "the first, the last"),
    ("Enter", "join the selected game server"),
    ("i", "details: everything it says about itself"),
    ("/", "search as you type; Esc ends the search"),
    ("f", "favourite, or not any more; kept for the next time"),
    ("o", "order by the next column"),
    ("O", "the other way round"),
    ("n", "hide those without players, or show them again"),
    ("u", "hide those that are full, or show them again"),
    ("v", "hide those of another version (--game-version)"),
    ("r", "measure all pings again, and ask a lost tracker now"),
    ("c", "copy the address (terminals that know OSC 52)"),
    ("Ctrl-L", "draw the screen anew"),
    ("q  Esc", "leave"),
];

/// Columns before a value.
const BEFORE_VALUE: usize = 18;

/// What the keys and the signs mean.
pub(super) fn help(model: &Model) -> Vec<Line> {
    let mut texts = vec![];
    texts.extend(
        HELP.iter()
            .map(|(keys, what)| format!("  {}  {what}", pad(keys, 10))),
    );
    texts.push(String::new());
    texts.push(format!("  The order goes through: {}.", orders()));
    texts.push("  ping: the mean of five, in ms, measured from here".to_owned());
    texts.push("        …  is being measured     ?  does not answer".to_owned());
    texts.push("        !  behind a number: some probes were lost".to_owned());
    texts.push("        ~  it may not be there: stale (not back since its tracker was".to_owned());
    texts.push("           started again), or -~ not to be pinged: i says why".to_owned());
    texts.push("  Dimmed rows are that, too far away, silent, or of another version.".to_owned());
    page(model, "What the keys do", texts)
}

/// Everything about the selected game server.
pub(super) fn details(model: &Model) -> Vec<Line> {
    let Some(row) = model.selected() else {
        return page(model, "Nothing is selected", Vec::new());
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
    page(model, &row.name(), texts)
}

fn ping_in_words(row: &Row) -> String {
    match row.ping {
        _ if row.target.is_none() => "not measured".to_owned(),
        Ping::Waiting => "is being measured".to_owned(),
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

/// A title and lines that can be scrolled.
fn page(model: &Model, title: &str, texts: Vec<String>) -> Vec<Line> {
    let columns = model.size.0;
    let last = texts.len().saturating_sub(model.room());
    let mut lines = vec![Line::new(Style::Title, &pad(title, columns), columns)];
    lines.extend(
        texts
            .iter()
            .skip(model.scrolled.min(last))
            .take(model.room())
            .map(|text| Line::new(Style::Plain, text, columns)),
    );
    lines
}
