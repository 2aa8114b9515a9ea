//! What the state file of a bridge looks like. Pure.
//!
//! The first line says what the file is. Each other line is a game server: `server=198.51.100.7:27960
//! door=quake tag=QuakeArena-1`.

use crate::bridge::desk::Memory;
use crate::protocol::argument::{Argument, MAX_VALUE, Operator, next_argument, push_value};
use crate::protocol::text::spelled_out;

/// The first line.
const TITLE: &str = "gltracker-bridge 1";

/// The most game servers that are read: more than the doors let in.
const MOST: usize = 20_000;

/// How much of a wrong line is shown, in characters.
const MOST_SHOWN: usize = 80;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) memories: Vec<Memory>,
    /// What is wrong with lines that were left out.
    pub(super) wrong: Vec<String>,
}

/// The text of a file.
pub(super) fn encode(memories: &[Memory]) -> String {
    let mut text = format!("{TITLE}\n");
    for Memory { address, door, tag } in memories {
        text += &format!("server={address} door={door}");
        if !tag.is_empty() {
            text += " tag=";
            push_value(&mut text, tag);
        }
        text.push('\n');
    }
    text
}

/// Reads a file.
///
/// # Errors
/// Why it cannot be a file of a bridge.
pub(super) fn decode(bytes: &[u8]) -> Result<Read, String> {
    let mut lines = bytes.split(|&byte| byte == b'\n').zip(1..);
    match lines.next() {
        Some((b"", _)) if bytes.is_empty() => return Ok(Read::default()),
        Some((line, _)) if line == TITLE.as_bytes() => {}
        _ => {
            return Err(format!(
                "it is no state file of a bridge, whose first line is '{TITLE}'"
            ));
        }
    }
    let mut read = Read::default();
    for (line, number) in lines.filter(|(line, _)| !line.is_empty()) {
        let text = String::from_utf8_lossy(line);
        let memory = match read.memories.len() < MOST {
            true => memory(&text),
            false => Err(format!("it is behind the first {MOST}")),
        };
        match memory {
            Ok(memory) => read.memories.push(memory),
            Err(why) => {
                let shown = spelled_out(&text, MOST_SHOWN);
                read.wrong.push(format!("line {number}, '{shown}': {why}"));
            }
        }
    }
    Ok(read)
}

fn memory(mut line: &str) -> Result<Memory, String> {
    let (mut address, mut door, mut tag) = (None, None, String::new());
    while let Some(argument) = next_argument(&mut line).map_err(|no| no.text)? {
        match argument {
            Argument::Pair("server", Operator::Is, value) => address = value.parse().ok(),
            Argument::Pair("door", Operator::Is, value) => door = Some(value.into_owned()),
            Argument::Pair("tag", Operator::Is, value) if value.len() <= MAX_VALUE => {
                tag = value.into_owned();
            }
            _ => return Err("only server=, door= and tag= are known".to_owned()),
        }
    }
    let needed = "server=ADDRESS:PORT and door= are needed";
    let (address, door) = address.zip(door).ok_or(needed)?;
    Ok(Memory { address, door, tag })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn of(address: &str, door: &str, tag: &str) -> Memory {
        let (door, tag) = (door.to_owned(), tag.to_owned());
        let address = address.parse().unwrap();
        Memory { address, door, tag }
    }

    #[test]
    fn what_was_written_is_read() {
        let memories = vec![
            of("198.51.100.7:27960", "quake", "QuakeArena-1"),
            of("[2001:db8::7]:28785", "cube", ""),
            of("198.51.100.8:1", "cube", "two \"words\" \\"),
        ];
        let text = encode(&memories);
        let wrong = Vec::new();
        assert_eq!(decode(text.as_bytes()), Ok(Read { memories, wrong }));
        assert_eq!(decode(b""), Ok(Read::default()));
    }

    #[test]
    fn wrong_lines_are_left_out_and_another_file_is_refused() {
        let good = "server=1.2.3.4:5 door=quake";
        let text = format!(
            "{TITLE}\nserver=1.2.3.4:5\n{good}\nserver=1.2.3.4 door=cube\n\x1b[2J\n{good} a=b\n"
        );
        let read = decode(text.as_bytes()).unwrap();
        assert_eq!(read.memories, [of("1.2.3.4:5", "quake", "")]);
        assert_eq!(read.wrong.len(), 4, "{:?}", read.wrong);
        assert!(read.wrong[0].starts_with("line 2, 'server=1.2.3.4:5': server="));
        assert!(read.wrong[2].starts_with("line 5, '\\u{1b}[2J': "));
        for other in ["\n", "gltracker 1\n", "ip=1.2.3.4 port=5\n", "\x7fELF"] {
            assert!(decode(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn no_more_is_read_than_there_may_be() {
        let text = encode(&vec![of("1.2.3.4:5", "quake", "x"); MOST + 2]);
        let read = decode(text.as_bytes()).unwrap();
        assert_eq!((read.memories.len(), read.wrong.len()), (MOST, 2));
    }

    quickcheck! {
        fn no_bytes_panic(bytes: Vec<u8>) -> bool {
            let text = [TITLE.as_bytes(), b"\n", &bytes].concat();
            decode(&bytes).is_ok() || decode(&text).is_ok()
        }
    }
}
