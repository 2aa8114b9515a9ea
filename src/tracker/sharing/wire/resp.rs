//! Commands to bytes, and bytes to replies: RESP2, the protocol of Redis and Valkey. Pure.
//!
//! This file hides how they are written. A reply may come in any pieces; each byte of it is read once.

use crate::protocol::text::spelled_out;
use std::fmt;

/// The most memory that one reply may take, in bytes. The records of 100,000 game servers take 30 MB.
pub const MAX_REPLY: usize = 64 * 1024 * 1024;

/// What each part of a reply counts besides its own bytes: what it takes in memory.
const COST_OF_A_PART: usize = size_of::<Reply>();

/// The most arrays inside one another. The deepest answer in use is XREAD's: streams, one stream, its
/// entries, one entry, its fields.
const MAX_DEPTH: usize = 5;

/// The longest line of a reply, in bytes. Texts of errors are some 100 bytes long.
const MAX_LINE: usize = 8 * 1024;

/// How much of something that is no reply is shown, in characters.
const SHOWN: usize = 40;

/// Commands that are sent at once, whose replies come in the same order.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    bytes: Vec<u8>,
    /// Where each command begins.
    starts: Vec<usize>,
}

impl Pipeline {
    /// No command yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one command: its name and its arguments.
    pub fn push(&mut self, words: &[&[u8]]) {
        self.starts.push(self.bytes.len());
        self.head(b'*', words.len());
        for word in words {
            self.head(b'$', word.len());
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
    }

    fn head(&mut self, kind: u8, count: usize) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(count.to_string().as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// How many commands there are, and so how many replies to expect.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// All commands as they are sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name of the command at this place, for a person; empty if there is none.
    pub fn name(&self, at: usize) -> String {
        let command = self.starts.get(at).map(|start| &self.bytes[*start..]);
        let mut lines = command.unwrap_or_default().split(|byte| *byte == b'\n');
        let name = lines.nth(2).unwrap_or_default();
        spelled_out(String::from_utf8_lossy(name).trim_end(), SHOWN)
    }
}

/// What the engine answers to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A word such as OK.
    Status(String),
    /// Why it was not done: a word in capitals, then a text.
    Error(String),
    /// A number.
    Number(i64),
    /// A value.
    Bytes(Vec<u8>),
    /// There is no such value.
    Nil,
    /// Several replies.
    Array(Vec<Reply>),
}

/// What came is no reply: the engine is something else, or has lost its place. Displayed as what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotResp(String);

impl fmt::Display for NotResp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts replies together from bytes as they come.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    /// How many of the bytes have been read.
    read: usize,
    /// The arrays that are not whole yet, the outermost first.
    open: Vec<Open>,
    /// What the reply that is being read takes so far.
    cost: usize,
}

/// An array of which some replies are missing.
#[derive(Debug)]
struct Open {
    missing: usize,
    replies: Vec<Reply>,
}

/// What begins here.
enum Part {
    Whole(Reply),
    ArrayOf(usize),
}

impl Reader {
    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// True if bytes are left that no reply has used up.
    pub fn is_inside(&self) -> bool {
        self.read < self.bytes.len() || !self.open.is_empty()
    }

    /// The next reply; `None` if it is not whole yet.
    ///
    /// # Errors
    /// What came is no reply, or one that is too large. Nothing that follows can be read.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, NotResp> {
        while let Some(part) = self.part()? {
            let whole = match part {
                Part::ArrayOf(0) => Some(Reply::Array(Vec::new())),
                Part::ArrayOf(count) => {
                    self.open(count)?;
                    None
                }
                Part::Whole(reply) => Some(reply),
            };
            if let Some(reply) = whole.and_then(|reply| self.close(reply)) {
                self.cost = 0;
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    fn open(&mut self, missing: usize) -> Result<(), NotResp> {
        if self.open.len() == MAX_DEPTH || missing > (MAX_REPLY - self.cost) / COST_OF_A_PART {
            return Err(too_large());
        }
        let replies = Vec::new();
        self.open.push(Open { missing, replies });
        Ok(())
    }

    /// Puts a reply into the array it belongs to; returns what is whole by that.
    fn close(&mut self, mut reply: Reply) -> Option<Reply> {
        while let Some(array) = self.open.last_mut() {
            array.replies.push(reply);
            array.missing -= 1;
            if array.missing > 0 {
                return None;
            }
            reply = Reply::Array(std::mem::take(&mut array.replies));
            self.open.pop();
        }
        Some(reply)
    }

    /// Reads what stands next, if it is there.
    fn part(&mut self) -> Result<Option<Part>, NotResp> {
        let rest = &self.bytes[self.read..];
        let Some((kind, line, behind)) = line(rest)? else {
            return Ok(None);
        };
        let text = || String::from_utf8_lossy(line).into_owned();
        let (part, length) = match (kind, count(kind, line).ok_or_else(|| not_resp(rest))?) {
            (b'+', _) => (Part::Whole(Reply::Status(text())), behind),
            (b'-', _) => (Part::Whole(Reply::Error(text())), behind),
            (b':', number) => (Part::Whole(Reply::Number(number)), behind),
            (_, -1) => (Part::Whole(Reply::Nil), behind),
            (b'*', count) => (Part::ArrayOf(size(count)), behind),
            (_, count) => match value(rest, behind, size(count), MAX_REPLY - self.cost)? {
                Some((value, end)) => (Part::Whole(Reply::Bytes(value.to_vec())), end),
                None => return Ok(None),
            },
        };
        self.cost += length + COST_OF_A_PART;
        if self.cost > MAX_REPLY {
            return Err(too_large());
        }
        self.read += length;
        Ok(Some(part))
    }
}

/// A line: its kind, the rest of it, and where it ends.
type Line<'a> = (u8, &'a [u8], usize);

/// The line that `bytes` begin with. `None` if it is not whole.
fn line(bytes: &[u8]) -> Result<Option<Line<'_>>, NotResp> {
    let Some(kind) = bytes.first().copied() else {
        return Ok(None);
    };
    let end = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
    match end {
        _ if !b"+-:$*".contains(&kind) => Err(not_resp(bytes)),
        None if bytes.len() >= MAX_LINE => Err(not_resp(bytes)),
        None => Ok(None),
        Some(end) => match bytes[1..end].strip_suffix(b"\r") {
            Some(line) => Ok(Some((kind, line, end + 1))),
            None => Err(not_resp(bytes)),
        },
    }
}

/// The number that a line of this kind holds: 0 where it holds a text.
fn count(kind: u8, line: &[u8]) -> Option<i64> {
    let least = match kind {
        b'+' | b'-' => return Some(0),
        b':' => i64::MIN,
        _ => -1,
    };
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(line).ok()?.parse().ok();
    number.filter(|number| is_number && *number >= least)
}

/// A count as a size: one that does not fit is too large in any case.
fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// The value of so many bytes that begins at `from`, and where its line ends. `None` if it is not whole.
fn value(
    bytes: &[u8],
    from: usize,
    count: usize,
    most: usize,
) -> Result<Option<(&[u8], usize)>, NotResp> {
    if count > most {
        return Err(too_large());
    }
    let end = from + count;
    match bytes.get(end..end + 2) {
        Some(b"\r\n") => Ok(Some((&bytes[from..end], end + 2))),
        Some(_) => Err(not_resp(&bytes[end..])),
        None => Ok(None),
    }
}

fn too_large() -> NotResp {
    NotResp(format!(
        "a reply of more than {} MiB",
        MAX_REPLY / (1024 * 1024)
    ))
}

/// Says what came in place of a reply.
fn not_resp(bytes: &[u8]) -> NotResp {
    let shown = &bytes[..bytes.len().min(4 * SHOWN)];
    let says = |word: &[u8]| bytes.starts_with(word);
    NotResp(match spelled_out(&String::from_utf8_lossy(shown), SHOWN) {
        _ if says(b"HTTP/") => "the answer of a web server".to_owned(),
        _ if says(b"\x15\x03") => "an answer in TLS".to_owned(),
        text if says(b"ERR ") => format!("'{text}', as a tracker of game servers answers"),
        text => format!("'{text}'"),
    })
}

#[cfg(test)]
mod tests;
