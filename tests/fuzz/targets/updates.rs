//! Updates from standard input and from a file that is followed, and what becomes of them.
//!
//! The stream is the input, and so is the script of what happens to the file: a step is a line:
//! `+<text>` appends, `=<text>` puts another file in its place, `?` looks; `|` is an LF in a text.
#![no_main]

use gltracker::game_server::announce::{Follower, Numbered, read_lines};
use gltracker::game_server::{Announcer, Credential, TrackerAddress};
use gltracker_fuzz::checks::{MAX_LINE, is_plain, plain_line};
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::{grown, pieces, steps};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The file that is followed.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("gltracker-fuzz-updates-{}", std::process::id()))
});

/// An announcer whose tracker is not there.
static ANNOUNCER: LazyLock<Announcer> = LazyLock::new(|| {
    let tracker: TrackerAddress = "127.0.0.1:1".parse().expect("an address");
    let credential = Credential::password("secret").expect("a password");
    Announcer::start(vec![tracker], credential, "port=1", |_| {}).expect("it starts")
});

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let lines = stream(data);
    announced(&lines);
    followed(data);
});

/// Somebody who writes in pieces, and signals that interrupt whoever reads.
struct Pieces<'a>(Vec<&'a [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop() {
            None => Ok(0),
            Some([]) => Err(ErrorKind::Interrupted.into()),
            Some(piece) => {
                let (now, later) = piece.split_at(piece.len().min(buffer.len()));
                buffer[..now.len()].copy_from_slice(now);
                if !later.is_empty() {
                    self.0.push(later);
                }
                Ok(now.len())
            }
        }
    }
}

/// The lines of `data` as a stream, in any pieces.
fn stream(data: &[u8]) -> Vec<Numbered> {
    let mut lines = Vec::new();
    for (seed, most) in [(0, 5000), (data.len() as u32, 3), (7, 600)] {
        let mut pieces = pieces(data, seed, most);
        pieces.reverse();
        lines.clear();
        read_lines(Pieces(pieces), |line| {
            lines.push(line);
            true
        });
        assert_eq!(by_number(&lines), expected(data));
        assert!(lines.iter().zip(1..).all(|((number, _), n)| *number == n));
    }
    lines
}

/// The lines of a text, `None` for one that is none. A last one without LF counts, unless it is
/// blank.
fn expected(text: &[u8]) -> BTreeMap<usize, Option<String>> {
    let mut lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let is_blank = |line: &&[u8]| as_line(line).is_some_and(|line| line.is_empty());
    lines.pop_if(|last| is_blank(&&**last));
    lines
        .into_iter()
        .zip(1..)
        .map(|(line, number)| (number, as_line(line)))
        .collect()
}

fn as_line(line: &[u8]) -> Option<String> {
    if line.len() >= MAX_LINE || line.contains(&0) {
        return None;
    }
    let text = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
    match text.trim_matches(' ') {
        "" => Some(String::new()),
        _ => Some(text.to_owned()),
    }
}

/// What was said last of each line.
fn by_number(lines: &[Numbered]) -> BTreeMap<usize, Option<String>> {
    let lines = lines.iter().map(|(number, line)| match line {
        Ok(line) => (*number, Some(line.clone())),
        Err(why) => {
            plain_line(why);
            (*number, None)
        }
    });
    lines.collect()
}

/// Checks that each line changes what is announced as it says, or changes nothing.
fn announced(lines: &[Numbered]) {
    for (key, _) in ANNOUNCER.fields().iter().filter(|(key, _)| *key != "port") {
        ANNOUNCER.update(key, "").expect("a field can be removed");
    }
    ANNOUNCER.update("port", "1").expect("a port");
    let mut wanted = Fields::from([("port".to_owned(), "1".to_owned())]);
    for (_, line) in lines.iter().take(32) {
        let Ok(line) = line else {
            continue;
        };
        let merged = naive::said(line).and_then(|said| merged(&wanted, &said));
        match (ANNOUNCER.say(line), merged) {
            (Ok(()), Some(merged)) => wanted = merged,
            (Err(refusal), None) => plain_line(&refusal.to_string()),
            (done, merged) => panic!("{line:?} says {merged:?}, not {done:?}"),
        }
        assert_eq!(ANNOUNCER.fields().spelled(), naive::spell(&wanted));
    }
}

/// `fields` after what was `said`, if a game server may have them.
fn merged(fields: &Fields, said: &Fields) -> Option<Fields> {
    if ["checked", "stale", "mac"]
        .into_iter()
        .any(|word| said.contains_key(word))
    {
        return None;
    }
    let mut merged = fields.clone();
    naive::merge(&mut merged, said);
    let mut own = merged.clone();
    own.remove("ip");
    let is_few = own.len() <= 32 && naive::spell(&own).len() <= 953;
    (is_few && own.contains_key("port")).then_some(merged)
}

/// Checks that what is known of a file in the end is what it holds.
fn followed(data: &[u8]) {
    let mut follower = Follower::new(FILE.clone());
    let (mut known, mut holds) = (BTreeMap::new(), Vec::new());
    let mut look = |known: &mut BTreeMap<_, _>| {
        let look = follower.look();
        if let Some(problem) = look.problem {
            assert!(problem.chars().all(is_plain), "{problem:?}");
        }
        known.extend(by_number(&look.lines));
    };
    look(&mut known);
    let mut is_there = false;
    for (step, text) in steps(data).take(24) {
        let text = text
            .iter()
            .map(|byte| if *byte == b'|' { b'\n' } else { *byte });
        let text: Vec<u8> = text.collect();
        match step {
            b'+' => {
                let mut file = File::options().create(true).append(true).open(&*FILE);
                file.as_mut()
                    .expect("it opens")
                    .write_all(&text)
                    .expect("it is written");
                holds.extend_from_slice(&text);
                is_there = true;
            }
            b'=' => {
                let other = FILE.with_extension("new");
                fs::write(&other, &text).expect("it is written");
                fs::rename(&other, &*FILE).expect("it is renamed");
                holds = text;
                known.clear();
                is_there = true;
                // Of two that follow upon each other, a file system may call the second what it
                // called the first.
                look(&mut known);
            }
            b'?' => look(&mut known),
            _ => {}
        }
    }
    (0..3).for_each(|_| look(&mut known));
    // A last line that is blank may be told or not: it says nothing.
    known.retain(|_, line| line.as_deref() != Some(""));
    let mut expected = expected(&holds);
    expected.retain(|_, line| line.as_deref() != Some(""));
    assert_eq!(known, expected);
    if is_there {
        fs::remove_file(&*FILE).expect("it is there");
    }
}
