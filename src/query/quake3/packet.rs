//! The form of a datagram: a command, an infostring, lines.

/// What every datagram that belongs to no game in progress begins with.
pub(super) const PREFIX: [u8; 4] = [0xff; 4];

/// The command of a datagram and what follows: `getinfo`, `infoResponse`, `heartbeat`, ….
///
/// ```
/// use gltracker::query::quake3::command;
/// let (name, rest) = command(b"\xff\xff\xff\xffgetinfo abc\n").unwrap();
/// assert_eq!((name, rest), (&b"getinfo"[..], &b"abc\n"[..]));
/// ```
pub fn command(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = datagram.strip_prefix(&PREFIX)?;
    let end = text.iter().position(|b| b" \n\r\\\0".contains(b));
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = match rest.first() {
        Some(b'\\') | None => rest,
        Some(_) => &rest[1..],
    };
    Some((name, rest))
}

/// A question for information: `getinfo` or `getstatus`, with a word that comes back.
pub fn question(name: &str, word: &str) -> Vec<u8> {
    [&PREFIX, name.as_bytes(), b" ", word.as_bytes()].concat()
}

/// `\key\value\key\value…`, up to the end of its line.
#[derive(Debug, Clone, Copy)]
pub struct InfoString<'a>(pub &'a [u8]);

impl<'a> InfoString<'a> {
    /// The value of `key`. The first counts if there are several.
    pub fn get(&self, key: &str) -> Option<&'a [u8]> {
        let mut parts = self.lines().next()?.split(|&b| b == b'\\').skip(1);
        while let Some(name) = parts.next() {
            let value = parts.next()?;
            if name.eq_ignore_ascii_case(key.as_bytes()) {
                return Some(value);
            }
        }
        None
    }

    /// The lines behind it. In an answer to `getstatus` there is one for each client.
    pub(super) fn lines_behind(&self) -> impl Iterator<Item = &'a [u8]> {
        self.lines().skip(1)
    }

    fn lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split(|&b| b == b'\n')
    }
}
