//! The file in which the history survives the tracker.
//!
//! ```text
//! gltracker-activity 1
//! all 5985120 3,-,4 1,-,1
//! game 8192 3,-,4 1,-,1 xonotic
//! row 5985120 198.51.100.7:27960 3,4
//! end 3 0f3d5c2b8a917e64
//! ```
//!
//! First comes the last point, in five minutes since 1970, with the numbers of the whole list up to it: players,
//! then game servers, `-` for one that is unknown. Each game has its weight, its numbers and its name, each game
//! server the point at which it was last listed. Pure.

use super::games::{Game, Games, MOST_KEPT, Totals};
use super::history::History;
use super::rows::{MOST_GONE, Row, Rows};
use super::series::Series;
use crate::protocol::text::{first_not_plain, number};
use crate::tracker::files::sealed::{Form, MORE_LINES, Wrong, begin, end, open};
use std::collections::BTreeMap;

/// What the first line says.
const FORM: Form = ("gltracker-activity", 1);

// A tracker can read what it has written: there is a line for the whole list, too.
const _: () = assert!(MOST_GONE + MOST_KEPT < MORE_LINES);

/// What stands for a number that is unknown.
const UNKNOWN: &str = "-";

/// The text that keeps `history`. Before the first point there is nothing in it.
pub fn encode(history: &History) -> Vec<u8> {
    let mut text = begin(FORM);
    let mut count = 0;
    if let Some(point) = history.point {
        text.push_str(&format!("all {point} "));
        push_totals(&mut text, &history.all);
        text.push('\n');
        for Game {
            week, name, totals, ..
        } in history.games.kept()
        {
            text.push_str(&format!("game {week} "));
            push_totals(&mut text, totals);
            text.push_str(&format!(" {name}\n"));
            count += 1;
        }
        for (address, row) in history.rows.kept() {
            text.push_str(&format!("row {} {address} ", row.seen));
            row.players.push_to(&mut text, UNKNOWN);
            text.push('\n');
            count += 1;
        }
        count += 1;
    }
    text.push_str(&end(count, text.as_bytes()));
    text.into_bytes()
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`Wrong`], and nothing of it is used.
pub fn decode(text: &[u8]) -> Result<History, Wrong> {
    let (mut history, mut games, mut rows) = (History::default(), Vec::new(), BTreeMap::new());
    for (number, line) in open(text, FORM)? {
        let line = std::str::from_utf8(line).map_err(|_| Wrong::Line(number))?;
        let is_read = match line.split_once(' ') {
            Some(("all", rest)) if history.point.is_none() => read_all(rest, &mut history),
            Some(("game", rest)) => read_game(rest, &mut games),
            Some(("row", rest)) => read_row(rest, &mut rows),
            _ => None,
        };
        is_read
            .filter(|()| history.point.is_some())
            .ok_or(Wrong::Line(number))?;
    }
    history.games = Games::new(games);
    history.rows = Rows::new(rows);
    Ok(history)
}

fn push_totals(text: &mut String, totals: &Totals) {
    totals.players.push_to(text, UNKNOWN);
    text.push(' ');
    totals.servers.push_to(text, UNKNOWN);
}

fn read_totals(players: &str, servers: &str) -> Option<Totals> {
    Some(Totals {
        players: Series::read(players, UNKNOWN)?,
        servers: Series::read(servers, UNKNOWN)?,
    })
}

fn read_all(rest: &str, history: &mut History) -> Option<()> {
    let (point, totals) = rest.split_once(' ')?;
    let (players, servers) = totals.split_once(' ')?;
    history.all = read_totals(players, servers)?;
    history.point = Some(number(point)?);
    Some(())
}

/// The rules of the wire hold for its name, and no name is there twice.
fn read_game(rest: &str, games: &mut Vec<Game>) -> Option<()> {
    let mut words = rest.splitn(4, ' ');
    let week = number(words.next()?)?;
    let totals = read_totals(words.next()?, words.next()?)?;
    let name = words.next().filter(|name| !name.is_empty())?;
    let is_new = games.iter().all(|game| *game.name != *name);
    let is_right = is_new && first_not_plain(name).is_none() && games.len() < MOST_KEPT;
    is_right.then(|| games.push(Game::new(name.into(), week, totals)))
}

fn read_row(rest: &str, rows: &mut BTreeMap<std::net::SocketAddr, Row>) -> Option<()> {
    let mut words = rest.splitn(3, ' ');
    let seen = number(words.next()?)?;
    let address = words.next()?.parse().ok()?;
    let players = Series::read(words.next()?, UNKNOWN)?;
    let before = rows.insert(address, Row::new(seen, players));
    before.is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Infos;
    use crate::protocol::text::is_plain;
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::snapshot::List;
    use quickcheck::quickcheck;
    use std::sync::Arc;

    /// Its number, and of each game server the port, the players and the game.
    type Point = (u16, Vec<(u16, u16, String)>);

    /// A history of the first of these points.
    fn history(points: &[Point]) -> History {
        let mut history = History::default();
        for (point, servers) in points.iter().take(9) {
            let mut list = List::new(1);
            for (port, players, game) in servers.iter().take(9) {
                let mut infos = Infos::default();
                infos.set("port", &port.max(&1).to_string()).unwrap();
                infos.set("nbplayers", &players.to_string()).unwrap();
                let game: String = game.chars().filter(|c| is_plain(*c)).take(20).collect();
                infos.set("game", &game).unwrap();
                let entry = Entry::new(
                    "2001:db8::1".parse().unwrap(),
                    infos,
                    Credential::Password(0),
                );
                list.push(Arc::new(entry.unwrap()));
            }
            history.note((*point).into(), &list);
        }
        history
    }

    fn few() -> History {
        let points = [
            (6000, vec![(1, 3, "xonotic".to_owned())]),
            (
                6002,
                vec![
                    (1, 4, "xonotic".to_owned()),
                    (2, 0, "The \"old\" game".to_owned()),
                ],
            ),
        ];
        history(&points)
    }

    #[test]
    fn a_file_can_be_read_by_people() {
        let text = String::from_utf8(encode(&few())).unwrap();
        let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(last.starts_with("end 5 "), "{last}");
        let expected = "gltracker-activity 1\n\
                        all 6002 3,-,4 1,-,2\n\
                        game 9212 3,-,4 1,-,1 xonotic\n\
                        game 1024 0 1 The \"old\" game\n\
                        row 6002 [2001:db8::1]:1 4\n\
                        row 6002 [2001:db8::1]:2 0";
        assert_eq!(lines, expected);
        let empty = History::default();
        assert_eq!(decode(&encode(&empty)), Ok(empty));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let file = |lines: &str| {
            let text = format!("gltracker-activity 1\n{lines}");
            let end = end(lines.matches('\n').count(), text.as_bytes());
            decode((text + &end).as_bytes())
        };
        let all = "all 5 1 1\n";
        assert_eq!(file(all).unwrap().point, Some(5));
        assert_eq!(decode(b"gltracker-state 1\nend 0 0\n"), Err(Wrong::Foreign));
        assert_eq!(decode(b"gltracker-activity 1\nend 0 0\n"), Err(Wrong::Torn));
        assert_eq!(decode(b"gltracker-activity 2\n"), Err(Wrong::Version(2, 1)));
        let week = format!("all 5 {}1 1\n", "1,".repeat(2016));
        let day = format!("{all}row 5 192.0.2.1:1 {}1\n", "1,".repeat(48));
        let games: String = (0..=MOST_KEPT)
            .map(|n| format!("game 1 1 1 g{n}\n"))
            .collect();
        let games = format!("{all}{games}");
        for (lines, wrong) in [
            ("row 5 192.0.2.1:1 1\n", 2),
            ("all -1 1 1\n", 2),
            ("all 5 1\n", 2),
            ("all 5 1 x\n", 2),
            ("all 4294967296 1 1\n", 2),
            (&week, 2),
            (&format!("{all}{all}"), 3),
            (&format!("{all}\n"), 3),
            (&format!("{all}game 1 1 1 \n"), 3),
            (&format!("{all}game 1 1 1 a\u{1b}b\n"), 3),
            (&format!("{all}game 1 1 1 a\ngame 1 1 1 a\n"), 4),
            (&format!("{all}row 5 192.0.2.1 1\n"), 3),
            (&format!("{all}row 5 192.0.2.1:1 \n"), 3),
            (
                &format!("{all}row 5 192.0.2.1:1 1\nrow 5 192.0.2.1:1 1\n"),
                4,
            ),
            (&day, 3),
            (&games, MOST_KEPT + 3),
        ] {
            assert_eq!(file(lines), Err(Wrong::Line(wrong)), "{lines}");
        }
    }

    quickcheck! {
        fn decoding_undoes_encoding(points: Vec<Point>) -> bool {
            let kept = history(&points);
            let read = decode(&encode(&kept)).unwrap();
            // What was counted last is not kept beside the sums.
            encode(&read) == encode(&kept) && (read.point, read.all) == (kept.point, kept.all)
        }

        fn no_bytes_panic(lines: Vec<u8>) -> bool {
            let _ = decode(&lines);
            let mut text = [b"gltracker-activity 1\nall 5 1 1\n", &lines[..], b"\n"].concat();
            let count = text.iter().filter(|&&byte| byte == b'\n').count() - 1;
            text.extend_from_slice(end(count, &text).as_bytes());
            decode(&text).is_err()
        }
    }
}
