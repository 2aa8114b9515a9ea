//! All that is counted, point by point, and activity.json.
//!
//! A point belongs to a multiple of five minutes of Unix time, and is taken then. The first one after a start
//! is taken at once, and belongs to the multiple before.

use super::count::{listed, total};
use super::games::{Game, Games, Totals, WEEK};
use super::rows::Rows;
use super::series::{Number, Series};
use crate::base::log::push_time;
use crate::protocol::fields::json::push_string;
use crate::tracker::list::snapshot::List;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds from one point to the next.
const EVERY: u64 = 300;

/// Seconds from one number of a row to the next.
const ROW_EVERY: u64 = 1800;

/// The number of the point that belongs to `time`.
pub fn point_at(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / EVERY).unwrap_or(u32::MAX)
}

/// How many players and game servers there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The last point; `None` before the first.
    pub point: Option<u32>,
    /// Of the whole list.
    pub all: Totals,
    /// Of each game.
    pub games: Games,
    /// Of each game server.
    pub rows: Rows,
}

impl History {
    /// Notes what is listed at `point`. One that is taken once more replaces what was noted.
    pub fn note(&mut self, point: u32, list: &List) {
        let steps = i64::from(point) - i64::from(self.point.unwrap_or(point));
        let listed = listed(list);
        self.all.note(steps, total(&listed));
        self.games.note(steps, &listed);
        self.rows.note(point, &listed);
        self.point = Some(point);
    }

    /// True if something of it is left when the next point is this one.
    pub fn goes_on_at(&self, point: u32) -> bool {
        let last = self.point.unwrap_or(point);
        // A clock that is set may go back by a little.
        last <= point.saturating_add(1) && point.saturating_sub(last) < WEEK as u32
    }

    /// activity.json as it is written at the time `now`.
    pub fn json(&self, now: SystemTime) -> String {
        let mut out = String::from("{\"written\":\"");
        push_time(&mut out, now);
        let point = self.point.unwrap_or_default();
        out.push_str(&format!("\",\"every\":{EVERY},\"end\":\""));
        push_time(
            &mut out,
            UNIX_EPOCH + Duration::from_secs(u64::from(point) * EVERY),
        );
        out.push_str("\",\n\"all\":");
        push_totals(&mut out, &self.all);
        out.push_str(",\n\"games\":{");
        for (at, Game { name, totals, .. }) in self.games.shown().iter().enumerate() {
            out.push_str(if at > 0 { ",\n" } else { "\n" });
            push_string(&mut out, name);
            out.push(':');
            push_totals(&mut out, totals);
        }
        out.push_str(&format!("}},\n\"rows\":{{\"every\":{ROW_EVERY}"));
        for (address, row) in self.rows.listed() {
            out.push_str(",\n");
            push_string(&mut out, &address.to_string());
            out.push(':');
            push_numbers(&mut out, &row.players);
        }
        out.push_str("}}\n");
        out
    }
}

fn push_totals(out: &mut String, totals: &Totals) {
    out.push_str("{\"players\":");
    push_numbers(out, &totals.players);
    out.push_str(",\"servers\":");
    push_numbers(out, &totals.servers);
    out.push('}');
}

fn push_numbers<T: Number, const MOST: usize>(out: &mut String, series: &Series<T, MOST>) {
    out.push('[');
    series.push_to(out, "null");
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use std::sync::Arc;

    fn list(lines: &[&str]) -> List {
        let mut list = List::new(1);
        for fields in lines {
            let infos = Infos::default().with(&Changes::parse(fields).unwrap());
            let peer = "192.0.2.1".parse().unwrap();
            list.push(Arc::new(
                Entry::new(peer, infos, Credential::Password(0)).unwrap(),
            ));
        }
        list
    }

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn the_document_has_a_stable_shape() {
        let mut history = History::default();
        let none = "{\"written\":\"1970-01-01T00:00:00.000Z\",\"every\":300,\
                    \"end\":\"1970-01-01T00:00:00.000Z\",\n\
                    \"all\":{\"players\":[],\"servers\":[]},\n\"games\":{},\n\"rows\":{\"every\":1800}}\n";
        assert_eq!(history.json(at(0)), none);
        let hostile = "port=2 nbplayers=2 game=\"</script>\\\"__proto__\"";
        history.note(point_at(at(1799)), &list(&["port=1 nbplayers=5"]));
        history.note(
            point_at(at(1801)),
            &list(&["port=1 nbplayers=3 game=a", hostile]),
        );
        // The tracker is down.
        let two = list(&["port=3 game=a", hostile]);
        history.note(point_at(at(2799)), &two);
        let expected = r#"{"written":"1970-01-01T00:46:40.000Z","every":300,"end":"1970-01-01T00:45:00.000Z",
"all":{"players":[5,5,null,null,2],"servers":[1,2,null,null,2]},
"games":{
"\u003c/script>\"__proto__":{"players":[2,null,null,2],"servers":[1,null,null,1]},
"a":{"players":[3,null,null,0],"servers":[1,null,null,1]}},
"rows":{"every":1800,
"192.0.2.1:2":[2],
"192.0.2.1:3":[null]}}
"#;
        assert_eq!(history.json(at(2800)), expected);
        // The clock is set back by ten minutes, and the same point is taken twice.
        history.note(point_at(at(2200)), &list(&["port=3 nbplayers=9"]));
        history.note(point_at(at(2210)), &list(&["port=3 nbplayers=8"]));
        let json = history.json(at(2210));
        assert!(
            json.contains("\"end\":\"1970-01-01T00:35:00.000Z\""),
            "{json}"
        );
        assert!(
            json.contains("\"all\":{\"players\":[5,5,8],\"servers\":[1,2,1]}"),
            "{json}"
        );
        assert!(
            json.contains("\"rows\":{\"every\":1800,\n\"192.0.2.1:3\":[9]}"),
            "{json}"
        );
    }

    #[test]
    fn a_clock_that_is_wrong_at_one_start_is_noticed() {
        let mut history = History::default();
        assert!(history.goes_on_at(0));
        history.note(5000, &list(&["port=1"]));
        let goes_on = [0, 4998, 4999, 5000, 7015, 7016].map(|point| history.goes_on_at(point));
        assert_eq!(goes_on, [false, false, true, true, true, false]);
    }

    #[test]
    fn a_row_stays_far_below_two_kilobytes_and_a_week_is_a_week() {
        let mut history = History::default();
        let list = list(&["port=65535 nbplayers=65535 game=g"]);
        for point in 0..3000 {
            history.note(point, &list);
        }
        let json = history.json(at(0));
        let row = json
            .lines()
            .find(|line| line.starts_with("\"192.0.2.1:65535\""))
            .unwrap();
        assert!(row.len() < 330, "{row}");
        let numbers = |line: &str| line.matches("65535").count();
        let lines = ["\"all\":", "\"g\":"];
        for start in lines {
            let line = json.lines().find(|line| line.starts_with(start)).unwrap();
            assert_eq!(numbers(line), 2016, "{start}");
        }
    }
}
