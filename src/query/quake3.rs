//! The questions and answers of the Quake III family. Pure.
//!
//! This file hides the infostring, colour codes, and which keys say what.

use super::clean;
use super::status::Status;

/// What every datagram that belongs to no game in progress begins with.
pub const PREFIX: [u8; 4] = [0xff; 4];

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

/// `\key\value\key\value…`
#[derive(Debug, Clone, Copy)]
pub struct InfoString<'a>(pub &'a [u8]);

impl<'a> InfoString<'a> {
    /// The value of `key`. The first counts if there are several.
    pub fn get(&self, key: &str) -> Option<&'a [u8]> {
        let line = self.0.split(|&b| b == b'\n').next()?;
        let mut parts = line.split(|&b| b == b'\\').skip(1);
        while let Some(name) = parts.next() {
            let value = parts.next()?;
            if name.eq_ignore_ascii_case(key.as_bytes()) {
                return Some(value);
            }
        }
        None
    }
}

/// Adds what an infostring of `infoResponse` says.
pub fn read_info(info: InfoString<'_>, status: &mut Status) {
    let said = |key| info.get(key).map(text).filter(|text| !text.is_empty());
    let count = |key| info.get(key).and_then(clean::count);
    status.name = said("hostname").or(said("sv_hostname"));
    status.players = count("g_humanplayers").or(count("clients"));
    status.most = count("sv_maxclients");
    status.map = said("mapname");
    status.game = said("gamename").or(said("game"));
    status.mode = said("gametype");
    status.protocol = said("protocol");
    status.needs_password = count("g_needpass").map(|n| n != 0);
}

/// Plain text without colour codes: a `^` and the character behind it.
pub fn text(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek()) {
            (b'^', Some(next)) if next.is_ascii_alphanumeric() => drop(rest.next()),
            _ => out.push(byte),
        }
    }
    clean::clean(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_status() {
        let answer = b"\xff\xff\xff\xffinfoResponse\n\\g_needpass\\1\\gametype\\4\\sv_maxclients\\8\
                       \\g_humanplayers\\2\\clients\\5\\mapname\\oa_dm1\\hostname\\^1Friday ^7cycles\
                       \\protocol\\71\\gamename\\Quake3Arena\\challenge\\abc";
        let (name, rest) = command(answer).unwrap();
        assert_eq!(name, b"infoResponse");
        let mut status = Status::default();
        read_info(InfoString(rest), &mut status);
        assert_eq!(
            status.fields().map(|(_, value)| value),
            [
                "2",
                "8",
                "",
                "Friday cycles",
                "Quake3Arena",
                "oa_dm1",
                "4",
                "yes",
                "71"
            ]
        );
        assert_eq!(InfoString(rest).get("challenge"), Some(&b"abc"[..]));
    }
}
