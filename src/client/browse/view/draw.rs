//! The list, and the whole screen. Pure.
//!
//! This file hides the layout of the list: which columns there is room for, and how wide they are.

use super::styled_line::{Line, Style};
use super::{pages, status};
use crate::base::time_format::in_units;
use crate::client::browse::model::{Connection, Model, Page, Ping, Row};
use crate::client::columns::{ADDRESS, Field, Sort};
use crate::client::ping::TOO_LATE;
use crate::client::width::{cut, pad, plain, width, wrap};
use crate::protocol::argument::MAX_VALUE;
use std::time::{Duration, Instant};

/// The whole screen: exactly as many lines as the terminal has.
pub fn draw(model: &Model, now: Instant) -> Vec<Line> {
    let (columns, lines) = model.size;
    let room = model.room();
    let mut screen = match model.page {
        Page::List | Page::Search => list(model),
        Page::Details | Page::Help => pages::page(model),
    };
    // A long notice covers rows while it is shown, but for the head and the first.
    let mut bottom = status::notice(model, now);
    bottom.truncate(room);
    if bottom.is_empty() {
        bottom.push(status::status(model, now));
    }
    let above = room + 2 - bottom.len();
    screen.resize(above, Line::new(Style::Plain, "", columns));
    screen.append(&mut bottom);
    screen.push(status::keys(model));
    screen.truncate(lines.max(1));
    screen
}

/// A column of the table, and how wide it is.
struct Cell {
    /// `None` for the sign of favourites.
    column: Option<Sort>,
    width: usize,
    /// Columns with the highest value are left out first where there is no room; 0 always stays.
    expendable: u8,
}

impl Cell {
    fn title(&self) -> &str {
        match &self.column {
            None => "★",
            Some(Sort::Ping) => "ping ms",
            Some(column) => column.name(),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self.column, Some(Sort::Players | Sort::Ping))
    }

    fn text(&self, row: &Row) -> String {
        match &self.column {
            None => if row.favourite { "★" } else { "" }.to_owned(),
            Some(Sort::Name) => row.name(),
            Some(Sort::Players) => players(row),
            Some(Sort::Ping) => ping(row),
            Some(Sort::Field(key)) => field(row, key),
            Some(Sort::Address) => row.address.to_string(),
        }
    }
}

fn field(row: &Row, key: &str) -> String {
    row.infos.get(key).unwrap_or_default().into_owned()
}

/// How wide the column of a field is: room for its usual values, or for its name and an arrow.
fn field_width(key: &str) -> usize {
    match key {
        "game" | "map" => 12,
        "speed" | "size" => 7,
        "erase" => 5,
        _ => (key.len() + 1).max(8),
    }
}

/// All columns, from left to right.
fn cells(fields: &[Field]) -> Vec<Cell> {
    let cell = |column, width, expendable| Cell {
        column,
        width,
        expendable,
    };
    let mut cells = vec![
        cell(None, 1, 0),
        cell(Some(Sort::Name), 0, 0),
        cell(Some(Sort::Players), 8, 0),
        cell(Some(Sort::Ping), 8, 0),
    ];
    cells.extend(fields.iter().map(|Field { key, expendable }| {
        let column = Sort::Field(key.clone());
        cell(Some(column), field_width(key), *expendable)
    }));
    cells.push(cell(Some(Sort::Address), 21, ADDRESS));
    cells
}

/// The width of a name below which another column is left out, and the greatest one.
const NAME_WIDTHS: (usize, usize) = (21, 60);

/// The width below which one is left out that the player has asked for.
const NARROWEST_NAME: usize = 12;

fn players(row: &Row) -> String {
    let (now, most) = (field(row, "nbplayers"), field(row, "maxplayers"));
    match (now.as_str(), most.as_str()) {
        ("", "") => "?".to_owned(),
        ("", most) => format!("?/{most}"),
        (now, "") => now.to_owned(),
        (now, most) => format!("{now}/{most}"),
    }
}

/// The ping as it is shown in the table.
pub fn ping(row: &Row) -> String {
    let ping = match row.ping {
        _ if row.is_offline => "offline".to_owned(),
        _ if row.target.is_none() => "-".to_owned(),
        Ping::Waiting => "…".to_owned(),
        Ping::Silent if row.may_not_know_ping() => "-".to_owned(),
        Ping::Silent => "?".to_owned(),
        Ping::Late => format!(">{}", TOO_LATE.as_millis()),
        Ping::Answered { mean, lost } => {
            let digits = u32::from(mean < Duration::from_micros(9950));
            let number = in_units(mean, Duration::from_millis(1), digits);
            // A sign for lost probes.
            format!("{number}{}", if lost > 0 { "!" } else { "" })
        }
    };
    // And one for a doubt.
    format!("{ping}{}", if row.doubt.is_some() { "~" } else { "" })
}

/// The columns that there is room for.
fn layout(columns: usize, model: &Model) -> Vec<Cell> {
    let mut cells = cells(&model.fields);
    let addresses = model.shown().skip(model.top()).take(model.room());
    let longest = addresses.map(|row| row.address.to_string().len()).max();
    let used = |cells: &[Cell]| cells.iter().map(|cell| cell.width + 1).sum::<usize>();
    loop {
        let most = cells.iter().map(|cell| cell.expendable).max();
        let most = most.unwrap_or_default();
        let is_asked_for = model.columns.are_chosen() && most < ADDRESS;
        let narrowest = if is_asked_for {
            NARROWEST_NAME
        } else {
            NAME_WIDTHS.0
        };
        if most == 0 || used(&cells) + narrowest <= columns + 1 {
            break;
        }
        cells.retain(|cell| cell.expendable < most);
    }
    let left = (columns + 1).saturating_sub(used(&cells));
    let mut rest = left.saturating_sub(NAME_WIDTHS.1);
    for cell in &mut cells {
        if cell.column == Some(Sort::Name) {
            cell.width = left.min(NAME_WIDTHS.1);
        } else if cell.column == Some(Sort::Address) {
            // A long address gets the room that names leave.
            let more = longest.unwrap_or_default().saturating_sub(cell.width);
            cell.width += more.min(rest);
            rest -= more.min(rest);
        }
    }
    cells
}

fn list(model: &Model) -> Vec<Line> {
    let columns = model.size.0;
    let cells = layout(columns, model);
    let title = |cell: &Cell| {
        let is_order = cell.column.as_ref() == Some(&model.sort);
        let arrow = match (is_order, model.reversed) {
            (false, _) => "",
            (true, false) => "↓",
            (true, true) => "↑",
        };
        let title = format!("{}{arrow}", cell.title());
        align(&title, cell.width, cell.is_number())
    };
    let head: Vec<String> = cells.iter().map(title).collect();
    let widths: Vec<usize> = cells.iter().map(|cell| cell.width).collect();
    let mut lines = vec![Line::of_cells(Style::Title, &head, &widths, columns)];
    let selected = model.selected().map(|row| row.address);
    for row in model.shown().skip(model.top()).take(model.room()) {
        let texts = cells.iter().map(|cell| {
            let text = plain(&cell.text(row), MAX_VALUE);
            align(&text, cell.width, cell.is_number())
        });
        let texts: Vec<String> = texts.collect();
        let style = match model.trouble(row) {
            _ if selected == Some(row.address) => Style::Selected,
            Some(_) => Style::Dim,
            None => Style::Plain,
        };
        lines.push(Line::of_cells(style, &texts, &widths, columns));
    }
    for text in below(model) {
        lines.push(Line::new(Style::Plain, "", columns));
        let text = plain(&text, usize::MAX);
        let pieces = wrap(&text, columns.saturating_sub(2)).into_iter();
        lines.extend(pieces.map(|piece| Line::new(Style::Plain, &format!("  {piece}"), columns)));
    }
    lines
}

/// What is shown below the rows, or in their place.
fn below(model: &Model) -> Vec<String> {
    let reason = model
        .reason_below()
        .map(|why| format!("no list from {why}"));
    let instead = match (&model.connection, model.count()) {
        _ if model.shown().len() > 0 => None,
        (Connection::Connecting, _) => Some(format!("asking {} …", model.tracker)),
        (Connection::Lost { .. }, 0) => None,
        (_, 0) if model.is_partial => {
            Some("no game server on the list satisfies the conditions".to_owned())
        }
        (_, 0) => Some("there is no game server on the list".to_owned()),
        _ => Some("no game server is shown; the last line but one says what hides them".to_owned()),
    };
    instead.into_iter().chain(reason).collect()
}

/// Text in a column of this width.
fn align(text: &str, columns: usize, is_number: bool) -> String {
    let text = cut(text, columns);
    match is_number {
        true => " ".repeat(columns.saturating_sub(width(&text))) + &text,
        false => pad(&text, columns),
    }
}
