//! The fields of a game server, and which of them a tracker must still be told.
//!
//! This file hides how one set of fields becomes another: which fields go into a line, that the line
//! is short enough, and that no set on the way is too large.

use super::advice::Situation;
use crate::protocol::argument::push_value;
use crate::protocol::fields::{Changes, Infos};
use crate::protocol::line::MAX_LINE;
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::text::spelled_out;

/// A key and its new value, which is empty if the field is to be removed.
pub(crate) type Field = (String, String);

/// Keys that a game server may not set, and why.
const NOT_OURS: [(&str, &str); 3] = [
    (
        "checked",
        "the tracker says it, once your UDP port has answered",
    ),
    ("stale", "only the tracker says it"),
    ("mac", "it is made from the key for each login"),
];

/// Quotes that stand in pairs around a text.
const QUOTES: [(char, char); 4] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’')];

/// `infos` after `changes`.
///
/// # Errors
/// `bad-value` for words that are not a game server's to say, for a missing port, and for more
/// fields or bytes than it may have.
pub(crate) fn merged(infos: &Infos, changes: &Changes) -> Result<Infos, Refusal> {
    for (key, why) in NOT_OURS {
        if changes.get(key).is_some() {
            let text = format!("leave {key} out: {why}");
            return Err(Refusal::new(ErrorCode::BadValue, text));
        }
    }
    let infos = infos.with(changes);
    infos.check_complete()?;
    Ok(infos)
}

/// The UDP port that pings and proofs come to.
pub(crate) fn udp_port(infos: &Infos) -> u16 {
    infos
        .number("pingport")
        .or(infos.number("port"))
        .unwrap_or_default()
}

/// What is to be known for advice about a game server of these fields.
pub(crate) fn situation(infos: &Infos, answers: bool) -> Situation {
    Situation {
        udp_port: udp_port(infos),
        answers,
        names_ip: infos.get("ip").is_some(),
        is_queried: infos.get("query").is_some(),
    }
}

/// A remark about a value that stands in quotes: it was quoted twice, and players would see the quotes.
pub(crate) fn odd_quotes(key: &str, value: &str) -> Option<String> {
    let within = QUOTES.iter().find_map(|(left, right)| {
        let rest = value.strip_prefix(*left)?;
        rest.strip_suffix(*right)
    })?;
    let value = spelled_out(value, 40);
    let within = spelled_out(within, 40);
    Some(format!(
        "{key} is {value}, and players see these quotes too; without them it is \
         '{key}={within}' on a command line, and {key}=\"{within}\" in a line of updates"
    ))
}

/// The fields that turn `told` into `wanted`, in the order in which they are sent; those to remove come
/// first. Fields in `avoided` are left out.
pub(crate) fn difference(told: &Infos, wanted: &Infos, avoided: &[Field]) -> Vec<Field> {
    let removed = told
        .iter()
        .filter(|(key, _)| wanted.get(key).is_none())
        .map(|(key, _)| (key.to_owned(), String::new()));
    let changed = wanted
        .iter()
        .filter(|(key, value)| told.get(key).as_ref() != Some(value))
        .map(|(key, value)| (key.to_owned(), value.into_owned()));
    removed
        .chain(changed)
        .filter(|field| !avoided.contains(field))
        .collect()
}

/// A line that starts with `start` and has as many of `fields` as fit, `most` at the most; and those
/// fields. The rest is for the next line.
///
/// If not all fit, those that make the set smaller come first: the set is never larger on the way than
/// at both ends. The port is always in the first line, since it is among the shortest fields.
pub(crate) fn line_with(
    start: &str,
    mut fields: Vec<Field>,
    told: &Infos,
    most: usize,
) -> (String, Vec<Field>) {
    let mut room = MAX_LINE - 1 - start.len();
    let needed: usize = fields.iter().map(|field| spelled(field).len()).sum();
    if needed > room || fields.len() > most {
        let length = |key: &str, value: &str| match value {
            "" => 0,
            value => spelled(&(key.to_owned(), value.to_owned())).len() as isize,
        };
        fields.sort_by_cached_key(|(key, value)| {
            length(key, value) - length(key, &told.get(key).unwrap_or_default())
        });
    }
    let fits = |field: &Field| {
        let length = spelled(field).len();
        let fits = length <= room;
        room -= if fits { length } else { 0 };
        fits
    };
    let fields: Vec<Field> = fields.into_iter().take(most).take_while(fits).collect();
    let line = fields
        .iter()
        .fold(start.to_owned(), |line, field| line + &spelled(field));
    (line, fields)
}

/// `told` after these fields were said.
pub(crate) fn after(told: &Infos, fields: &[Field]) -> Infos {
    let mut infos = told.clone();
    for (key, value) in fields {
        // They were checked when they were put into a set.
        let _ = infos.set(key, value);
    }
    infos
}

/// ` key=value` for all of these.
pub(crate) fn shown(fields: &[Field]) -> String {
    let text: String = fields.iter().map(spelled).collect();
    text.trim_start().to_owned()
}

fn spelled((key, value): &Field) -> String {
    let mut text = format!(" {key}=");
    if !value.is_empty() {
        push_value(&mut text, value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn infos(text: &str) -> Infos {
        Infos::default().with(&Changes::parse(text).unwrap())
    }

    fn owned(fields: &[(&str, &str)]) -> Vec<Field> {
        fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_difference_is_what_must_be_said() {
        let (old, new) = (infos("port=1 a=1 b=2"), infos("port=1 b=3 c=\"x y\""));
        let wanted = owned(&[("a", ""), ("b", "3"), ("c", "x y")]);
        assert_eq!(difference(&old, &new, &[]), wanted);
        assert_eq!(shown(&wanted), "a= b=3 c=\"x y\"");
        let avoided = owned(&[("b", "3"), ("c", "other")]);
        assert_eq!(
            difference(&old, &new, &avoided),
            owned(&[("a", ""), ("c", "x y")])
        );
        assert_eq!(difference(&new, &new, &[]), []);
    }

    #[test]
    fn a_line_that_would_be_too_long_is_several() {
        let value = "v".repeat(255);
        let full = infos(&format!("a={value} b={value} c={value} d=1234 port=1"));
        full.check_complete().unwrap();
        let start = format!("INFOS 5f1c9a3e77b04d21 mac={}", "0".repeat(64));
        let left = difference(&Infos::default(), &full, &[]);
        let (line, said) = line_with(&start, left, &Infos::default(), 99);
        assert!(line.len() < MAX_LINE && said.len() == 5, "{line}");
        assert!(line.starts_with(&format!("{start} port=1 ")));

        let longer = "v".repeat(160);
        let full = full.with(&Changes::parse(&format!("d={longer}")).unwrap());
        full.check_complete().unwrap();
        let left = difference(&Infos::default(), &full, &[]);
        let (line, said) = line_with(&start, left, &Infos::default(), 99);
        assert!(line.len() < MAX_LINE && said.len() == 4, "{line}");
        let told = after(&Infos::default(), &said);
        let left = difference(&told, &full, &[]);
        let (_, said) = line_with("INFOS", left, &told, 99);
        assert_eq!(after(&told, &said), full);
    }

    #[test]
    fn words_of_the_tracker_and_a_set_without_a_port_are_refused() {
        let old = infos("port=1 a=1");
        for bad in ["checked=yes", "stale=yes", "mac=00", "port="] {
            let changes = Changes::parse(bad).unwrap();
            assert_eq!(
                merged(&old, &changes).unwrap_err().code,
                ErrorCode::BadValue,
                "{bad}"
            );
        }
        assert_eq!(
            merged(&old, &Changes::parse("a= port=2").unwrap()),
            Ok(infos("port=2"))
        );
        assert_eq!(udp_port(&old), 1);
        assert_eq!(udp_port(&infos("port=1 pingport=2")), 2);
    }

    #[test]
    fn quotes_around_a_value_are_odd_and_quotes_in_it_are_not() {
        for odd in ["\"My server\"", "'My server'", "“My server”"] {
            let text = odd_quotes("description", odd).unwrap();
            assert!(text.contains("'description=My server' on a"), "{text}");
        }
        for good in ["My \"server\"", "'tis", "\"", "", "rock 'n' roll"] {
            assert_eq!(odd_quotes("description", good), None);
        }
    }

    quickcheck! {
        fn one_field_at_a_time_leads_to_the_same_set(old: Infos, new: Infos) -> bool {
            let largest = old.spelled().len().max(new.spelled().len());
            let mut told = old;
            for _ in 0..100 {
                if told.spelled().len() > largest {
                    return false;
                }
                let left = difference(&told, &new, &[]);
                let (_, said) = line_with("INFOS", left, &told, 1);
                if said.is_empty() {
                    break;
                }
                told = after(&told, &said);
            }
            told == new
        }

        fn as_much_as_fits_leads_to_the_same_set_within_its_limits(old: Infos, new: Infos) -> bool {
            let left = difference(&old, &new, &[]);
            let (line, said) = line_with("INFOS", left, &old, 99);
            line.len() < MAX_LINE && after(&old, &said) == new
                && Changes::parse(line.trim_start_matches("INFOS")).is_ok()
        }
    }
}
