//! What an engine answers in RESP, and the commands that it is sent.
//!
//! An input is bytes as they come from the engine. The last two decide how the stream is chopped.
#![no_main]

use gltracker::tracker::sharing::wire::resp::{Pipeline, Reader, Reply};
use gltracker_fuzz::checks::plain_line;
use gltracker_fuzz::script::{grown, pieces};
use libfuzzer_sys::fuzz_target;

/// The longest line of a reply, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// The most arrays inside one another.
const MAX_DEPTH: usize = 5;

/// What one reply may take, in bytes, and what each part of it counts besides its own.
const MAX_REPLY: usize = 64 * 1024 * 1024;
const COST_OF_A_PART: usize = size_of::<Reply>();

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let (stream, seed) = data.split_at(data.len().saturating_sub(2));
    let seed = seed
        .iter()
        .fold(0, |seed, byte| seed << 8 | u32::from(*byte));
    let naive = naive(stream);
    for most in [1, 7, 300, 10_000] {
        let (replies, end) = read(&pieces(stream, seed, most));
        assert_eq!((&replies, end), (&naive.0, naive.1), "{stream:?}");
    }
    let written: Vec<u8> = naive.0.iter().flat_map(written).collect();
    // What is no text is longer when it is written again.
    if written.len() < MAX_LINE {
        assert_eq!(read(&[&written]), (naive.0, End::Whole), "{written:?}");
    }
    commands(data);
});

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Inside,
    Wrong,
}

fn read(pieces: &[&[u8]]) -> (Vec<Reply>, End) {
    let (mut reader, mut replies) = (Reader::default(), Vec::new());
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.next_reply() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(what) => {
                    plain_line(&what.to_string());
                    return (replies, End::Wrong);
                }
            }
        }
    }
    let end = match reader.is_inside() {
        true => End::Inside,
        false => End::Whole,
    };
    (replies, end)
}

/// The replies of the whole stream, read without haste.
fn naive(mut stream: &[u8]) -> (Vec<Reply>, End) {
    let mut replies = Vec::new();
    while !stream.is_empty() {
        let mut cost = 0;
        match reply(&mut stream, 0, &mut cost) {
            Ok(reply) => replies.push(reply),
            Err(end) => return (replies, end),
        }
    }
    (replies, End::Whole)
}

fn reply(stream: &mut &[u8], depth: usize, cost: &mut usize) -> Result<Reply, End> {
    let before = stream.len();
    let kind = *stream.first().ok_or(End::Inside)?;
    if !b"+-:$*".contains(&kind) {
        return Err(End::Wrong);
    }
    let line = &line(stream)?[1..];
    let text = || String::from_utf8_lossy(line).into_owned();
    let part = match kind {
        b'+' => Reply::Status(text()),
        b'-' => Reply::Error(text()),
        b':' => Reply::Number(number(line)?),
        _ => match number(line)? {
            ..-1 => return Err(End::Wrong),
            -1 => Reply::Nil,
            count if kind == b'*' => {
                spend(cost, before - stream.len())?;
                return array(stream, count, depth, cost);
            }
            count => Reply::Bytes(value(stream, count, MAX_REPLY - *cost)?),
        },
    };
    spend(cost, before - stream.len())?;
    Ok(part)
}

fn spend(cost: &mut usize, bytes: usize) -> Result<(), End> {
    *cost += bytes + COST_OF_A_PART;
    (*cost <= MAX_REPLY).then_some(()).ok_or(End::Wrong)
}

fn array(stream: &mut &[u8], count: i64, depth: usize, cost: &mut usize) -> Result<Reply, End> {
    let is_too_long = count as u128 > ((MAX_REPLY - *cost) / COST_OF_A_PART) as u128;
    if count > 0 && (depth == MAX_DEPTH || is_too_long) {
        return Err(End::Wrong);
    }
    let replies = (0..count).map(|_| reply(stream, depth + 1, cost));
    Ok(Reply::Array(replies.collect::<Result<_, _>>()?))
}

/// Takes a line, without its end.
fn line<'a>(stream: &mut &'a [u8]) -> Result<&'a [u8], End> {
    let start = &stream[..stream.len().min(MAX_LINE)];
    let Some(end) = start.iter().position(|byte| *byte == b'\n') else {
        return Err(match start.len() < MAX_LINE {
            true => End::Inside,
            false => End::Wrong,
        });
    };
    let line = &stream[..end];
    *stream = &stream[end + 1..];
    match line {
        [_, .., b'\r'] => Ok(&line[..line.len() - 1]),
        _ => Err(End::Wrong),
    }
}

/// Takes a value of so many bytes and the end of its line.
fn value(stream: &mut &[u8], count: i64, most: usize) -> Result<Vec<u8>, End> {
    let count = usize::try_from(count).map_err(|_| End::Wrong)?;
    if count > most {
        return Err(End::Wrong);
    }
    if stream.len() < count + 2 {
        return Err(End::Inside);
    }
    let (value, rest) = stream.split_at(count);
    *stream = rest.strip_prefix(b"\r\n").ok_or(End::Wrong)?;
    Ok(value.to_vec())
}

fn number(line: &[u8]) -> Result<i64, End> {
    let text = std::str::from_utf8(line).map_err(|_| End::Wrong)?;
    match text.starts_with('+') {
        true => Err(End::Wrong),
        false => text.parse().map_err(|_| End::Wrong),
    }
}

/// A reply as an engine writes it.
fn written(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Status(text) => format!("+{text}\r\n").into_bytes(),
        Reply::Error(text) => format!("-{text}\r\n").into_bytes(),
        Reply::Number(number) => format!(":{number}\r\n").into_bytes(),
        Reply::Nil => b"*-1\r\n".to_vec(),
        Reply::Bytes(bytes) => {
            let head = format!("${}\r\n", bytes.len());
            [head.as_bytes(), bytes, b"\r\n"].concat()
        }
        Reply::Array(replies) => {
            let replies: Vec<Vec<u8>> = replies.iter().map(written).collect();
            let head = format!("*{}\r\n", replies.len());
            [head.as_bytes(), &replies.concat()].concat()
        }
    }
}

/// Commands of any words are arrays of values, as an engine reads them.
fn commands(data: &[u8]) {
    let lines: Vec<Vec<&[u8]>> = data
        .split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == b' ').collect())
        .collect();
    let mut pipeline = Pipeline::new();
    lines.iter().for_each(|words| pipeline.push(words));
    assert_eq!(pipeline.count(), lines.len());
    let command = |words: &Vec<&[u8]>| {
        let words = words.iter().map(|word| Reply::Bytes(word.to_vec()));
        Reply::Array(words.collect())
    };
    let all: Vec<Reply> = lines.iter().map(command).collect();
    assert_eq!(read(&[pipeline.bytes()]), (all, End::Whole));
}
