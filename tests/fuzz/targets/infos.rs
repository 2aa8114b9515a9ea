//! What INFOS says, and the fields that come of it.
#![no_main]

use gltracker::protocol::fields::json::push_infos;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker_fuzz::checks::{MAX_LINE, plain_line};
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let text = String::from_utf8_lossy(data);
    let (mut infos, mut fields) = (Infos::default(), Fields::new());
    // Each line changes what the lines before it have said.
    for line in text.split('\n').take(16) {
        match (Changes::parse(line), naive::said(line)) {
            (Ok(changes), Some(said)) => {
                infos = infos.with(&changes);
                naive::merge(&mut fields, &said);
            }
            (Err(refusal), None) => plain_line(&refusal.to_string()),
            (changes, said) => panic!("{line:?} says {said:?}, not {changes:?}"),
        }
        is_same(&infos, &fields);
    }
});

/// Checks that `infos` are these fields in every respect.
fn is_same(infos: &Infos, fields: &Fields) {
    assert_eq!(infos.spelled(), naive::spell(fields));
    let all: Fields = infos
        .iter()
        .map(|(key, value)| (key.to_owned(), value.into_owned()))
        .collect();
    assert_eq!(all, *fields);
    for (key, value) in fields {
        assert_eq!(infos.get(key).as_deref(), Some(value.as_str()));
        assert_eq!(infos.number(key), value.parse().ok());
    }
    // More than a line may name can gather, but not be listed.
    if fields.len() <= 32 {
        let again = Changes::parse(infos.spelled()).expect("what is encoded can be parsed");
        assert_eq!(Infos::default().with(&again), *infos);
    }
    if infos.check_complete().is_ok() {
        fits_with_the_trackers_words(infos);
    }
    let mut json = String::new();
    push_infos(&mut json, infos);
    assert_eq!(of_json(&json), Some(fields.clone()), "{json}");
}

/// Checks that a line of the list has room for these fields.
fn fits_with_the_trackers_words(infos: &Infos) {
    let mut infos = infos.clone();
    let longest = "1234:1234:1234:1234:1234:1234:1234:1234";
    for (key, value) in [("ip", longest), ("checked", "yes"), ("stale", "yes")] {
        infos.set(key, value).expect("the tracker may say it");
    }
    let line = format!("INFOS{}", infos.spelled());
    plain_line(&line);
    assert!(line.len() < MAX_LINE);
}

/// The members of a JSON object of texts and numbers.
fn of_json(json: &str) -> Option<Fields> {
    let mut rest = json.strip_prefix('{')?;
    let mut fields = Fields::new();
    while !rest.starts_with('}') {
        let key = string(&mut rest)?;
        rest = rest.strip_prefix(':')?;
        let value = match rest.starts_with('"') {
            true => string(&mut rest)?,
            false => {
                let (number, after) = rest.split_at(rest.find([',', '}'])?);
                rest = after;
                assert!(key.ends_with("port") || key.ends_with("players"));
                number.parse::<u16>().ok()?.to_string()
            }
        };
        fields.insert(key, value);
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (rest == "}").then_some(fields)
}

/// Takes a string off the front of `rest`.
fn string(rest: &mut &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    let mut chars = rest.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).ok()?);
                }
                c @ ('"' | '\\') => units.push(c as u16),
                _ => return None,
            },
            c => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
        }
    }
    *rest = chars.as_str();
    String::from_utf16(&units).ok()
}
