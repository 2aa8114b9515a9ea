//! Bytes that come back on a connection to a Minecraft server, and texts as parts of an answer.
#![no_main]

use gltracker::query::{Asking, Kind, Reply, Status};
use gltracker_fuzz::checks::{self, is_plain};
use gltracker_fuzz::script::pieces;
use libfuzzer_sys::fuzz_target;

const WORD: u64 = 0x2a;

fuzz_target!(|data: &[u8]| {
    let whole = receive(data, usize::MAX);
    checks::reply(&whole);
    for most in [1, 7, 300] {
        match (&whole, receive(data, most)) {
            // Who it is said to be depends on how much has come.
            (Reply::Wrong(_), Reply::Wrong(who)) => checks::reply(&Reply::Wrong(who)),
            (whole, chopped) => assert_eq!(chopped, *whole),
        }
    }
    // As the text of an answer.
    let answer = [&number(data.len())[..], data].concat();
    checks::reply(&receive(&packet(0, &answer), usize::MAX));
    let mut asking = Asking::all(Kind::Minecraft, WORD);
    if let Reply::Send(_) = asking.receive(&packet(0, &answer)) {
        let pong = asking.receive(&packet(1, &WORD.to_be_bytes()));
        assert_eq!(
            pong,
            Reply::Status(asking.known().expect("it has been sent").into())
        );
    }
    as_it_is_sent(data);
});

/// The first reply to a stream that comes in pieces, but for those that wait for more.
fn receive(stream: &[u8], most: usize) -> Reply {
    let mut asking = Asking::probe(Kind::Minecraft, WORD);
    let chunks = match most {
        usize::MAX => vec![stream],
        most => pieces(stream, most as u32, most),
    };
    let mut replies = chunks.into_iter().map(|chunk| asking.receive(chunk));
    replies
        .find(|reply| *reply != Reply::Part)
        .unwrap_or(Reply::Part)
}

/// An answer that is made of a text and two numbers is read as what it was made of, in whatever form.
fn as_it_is_sent(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (online, most) = (data.len() as u16 % 300, data.len() as u16);
    let string = string(&text);
    for description in [
        string.clone(),
        format!("{{\"text\":{string}}}"),
        format!("{{\"extra\":[{{\"text\":{string}}}],\"text\":\"\"}}"),
        format!("[\"\",[{string}]]"),
        format!("{{\"translate\":\"a.b\",\"with\":[{string}]}}"),
    ] {
        let json = format!(
            "{{\"description\":{description},\"players\":{{\"online\":{online}.0,\"max\":{most}}}}}"
        );
        let answer = [&number(json.len())[..], json.as_bytes()].concat();
        let reply = receive(&packet(0, &answer), usize::MAX);
        let Reply::Status(status) = reply else {
            // The game's own limit.
            assert!(json.len() > 100_000, "{reply:?} to {json}");
            continue;
        };
        let Status {
            name,
            players,
            most: places,
            ..
        } = *status;
        assert_eq!(name.unwrap_or_default(), plain(&text), "{json}");
        assert_eq!(
            (players, places),
            (Some(online), Some(most).filter(|&most| most != 0))
        );
    }
}

/// `text` as a value, the slow way.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '§' => drop(letters.next()),
            _ if letter.is_whitespace() => out.push(' '),
            _ if is_plain(letter) => out.push(letter),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split(' ').filter(|word| !word.is_empty()).collect();
    let mut short = words.join(" ");
    while short.len() > 255 {
        short.pop();
    }
    short.truncate(short.trim_end().len());
    match short.chars().all(is_unseen) {
        true => String::new(),
        false => short,
    }
}

/// Letters that leave no ink: spaces, fillers, joiners, selectors and tags.
fn is_unseen(letter: char) -> bool {
    let ranges = [
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x115f, 0x1160),
        (0x180b, 0x180f),
        (0x200b, 0x200d),
        (0x2060, 0x206f),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xe0000, 0xe0fff),
    ];
    let code = u32::from(letter);
    letter == ' '
        || ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&code))
}

fn string(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

fn packet(name: u8, body: &[u8]) -> Vec<u8> {
    [&number(body.len() + 1)[..], &[name], body].concat()
}

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push((number % 128 + 128) as u8);
        number /= 128;
    }
    bytes.push(number as u8);
    bytes
}
