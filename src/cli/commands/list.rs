//! The words and flags of `gltracker list`.

use crate::cli::arguments::targets;
use crate::cli::arguments::trackers::{IPV4, IPV6};
use crate::cli::command::{Command, UsageError};
use crate::cli::flags::{self, Asked, Flag};
use crate::cli::manual::{Example, Page};
use crate::client::columns::{Columns, Sort};
use crate::client::list::{Format, Request};
use crate::client::ping::Limits;
use crate::client::{Conditions, TrackerAddress};
use std::ffi::{OsStr, OsString};

const FLAGS: [Flag; 10] = [
    Flag {
        name: "--json",
        value: "",
        help: "write an array of objects",
    },
    Flag {
        name: "--tsv",
        value: "",
        help: "write tab-separated values, names first",
    },
    Flag {
        name: "--sort",
        value: "KEY",
        help: "ping, players, name, address or a column [default: ping]\nA column is one of a field, as in map.",
    },
    COLUMNS,
    Flag {
        name: "--limit",
        value: "N",
        help: "print the first N only",
    },
    Flag {
        name: "--no-ping",
        value: "",
        help: "do not ping, which takes time",
    },
    Flag {
        name: "--at-once",
        value: "N",
        help: "ping so many at the same time [default: 20]",
    },
    IPV4,
    IPV6,
    Flag {
        name: "--check",
        value: "",
        help: "say step by step why nothing is there to see\nIt is also a check of a tracker's health: give --no-ping, and it takes some milliseconds.",
    },
];

/// The flag by which the player chooses columns, here and in `browse`.
pub(super) const COLUMNS: Flag = Flag {
    name: "--columns",
    value: "KEYS",
    help: "fields to show, as in game,map,zone\nBy default they are those that are known here.",
};

pub(crate) const PAGE: Page = Page {
    name: "list",
    summary: "Prints the game servers on a tracker's list, the nearest first",
    usage: &["gltracker list [TRACKER...] [CONDITION...] [FLAGS]"],
    examples: [
        Example {
            typed: "gltracker list tracker.example",
            effect: "Who is there, nearest first",
        },
        Example {
            typed: "gltracker list tracker.example notempty 'maxplayers>=8'",
            effect: "Only those where somebody plays, with room for eight",
        },
    ],
    flags: &FLAGS,
    notes: "\
TRACKER is HOST[:PORT], by default port 23471 on this machine, or what
GLTRACKER_TRACKER names. All conditions must hold; quote those with < > !:
  notempty        somebody plays
  notfull         there is a place left
  key=value       for example speed=fast, or description='Friday cycles'
  key!=value      another value, or none
  key>=n, key<=n  for example 'maxplayers>=8'",
    more: "\
Asks every TRACKER (IPv6 in brackets; GLTRACKER_TRACKER names several with commas or spaces between
them), pings the game servers from here and prints them. Existing games (query=) are pinged with
their own questions, and how many play there is what they answer, in place of what the tracker
lists. Those without an answer, and those further away than 400 ms, come last, and behind them
those that may not be there, with a column DOUBT: stale ones, not heard of since their tracker was
lost or started again, and those whose address is one of your own machine or network while the
tracker is not there (local), or of no host at all (invalid), which are not pinged.

The table has name, players, ping and address, and between them the fields game, map, mode,
version, speed, size and erase that a game server on the list has, or those of --columns. On a
terminal that is too narrow erase goes first, then size, speed, mode, map, version and game; of
--columns the last one goes first, after the name has become narrow.

With --check it goes through all that once, each tracker in turn, and says on standard output what is
right, what is not, and what to do; no list is printed. At most 20 game servers are pinged. It takes two
seconds, and 15 for each tracker at the most. An empty list is a right one.

A tracker that does not answer is named on standard error, and the others count.",
    exits: "\
0 found, 1 nothing found that is not in doubt, or refused, 2 wrong usage, 3 no tracker could be asked; with \
--check 0 all is well, 1 something is to be mended",
};

/// Reads the arguments behind the command, and the environment, which they override.
///
/// # Errors
/// [`UsageError`] for anything that is not understood, with what would be right.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Command, UsageError> {
    let items = match flags::read(arguments, &FLAGS, "gltracker list")? {
        Asked::Items(items) => items,
        Asked::Help => return Ok(Command::Print(PAGE.help())),
        Asked::Version => return Ok(Command::version()),
    };
    let mut list = List::default();
    let set = |flag: &Flag, value: &OsStr| list.set(flag, value);
    let (trackers, conditions) = targets::read(items, "gltracker list", environment, set)?;
    let is_check = list.is_check;
    let request = Box::new(list.request(trackers, conditions)?);
    Ok(match is_check {
        true => Command::CheckList(request),
        false => Command::List(request),
    })
}

/// What the flags say.
#[derive(Default)]
struct List {
    format: Option<Format>,
    sort: Option<String>,
    columns: Columns,
    limit: Option<usize>,
    is_not_pinged: bool,
    at_once: Option<usize>,
    is_check: bool,
}

impl List {
    fn set(&mut self, flag: &Flag, value: &OsStr) -> Result<(), UsageError> {
        let wrong = |why: String| UsageError(format!("{}: {why}", flag.name));
        let text = value
            .to_str()
            .ok_or_else(|| wrong("the value is not text".to_owned()))?;
        let count = |most: usize| {
            let number = text.parse().ok().filter(|n| (1..=most).contains(n));
            number.ok_or_else(|| wrong(format!("'{text}' is not a number from 1 to {most}")))
        };
        let format = match flag.name {
            "--json" => Format::Json,
            "--tsv" => Format::Tsv,
            "--sort" => {
                self.sort = Some(text.to_owned());
                return Ok(());
            }
            "--columns" => {
                self.columns = Columns::parse(text).map_err(wrong)?;
                return Ok(());
            }
            "--limit" => {
                self.limit = Some(count(1_000_000)?);
                return Ok(());
            }
            "--check" => {
                self.is_check = true;
                return no_value(flag, text);
            }
            "--no-ping" => {
                self.is_not_pinged = true;
                return no_value(flag, text);
            }
            "--at-once" => {
                self.at_once = Some(count(1000)?);
                return Ok(());
            }
            name => unreachable!("{name} is in FLAGS and not here"),
        };
        if self.format.is_some_and(|other| other != format) {
            return Err(UsageError("--json and --tsv: it can be only one".into()));
        }
        self.format = Some(format);
        no_value(flag, text)
    }

    fn request(
        self,
        trackers: Vec<TrackerAddress>,
        conditions: Conditions,
    ) -> Result<Request, UsageError> {
        let sort = self.sort.map(|name| {
            let wrong = |why| UsageError(format!("--sort: {why}"));
            Sort::parse(&name, &self.columns).map_err(wrong)
        });
        let sort = sort.transpose()?;
        let contradicted = match () {
            () if !self.is_not_pinged => None,
            () if sort == Some(Sort::Ping) => Some("--sort ping"),
            () if self.at_once.is_some() => Some("--at-once"),
            () => None,
        };
        if let Some(flag) = contradicted {
            return Err(UsageError(format!(
                "{flag} needs pings; leave out --no-ping"
            )));
        }
        let is_printed = self.format.is_some() || sort.is_some() || self.limit.is_some();
        if self.is_check && (is_printed || self.columns.are_chosen() || self.at_once.is_some()) {
            return Err(UsageError(
                "--check prints no list; of the other flags it takes --no-ping, --ipv4 and --ipv6"
                    .into(),
            ));
        }
        let format = self.format.unwrap_or(Format::Table);
        if self.columns.are_chosen() && format != Format::Table {
            return Err(UsageError(
                "--columns is for the table; --json has every field".into(),
            ));
        }
        let limits = Limits {
            in_flight: self.at_once.unwrap_or(Limits::default().in_flight),
            ..Limits::default()
        };
        Ok(Request {
            trackers,
            conditions,
            format,
            sort: sort.unwrap_or(Sort::Ping),
            columns: self.columns,
            limit: self.limit,
            pings: (!self.is_not_pinged).then_some(limits),
        })
    }
}

/// Checks that a flag without a value was given none, or `yes`, which is the same.
fn no_value(flag: &Flag, text: &str) -> Result<(), UsageError> {
    match text {
        "yes" => Ok(()),
        _ => Err(UsageError(format!("{} takes no value", flag.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::trackers::VARIABLE;
    use crate::cli::parse::parse;
    use crate::reach::Family;

    fn run(arguments: &[&str], trackers: Option<&str>) -> Result<Request, String> {
        let lookup = |name: &str| trackers.filter(|_| name == VARIABLE).map(OsString::from);
        let arguments = ["list"].iter().chain(arguments).map(OsString::from);
        match parse(arguments, lookup) {
            Ok(Command::List(request)) => Ok(*request),
            Ok(Command::Print(text)) => Err(text),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn shown(trackers: &[TrackerAddress]) -> String {
        let shown: Vec<String> = trackers.iter().map(ToString::to_string).collect();
        shown.join(" ")
    }

    #[test]
    fn words_are_trackers_or_conditions() {
        let words = [
            "tracker.example",
            "notempty",
            "--limit=3",
            "maxplayers>=8",
            "[::1]:7",
            "description=Friday cycles",
            "tracker.example:23471",
        ];
        let request = run(&words, Some("unused")).unwrap();
        assert_eq!(shown(&request.trackers), "tracker.example:23471 [::1]:7");
        let conditions = "notempty maxplayers>=8 description=\"Friday cycles\"";
        assert_eq!(request.conditions.to_string(), conditions);
        assert_eq!((request.limit, request.format), (Some(3), Format::Table));
        assert_eq!(request.pings, Some(Limits::default()));
        let request = run(&["--no-ping", "--tsv", "--sort", "name"], None).unwrap();
        assert_eq!((request.pings, request.sort), (None, Sort::Name));
        assert_eq!(request.format, Format::Tsv);
    }

    #[test]
    fn trackers_come_from_the_environment_if_none_is_given() {
        for (variable, trackers) in [
            (None, "127.0.0.1:23471"),
            (Some(""), "127.0.0.1:23471"),
            (Some("a"), "a:23471"),
            (Some("a:1, b:2 [::1] a:1"), "a:1 b:2 [::1]:23471"),
        ] {
            assert_eq!(
                shown(&run(&["notempty"], variable).unwrap().trackers),
                trackers
            );
        }
        let families = |arguments| {
            let trackers = run(arguments, Some("a,b:2")).unwrap().trackers;
            trackers.iter().map(TrackerAddress::family).collect()
        };
        let families: [Vec<_>; 3] = [&[][..], &["--ipv4"], &["--ipv6"]].map(families);
        assert_eq!(
            families,
            [None, Some(Family::Ipv4), Some(Family::Ipv6)].map(|family| vec![family; 2])
        );
        let here = run(&["--ipv6"], None).unwrap().trackers;
        assert_eq!(shown(&here), "[::1]:23471");
        let error = run(&[], Some("a::b")).unwrap_err();
        assert!(
            error.starts_with("GLTRACKER_TRACKER: 'a::b' has several"),
            "{error}"
        );
    }

    #[test]
    fn wrong_usage_is_told_what_would_be_right() {
        for (arguments, part) in [
            (&["--jsn"][..], "did you mean --json?"),
            (&["--json", "--tsv"], "it can be only one"),
            (&["--json=no"], "--json takes no value"),
            (&["--ipv4", "--ipv6"], "it can be only one"),
            (&["--ipv6=no"], "--ipv6 takes no value"),
            (
                &["--sort", "age"],
                "'age' is not ping, players, name, address or a column (game, ",
            ),
            (&["--limit", "0"], "'0' is not a number from 1 to 1000000"),
            (&["--at-once", "x"], "'x' is not a number from 1 to 1000"),
            (&["--no-ping", "--sort=ping"], "--sort ping needs pings"),
            (&["--no-ping", "--at-once=9"], "--at-once needs pings"),
            (
                &["--columns", "map,ping"],
                "--columns: ping is always shown",
            ),
            (&["--columns=map", "--tsv"], "--json has every field"),
            (&["non-empty"], "did you mean notempty?"),
            (&["notful"], "did you mean notfull?"),
            (&["a/b"], "'a/b' is not an address"),
            (&["nbplayers>3"], "neither a word nor key=value"),
            (&["nbplayers>=x"], "is compared with a whole number"),
            (&["since=1"], "not a condition"),
            (&["--check", "--json"], "--check prints no list"),
            (&["--check=5"], "--check takes no value"),
            (&["--", "x"], "'-- x' is not a flag"),
        ] {
            let error = run(arguments, None).unwrap_err();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
        let many: Vec<String> = (0..65).map(|n| format!("t{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(
            run(&many, None)
                .unwrap_err()
                .contains("at most 64 trackers")
        );
    }
}
