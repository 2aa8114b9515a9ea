//! The two lines at the bottom: the status, and what the keys do. Pure.
//!
//! This file hides what is shortened and what is left out where there is no room.

use super::styled_line::{Line, Style};
use crate::client::browse::model::{Connection, Model, Page};
use crate::client::width::{cut, cut_start, plain, width, wrap};
use std::time::{Duration, Instant};

/// How long a notice is shown in place of the status.
const NOTICE_TIME: Duration = Duration::from_secs(5);

/// The least columns for a reason; less of it would say nothing.
const MIN_REASON_COLUMNS: usize = 20;

/// One part of a line, in several wordings, the longest first.
struct Part(Vec<String>);

impl Part {
    fn text(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Changes to a shorter wording, if there is one.
    fn shorten(&mut self) {
        if self.0.len() > 1 {
            self.0.remove(0);
        }
    }
}

/// The notice in as many lines as it needs; none if there is none.
pub(crate) fn notice(model: &Model, now: Instant) -> Vec<Line> {
    let is_shown = |at: Instant| now < at + NOTICE_TIME && model.page != Page::Search;
    match &model.notice {
        Some((notice, at)) if is_shown(*at) => {
            let notice = plain(notice, usize::MAX);
            let pieces = wrap(&notice, model.size.0).into_iter();
            let line = |piece| Line::new(Style::Warning, piece, model.size.0);
            pieces.map(line).collect()
        }
        _ => Vec::new(),
    }
}

/// How many game servers are shown, of which trackers, how old that is, and what hides others.
pub(crate) fn status(model: &Model, now: Instant) -> Line {
    let columns = model.size.0;
    if model.page == Page::Search {
        // What is typed is seen, however long it is, and the keys where there is room.
        let room = columns.saturating_sub(width("search: ▏"));
        let mut text = format!("search: {}▏", cut_start(&model.search, room));
        let keys = " Enter keeps it, Esc shows all again";
        if width(&text) + width(keys) <= columns {
            text.push_str(keys);
        }
        return Line::new(Style::Status, &text, columns);
    }
    let (connection, why) = connection(model);
    let mut parts = [
        count(model),
        Part(vec![model.tracker.clone(), String::new()]),
        age(model, now),
        connection,
        hiding(model),
    ];
    let trouble = model.selected().and_then(|row| model.trouble(row));
    let trouble = trouble.map(|why| format!("selected: {why}"));
    let reasons: Vec<String> = why.into_iter().chain(trouble).collect();
    // Who was asked is known to the player, and gives way to reasons.
    if width(&join(&parts)) + reasons.iter().map(|why| width(why) + 2).sum::<usize>() > columns {
        parts[1].shorten();
    }
    // The names of the filters give way last: a list that hides something looks like a short one.
    for part in [4, 3, 2, 0, 2, 4, 4] {
        if width(&join(&parts)) > columns {
            parts[part].shorten();
        }
    }
    let mut text = join(&parts);
    // What strangers wrote gets what is left.
    for reason in reasons {
        let left = columns.saturating_sub(width(&text) + 2);
        if left >= width(&reason).min(MIN_REASON_COLUMNS) {
            text = format!("{text}, {}", cut(&reason, left));
        }
    }
    let style = match model.connection {
        Connection::Lost { .. } => Style::Warning,
        _ => Style::Status,
    };
    Line::new(style, &text, columns)
}

fn join(parts: &[Part]) -> String {
    let texts = parts.iter().map(Part::text).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join(", ")
}

fn count(model: &Model) -> Part {
    let offline = model.shown().filter(|row| row.is_offline).count();
    let short = format!("{} of {}", model.shown().len() - offline, model.count());
    let long = match offline {
        0 => format!("{short} servers"),
        _ => format!("{short} servers, {offline} offline"),
    };
    Part(vec![long, short])
}

fn age(model: &Model, now: Instant) -> Part {
    let Some(at) = model.updated else {
        return Part(Vec::new());
    };
    let seconds = now.saturating_duration_since(at).as_secs();
    let short = format!("{seconds} s ago");
    Part(vec![format!("updated {short}"), short, String::new()])
}

/// The state of the connection, and the reason for it.
fn connection(model: &Model) -> (Part, Option<String>) {
    let forms = |forms: [&str; 2]| Part(forms.map(str::to_owned).to_vec());
    match &model.connection {
        Connection::Lost {
            why,
            is_retried,
            was_heard,
        } => {
            let part = match (is_retried, was_heard) {
                (true, true) => forms(["LOST, trying again", "LOST"]),
                (true, false) => forms(["NO LIST, trying again", "NO LIST"]),
                (false, _) => forms(["REFUSED, r asks again", "REFUSED (r)"]),
            };
            let is_below = model.reason_below().is_some();
            (part, (!is_below).then(|| why.clone()))
        }
        Connection::Connecting if model.updated.is_some() => (forms(["asking again", ""]), None),
        _ => (Part(Vec::new()), None),
    }
}

/// The filters that hide game servers, and the keys that show them again.
fn hiding(model: &Model) -> Part {
    let searched = format!("search \"{}\"", model.search);
    let filters = [
        (model.hidden.empty, "empty", "n"),
        (model.hidden.full, "full", "u"),
        (model.hidden.other_versions, "other versions", "v"),
        (model.hidden.others, "all but favourites", "F"),
        (!model.search.is_empty(), "search", "Esc"),
    ];
    let on = || filters.iter().filter(|(is_on, ..)| *is_on);
    if on().next().is_none() {
        return Part(Vec::new());
    }
    let with = |search: &str| {
        let names = on().map(|(_, name, key)| match *name {
            "search" => format!("{search} ({key})"),
            name => format!("{name} ({key})"),
        });
        format!("hiding: {}", names.collect::<Vec<_>>().join(" "))
    };
    let keys: Vec<&str> = on().map(|(_, _, key)| *key).collect();
    let keys = keys.join(" ");
    Part(vec![
        with(&searched),
        with("search"),
        format!("hiding ({keys})"),
        keys,
    ])
}

/// The key that leads to all others.
const HELP: &str = "? help";

/// The key that leads back to the list.
const BACK: &str = "Esc back";

/// The keys that matter, as far as there is room.
pub(crate) fn keys(model: &Model) -> Line {
    let columns = model.size.0;
    let enter = if model.joins {
        "Enter join"
    } else {
        "Enter pick"
    };
    let keys: &[&str] = match model.page {
        Page::List | Page::Search => &[
            enter,
            "↑↓ select",
            "/ search",
            "i details",
            HELP,
            "q quit",
            "o order",
            "n not empty",
            "u not full",
            "f favourite",
            "F only favourites",
            "r ping again",
            "c copy address",
        ],
        Page::Details => &[
            enter,
            "f favourite",
            "c copy address",
            "↑↓ scroll",
            BACK,
            HELP,
        ],
        Page::Help => &["↑↓ scroll", BACK],
    };
    let leads_on = match model.page {
        Page::List | Page::Search => HELP,
        Page::Details | Page::Help => BACK,
    };
    Line::new(
        Style::Dim,
        &as_many_as_fit(keys, leads_on, columns),
        columns,
    )
}

/// The first and the one that leads on, and then one after the other while there is room.
fn as_many_as_fit(keys: &[&str], leads_on: &str, columns: usize) -> String {
    let second = keys.iter().position(|key| *key == leads_on).unwrap_or(0);
    let others = (0..keys.len()).filter(|place| *place != 0 && *place != second);
    let mut shown = String::new();
    let mut places = Vec::new();
    for place in [0, second].into_iter().chain(others) {
        places.push(place);
        places.sort_unstable();
        places.dedup();
        let longer: Vec<&str> = places.iter().map(|place| keys[*place]).collect();
        let longer = longer.join("  ");
        if width(&longer) > columns {
            break;
        }
        shown = longer;
    }
    shown
}

#[cfg(test)]
mod tests;
