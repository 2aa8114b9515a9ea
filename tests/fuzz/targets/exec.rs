//! The template of `--exec`: the first line, filled with the fields of the second.
#![no_main]

use gltracker::client::browse::exec::Template;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker_fuzz::naive::Fields;
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let text = String::from_utf8_lossy(data);
    let (words, said) = text.split_once('\n').unwrap_or((&text, ""));
    let said = said.lines().next().unwrap_or_default();
    let (Ok(template), Ok(changes)) = (Template::parse(words), Changes::parse(said)) else {
        return;
    };
    let infos = Infos::default().with(&changes);
    let fields: Fields = infos
        .iter()
        .map(|(key, value)| (key.to_owned(), value.into_owned()))
        .collect();
    for address in ["192.0.2.1:5", "[2001:db8::1]:5"] {
        check(
            words,
            &template,
            address.parse().expect("an address"),
            &infos,
            &fields,
        );
    }
});

fn check(words: &str, template: &Template, address: SocketAddr, infos: &Infos, fields: &Fields) {
    let words = split(words);
    let expected: Option<Vec<String>> = words.iter().map(|w| fill(w, address, fields)).collect();
    let call = template.fill(address, infos);
    let (call, expected) = match (call, expected) {
        (Ok(call), Some(expected)) => (call, expected),
        (Err(_), None) => return,
        (call, expected) => panic!("{words:?} are {expected:?}, not {call:?}"),
    };
    // Each word is one argument, and no field has a say in what the program is.
    assert_eq!(call.program, words[0]);
    assert_eq!(call.arguments, expected[1..]);
    for (argument, word) in call.arguments.iter().zip(&words[1..]) {
        assert!(is_as_meant(argument, word), "{word} became {argument}");
    }
    for (name, value) in &call.environment {
        let is_letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = name.strip_prefix("GAME_SERVER_").expect("no other name");
        assert!(name.chars().all(is_letter) && !value.contains('\0'));
    }
    let value = |name: &str| {
        let mut all = call.environment.iter().filter(|(known, _)| known == name);
        let found = all.next().map(|(_, value)| value.clone());
        assert!(all.next().is_none(), "{name} is said twice");
        found
    };
    assert_eq!(value("GAME_SERVER_IP"), Some(address.ip().to_string()));
    assert_eq!(value("GAME_SERVER_PORT"), Some(address.port().to_string()));
    assert_eq!(value("GAME_SERVER_VERSION"), fields.get("version").cloned());
}

/// The words of a template without their quotes.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_word, mut quote) = (Vec::new(), String::new(), false, None);
    for c in text.chars().chain([' ']) {
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == '"' || c == '\'') {
            (quote, is_word) = (Some(c), true);
        } else if quote.is_none() && (c == ' ' || c == '\t') {
            if std::mem::take(&mut is_word) {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
            is_word = true;
        }
    }
    words
}

/// Whether `argument` begins with the sign of an option or a command only where `word` does.
fn is_as_meant(argument: &str, word: &str) -> bool {
    let signs = ['-', '+'];
    !argument.starts_with(signs) || word.starts_with(signs)
}

/// `word` with its fields; `None` if it would become an option or a command.
fn fill(word: &str, address: SocketAddr, fields: &Fields) -> Option<String> {
    let mut filled = String::new();
    let mut rest = word;
    while let Some((text, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}')?;
        filled.push_str(text);
        let is_all = word.len() == field.len() + 2;
        // It says that the field is meant, and no mistake.
        let field = field.strip_suffix('?').unwrap_or(field);
        let value = match field {
            "ip" if address.is_ipv6() && !is_all => format!("[{}]", address.ip()),
            "ip" => address.ip().to_string(),
            "port" => address.port().to_string(),
            "address" => address.to_string(),
            key => fields.get(key).cloned().unwrap_or_default(),
        };
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    is_as_meant(&filled, word).then_some(filled)
}
