//! Bytes into lines.
//!
//! However the bytes of a stream arrive, the same lines come out.

use std::fmt;

/// The longest line in either direction, in bytes, with its LF.
pub const MAX_LINE: usize = 1024;

/// What a PROXY header is told that comes from elsewhere.
pub(crate) const PROXY_HEADER: &str =
    "a PROXY header is what a connection from a network of --proxied begins with";

/// Why a line could not be read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// Longer than [`MAX_LINE`]. Reported once; the rest is skipped up to its LF.
    TooLong,
    /// Not UTF-8, or with a NUL in it.
    NotText,
    /// The third line of a PROXY header of version 2, which is a NUL alone.
    ProxyHeader,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a line has at most {MAX_LINE} bytes with its LF"),
            Self::NotText => f.write_str("a line is UTF-8 text without NUL"),
            Self::ProxyHeader => f.write_str(PROXY_HEADER),
        }
    }
}

/// Cuts a stream into lines, keeping at most [`MAX_LINE`] bytes of an unfinished one.
///
/// ```
/// use gltracker::protocol::line::LineSplitter;
/// let mut splitter = LineSplitter::default();
/// let mut input: &[u8] = b"LIST\r\n\nQU";
/// assert_eq!(splitter.next_line(&mut input), Some(Ok("LIST")));
/// assert_eq!(splitter.next_line(&mut input), Some(Ok("")));
/// assert_eq!(splitter.next_line(&mut input), None); // "QU" waits for more
/// let mut input: &[u8] = b"IT\n";
/// assert_eq!(splitter.next_line(&mut input), Some(Ok("QUIT")));
/// ```
#[derive(Debug, Default)]
pub struct LineSplitter {
    partial: Vec<u8>,
    /// `partial` holds a line that was returned already.
    handed_out: bool,
    /// Inside the rest of a line that was too long.
    skipping: bool,
}

impl LineSplitter {
    /// Takes bytes off the front of `input` until a line is complete. `None` once the input is
    /// used up: what was left of it is kept for the next call. A CR before the LF is dropped, and
    /// a line of nothing but spaces comes out empty.
    pub fn next_line<'a, 'b: 'a>(
        &'a mut self,
        input: &mut &'b [u8],
    ) -> Option<Result<&'a str, LineError>> {
        if self.handed_out {
            // An idle connection keeps no buffer.
            self.partial = Vec::new();
            self.handed_out = false;
        }
        loop {
            let end = input.iter().position(|&byte| byte == b'\n');
            let (head, rest) = match end {
                Some(end) => (&input[..end], &input[end + 1..]),
                None => (*input, &input[input.len()..]),
            };
            *input = rest;
            if self.skipping {
                self.skipping = end.is_none();
                if self.skipping {
                    return None;
                }
                continue;
            }
            if self.partial.len() + head.len() >= MAX_LINE {
                self.partial = Vec::new();
                self.skipping = end.is_none();
                return Some(Err(LineError::TooLong));
            }
            if end.is_none() {
                self.partial.extend_from_slice(head);
                return None;
            }
            if self.partial.is_empty() {
                return Some(as_text(head));
            }
            self.partial.extend_from_slice(head);
            self.handed_out = true;
            return Some(as_text(&self.partial));
        }
    }

    /// True if the stream has so far ended inside a line: something was typed without its LF.
    pub fn is_inside_a_line(&self) -> bool {
        !self.handed_out && !is_blank(without_cr(&self.partial))
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|&byte| byte == b' ')
}

fn as_text(line: &[u8]) -> Result<&str, LineError> {
    let line = without_cr(line);
    match std::str::from_utf8(line) {
        Ok(_) if is_blank(line) => Ok(""),
        Ok("\0") => Err(LineError::ProxyHeader),
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(LineError::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::{TestResult, quickcheck};

    fn lines_of(chunks: &[&[u8]]) -> Vec<Result<String, LineError>> {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(line) = splitter.next_line(&mut input) {
                lines.push(line.map(str::to_owned));
            }
            assert!(input.is_empty());
            assert!(splitter.partial.capacity() <= 2 * MAX_LINE);
        }
        lines
    }

    #[test]
    fn the_longest_line_has_1024_bytes_with_its_lf() {
        for (length, fits) in [(1022, true), (1023, true), (1024, false), (1025, false)] {
            let mut bytes = vec![b'a'; length];
            bytes.extend_from_slice(b"\nnext\n");
            let lines = lines_of(&[&bytes]);
            assert_eq!(lines[0].is_ok(), fits, "{length} bytes before the LF");
            assert_eq!(lines[1..], [Ok("next".to_owned())]);
        }
    }

    #[test]
    fn a_megabyte_without_lf_is_one_error_and_no_memory() {
        let megabyte = vec![b'x'; 1 << 20];
        let mut chunks: Vec<&[u8]> = megabyte.chunks(4096).collect();
        chunks.push(b"\nPING 1\n");
        assert_eq!(
            lines_of(&chunks),
            [Err(LineError::TooLong), Ok("PING 1".to_owned())]
        );
    }

    #[test]
    fn what_is_not_text_is_refused_and_the_next_line_is_read() {
        for bad in [
            &b"\xff"[..],
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"a\0b",
            b"\xe2\x82",
        ] {
            let mut bytes = bad.to_vec();
            bytes.extend_from_slice(b"\nLIST\n");
            assert_eq!(
                lines_of(&[&bytes]),
                [Err(LineError::NotText), Ok("LIST".to_owned())],
                "{bad:?}"
            );
        }
    }

    #[test]
    fn only_the_cr_before_the_lf_is_dropped() {
        assert_eq!(lines_of(&[b"a\rb\r\r\n"]), [Ok("a\rb\r".to_owned())]);
        assert_eq!(lines_of(&[b" \r\r\n"]), [Ok(" \r".to_owned())]);
        assert_eq!(
            lines_of(&[b"\r\n  \r\n   \n\n"]),
            vec![Ok(String::new()); 4]
        );
    }

    #[test]
    fn an_unfinished_line_is_known() {
        let mut splitter = LineSplitter::default();
        let mut input: &[u8] = b"LIST\nQUI";
        while splitter.next_line(&mut input).is_some() {}
        assert!(splitter.is_inside_a_line());
        let mut input: &[u8] = b"T\n";
        assert!(splitter.next_line(&mut input).is_some());
        assert!(!splitter.is_inside_a_line());
    }

    quickcheck! {
        fn any_chopping_gives_the_same_lines(bytes: Vec<u8>, long: u16, cuts: Vec<usize>) -> TestResult {
            // LF is rare among random bytes, and long lines rarer: make both common.
            let mut bytes: Vec<u8> = bytes.into_iter().map(|b| if b % 7 == 0 { b'\n' } else { b }).collect();
            bytes.extend(std::iter::repeat_n(b'l', usize::from(long) % 3000));
            bytes.extend_from_slice(b"\nend\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut start = 0;
            for cut in cuts {
                chunks.push(&bytes[start..cut]);
                start = cut;
            }
            chunks.push(&bytes[start..]);
            TestResult::from_bool(lines_of(&chunks) == lines_of(&[&bytes]))
        }
    }
}
