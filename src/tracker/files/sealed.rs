//! A text that shows whether it is whole.
//!
//! ```text
//! gltracker-state 1
//! …
//! end 2 0f3d5c2b8a917e64
//! ```
//!
//! The first line says what the text is, and in which version of its format. The last has the count of the
//! lines between, and a checksum of all lines before it, which shows that the text is torn or was typed over.
//! Pure.

use std::fmt;

/// What a text is: the word on its first line, and the version behind it.
pub(super) type Form = (&'static str, u32);

/// Lines that a text may have besides one for each slot.
pub(super) const MORE_LINES: usize = 5000;

/// The most lines of a text: no tracker has more than a million slots.
const MAX_LINES: usize = 1_000_000 + MORE_LINES;

/// Why a text is not one that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The first line is another.
    Foreign,
    /// A format that this program does not know, and the one that it does.
    Version(u32, u32),
    /// The last line is missing, or is not what the lines before it give.
    Torn,
    /// This line, counted from 1, is none that a tracker writes.
    Line(usize),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => write!(f, "it is not the file that gltracker keeps there"),
            Self::Version(version, known) => write!(
                f,
                "it has format {version}, of a newer gltracker; this one reads {known}"
            ),
            Self::Torn => write!(f, "it is torn: its end does not fit what is before it"),
            Self::Line(number) => write!(f, "line {number} is none that a tracker writes"),
        }
    }
}

/// The first line of a text, with its LF.
pub(super) fn begin((word, version): Form) -> String {
    format!("{word} {version}\n")
}

/// The last line of a text with these lines before it, `count` of them behind the first.
pub(super) fn end(count: usize, lines: &[u8]) -> String {
    format!("end {count} {:016x}\n", checksum(lines))
}

/// The lines between the first and the last of a whole text, each with its number.
///
/// # Errors
/// [`Wrong`], and nothing of it is used.
pub(super) fn open(
    text: &[u8],
    (word, known): Form,
) -> Result<impl Iterator<Item = (usize, &[u8])>, Wrong> {
    let first = text.split(|&byte| byte == b'\n').next();
    let first = first.filter(|first| first.len() < text.len());
    let version = first.and_then(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let version = line.strip_prefix(word)?.strip_prefix(' ')?;
        // A number in its one spelling.
        let number = version.parse::<u32>().ok()?;
        (number.to_string() == version).then_some(number)
    });
    match version {
        None => return Err(Wrong::Foreign),
        Some(version) if version == known => {}
        Some(other) => return Err(Wrong::Version(other, known)),
    }
    let body = text.strip_suffix(b"\n").ok_or(Wrong::Torn)?;
    let start = body.iter().rposition(|&byte| byte == b'\n');
    let (lines, last) = text.split_at(1 + start.ok_or(Wrong::Torn)?);
    let count = lines.iter().filter(|&&byte| byte == b'\n').count() - 1;
    if last != end(count, lines).as_bytes() {
        return Err(Wrong::Torn);
    }
    if count > MAX_LINES {
        return Err(Wrong::Line(MAX_LINES + 2));
    }
    let lines = lines.split(|&byte| byte == b'\n');
    Ok((1..).zip(lines).skip(1).take(count))
}

/// FNV-1a with 64 bits. Each step is a bijection of what came before, so a change of one byte is always
/// noticed, and any other change but once in 2^64. It keeps out accidents, not forgers: whoever can write
/// the file can write a valid one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
