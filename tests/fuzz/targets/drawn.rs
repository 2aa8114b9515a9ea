//! What `browse` and `list` draw, of any list at any size.
//!
//! A step is a line: `+<fields>` lists one more game server, `-` nobody any more, `k<bytes>` presses
//! keys, `s<columns> <lines>` the terminal has this size, `p<n>` the last one answers pings after n
//! tenths of a millisecond, `?` it is silent, `n<text>` a notice, `l<text>` the tracker is lost, `v<text>` the
//! version of the player's game, `c<keys>` the columns that are wanted, `t<text>` the name of the tracker,
//! `@<n>` n seconds pass.
#![no_main]

use gltracker::client::Doubt;
use gltracker::client::browse::favourites::Favourites;
use gltracker::client::browse::keyboard::next_key;
use gltracker::client::browse::model::{Event, Listed, Model};
use gltracker::client::browse::terminal::screen::Screen;
use gltracker::client::browse::view::draw;
use gltracker::client::columns::{Columns, Sort};
use gltracker::client::list::export::{json, tsv};
use gltracker::client::list::found::{Findings, Row};
use gltracker::client::list::table::{ping, table};
use gltracker::client::ping;
use gltracker::client::width::width;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::query::Status;
use gltracker_fuzz::checks::is_plain;
use gltracker_fuzz::script::{grown, number, steps};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The largest terminal.
const LARGEST: (u64, u64) = (400, 60);

/// Game servers on the list.
const MOST: usize = 40;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let mut model = Model::new("tracker.example".to_owned(), None, Favourites::at(None));
    let (mut screen, mut now) = (Screen::default(), Instant::now());
    let mut list: Vec<Listed> = Vec::new();
    let mut pings: Vec<ping::Ping> = Vec::new();
    for (step, rest) in steps(data) {
        let text = || String::from_utf8_lossy(rest).into_owned();
        let event = match step {
            b'+' if list.len() < MOST => {
                list.extend(entry(&text(), list.len() as u16));
                Some(Event::List(list.clone()))
            }
            b'-' => {
                list.clear();
                Some(Event::List(Vec::new()))
            }
            b'p' | b'?' => list.last().map(|(address, infos, _)| {
                let target = ping::Target::of(*address, infos);
                let tenths = number(rest, u64::MAX / 1000);
                let mean = (step == b'p').then(|| Duration::from_micros(100 * tenths));
                let players = u16::try_from(tenths).ok();
                let status = Status {
                    players,
                    map: players.map(|_| text()),
                    ..Status::default()
                };
                let ping = ping::Ping {
                    target,
                    mean,
                    sent: 5,
                    answered: 5 - (tenths % 3) as u32,
                    is_late: tenths % 7 == 0,
                    status: Some(Box::new(status)),
                };
                pings.push(ping.clone());
                Event::Ping(ping)
            }),
            b's' => {
                let space = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
                let lines = number(rest.get(space + 1..).unwrap_or_default(), LARGEST.1);
                Some(Event::Size(
                    number(rest, LARGEST.0) as usize,
                    lines as usize,
                ))
            }
            b'k' => {
                press(&mut model, rest, now);
                None
            }
            b'n' => Some(Event::Notice(text())),
            b'l' => Some(Event::Lost {
                why: text(),
                is_retried: rest.len() % 2 == 0,
                was_heard: rest.len() % 3 == 0,
            }),
            b'v' => {
                model.game_version = Some(text());
                None
            }
            b'c' => {
                model.columns = Columns::parse(&text()).unwrap_or_default();
                None
            }
            b't' => {
                model.tracker = text();
                None
            }
            b'@' => {
                now += Duration::from_secs(number(rest, 100_000));
                None
            }
            _ => continue,
        };
        if let Some(event) = event {
            model.on_event(event, now);
        }
        model.settle();
        draw_browser(&model, &mut screen, now);
    }
    print_list(&list, &pings, &model.columns, model.size.0);
});

/// A game server with an address of its own.
fn entry(text: &str, n: u16) -> Option<Listed> {
    let mut infos = Infos::default().with(&Changes::parse(text).ok()?);
    let ip = match n % 4 {
        0 => "198.51.100.7",
        1 => "2001:db8:1234:5678:9abc:def0:1234:5678",
        2 => "127.0.0.1",
        _ => "224.0.0.1",
    };
    infos.set("ip", ip).ok()?;
    infos.set("port", &(65_000 + n).to_string()).ok()?;
    let ip = ip.parse().ok()?;
    let doubt = Doubt::of(ip, &infos, None);
    Some((SocketAddr::new(ip, 65_000 + n), infos, doubt))
}

fn press(model: &mut Model, mut bytes: &[u8], now: Instant) {
    while let Some((key, used)) = next_key(bytes, true) {
        assert!((1..=bytes.len()).contains(&used));
        bytes = &bytes[used..];
        if let Some(key) = key {
            // What is to be done then is not done here.
            let _ = model.on_event(Event::Key(key), now);
        }
    }
}

/// Checks the screen: as many lines as there are, none wider than the screen, all of them plain.
fn draw_browser(model: &Model, screen: &mut Screen, now: Instant) {
    let (columns, lines) = model.size;
    let drawn = draw(model, now);
    assert_eq!(drawn.len(), lines.max(1));
    for line in &drawn {
        assert!(
            line.text.chars().all(is_plain),
            "not plain: {:?}",
            line.text
        );
        let width = width(&line.text);
        assert!(
            width <= columns,
            "{width} of {columns} columns: {}",
            line.text
        );
    }
    let is_shown = model.selected().is_none_or(|selected| {
        let shown = model.shown().skip(model.top()).take(model.room());
        shown.into_iter().any(|row| row.address == selected.address)
    });
    assert!(is_shown, "what is selected is out of sight");
    let bytes = screen.show(drawn, columns % 2 == 0, now);
    for piece in bytes.split('\x1b').skip(1) {
        // A sequence is a bracket, digits and semicolons, and a letter.
        let text = piece.strip_prefix('[').expect("a sequence");
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        assert!(text.starts_with(['m', 'G', 'H', 'J', 'K']), "{piece:?}");
        assert!(text.chars().all(is_plain), "not plain: {piece:?}");
    }
}

/// Checks what `list` prints in every format.
fn print_list(list: &[Listed], pings: &[ping::Ping], wanted: &Columns, columns: usize) {
    let trackers = ["tracker.example".parse().expect("an address")];
    for (sort, is_pinged) in [
        (Sort::Ping, true),
        (Sort::Players, false),
        (Sort::Name, true),
    ] {
        let mut findings = Findings::new(&trackers);
        for (address, infos, _) in list {
            findings.found(0, None, *address, infos);
        }
        pings.iter().for_each(|ping| findings.pinged(ping.clone()));
        let rows = findings.sorted(&sort, is_pinged);
        let twins = rows.iter().filter(|row| row.also.is_some()).count();
        assert_eq!(rows.len() + twins, list.len());
        fits(&rows, wanted, is_pinged, columns);
        let tsv = tsv(&rows);
        assert!(tsv.chars().all(|c| is_plain(c) || matches!(c, '\t' | '\n')));
        assert_eq!(tsv.lines().count(), 1 + rows.len());
        assert!(
            tsv.lines().all(|line| line.split('\t').count() == 13),
            "{tsv:?}"
        );
        let json = json(&rows);
        assert!(json.chars().all(|c| is_plain(c) || c == '\n'), "{json:?}");
        let expected = if rows.is_empty() { 1 } else { 2 + rows.len() };
        assert_eq!(json.lines().count(), expected);
    }
}

/// Checks the table: no line is wider than the terminal, unless what is never left out is.
fn fits(rows: &[Row], wanted: &Columns, is_pinged: bool, columns: usize) {
    let table = table(rows, wanted, is_pinged, Some(columns));
    assert_eq!(
        table.lines().count(),
        if rows.is_empty() { 0 } else { 1 + rows.len() }
    );
    let address = rows.iter().map(|row| row.address.to_string().len()).max();
    let pings = rows
        .iter()
        .filter_map(|row| Some(ping(row.ping.as_ref()?).len()))
        .max();
    let (name, players) = (12, "65535/65535".len());
    let doubt = "invalid".len();
    let least = name
        + 2
        + players
        + 2
        + pings.unwrap_or(0).max(4)
        + 2
        + address.unwrap_or(0).max(7)
        + 2
        + doubt;
    for line in table.lines() {
        assert!(line.chars().all(is_plain), "not plain: {line:?}");
        let width = width(line);
        assert!(
            width <= columns.max(least),
            "{width} of {columns} columns: {line}"
        );
    }
}
