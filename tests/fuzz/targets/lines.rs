//! Bytes into lines, lines into commands of both ports, and bytes as a datagram.
#![no_main]

use gltracker::game_server::Datagram;
use gltracker::protocol::command::{ClientCommand, GameServerCommand};
use gltracker::protocol::line::{LineError, LineSplitter};
use gltracker::protocol::refusal::Refusal;
use gltracker_fuzz::checks::{MAX_LINE, plain_line};
use gltracker_fuzz::script::{grown, pieces};
use libfuzzer_sys::fuzz_target;

type Lines = Vec<Result<String, LineError>>;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    // The two bytes behind the last LF decide how the stream is chopped.
    let (stream, seed) = data.split_at(data.len().saturating_sub(2));
    let seed = seed
        .iter()
        .fold(0, |seed, byte| seed << 8 | u32::from(*byte));
    let (lines, is_inside) = naive(stream);
    for most in [1, 7, 300, 5000] {
        let (chopped, is_inside_now) = split(&pieces(stream, seed, most));
        assert_eq!((&chopped, is_inside_now), (&lines, is_inside));
    }
    for line in lines {
        match line {
            Ok(line) => parse(&line),
            Err(error) => plain_line(&Refusal::from(error).to_string()),
        }
    }
    datagram(data);
});

/// What is sent back is as long as what came, and the same but for its verb.
fn datagram(data: &[u8]) {
    if let Some(Datagram::Ping(answer)) = Datagram::read(data) {
        assert!(answer.starts_with(b"PONG") && data[..4].eq_ignore_ascii_case(b"PING"));
        assert_eq!(answer[4..], data[4..]);
        assert!(data.len() <= 260, "{} bytes", data.len());
    }
}

/// The lines of `stream`, and whether it ends inside one.
fn naive(stream: &[u8]) -> (Lines, bool) {
    let mut lines: Vec<&[u8]> = stream.split(|&byte| byte == b'\n').collect();
    let last = lines.pop().unwrap_or_default();
    let mut lines: Lines = lines.into_iter().map(as_text).collect();
    let is_too_long = last.len() >= MAX_LINE;
    if is_too_long {
        lines.push(Err(LineError::TooLong));
    }
    (lines, !is_too_long && as_text(last) != Ok(String::new()))
}

fn as_text(line: &[u8]) -> Result<String, LineError> {
    if line.len() + 1 > MAX_LINE {
        return Err(LineError::TooLong);
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| LineError::NotText)?;
    match text {
        "\0" => Err(LineError::ProxyHeader),
        _ if text.contains('\0') => Err(LineError::NotText),
        _ if text.trim_matches(' ').is_empty() => Ok(String::new()),
        _ => Ok(text.to_owned()),
    }
}

fn split(pieces: &[&[u8]]) -> (Lines, bool) {
    let mut splitter = LineSplitter::default();
    let mut lines = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while let Some(line) = splitter.next_line(&mut input) {
            lines.push(line.map(str::to_owned));
        }
        assert!(input.is_empty());
    }
    (lines, splitter.is_inside_a_line())
}

/// Parses a line for both ports. Spaces around it and the case of its verb mean nothing.
fn parse(line: &str) {
    let trimmed = line.trim_matches(' ');
    let (verb, rest) = trimmed.split_at(trimmed.find(' ').unwrap_or(trimmed.len()));
    let same = format!("  {}{rest} ", verb.to_ascii_lowercase());
    match (
        GameServerCommand::parse(line),
        GameServerCommand::parse(&same),
    ) {
        (Err(refusal), Err(_)) => plain_line(&refusal.to_string()),
        (command, same) => assert_eq!(command, same),
    }
    match (ClientCommand::parse(line), ClientCommand::parse(&same)) {
        (Err(refusal), Err(_)) => plain_line(&refusal.to_string()),
        (command, same) => assert_eq!(command, same),
    }
}
