//! What an answer means.

use crate::query::clean;
use crate::query::status::Status;

/// Flags of what follows the version, in this order.
const PORT: u8 = 0x80;
const SERVER_ID: u8 = 0x10;
const SPECTATOR_PORT: u8 = 0x40;
const KEYWORDS: u8 = 0x20;

/// The number of The Ship, whose answer has three bytes more.
const THE_SHIP: u16 = 2400;

/// Reads what follows the `I` of an answer; `None` if it breaks off.
pub(super) fn read(answer: &[u8]) -> Option<Status> {
    let mut rest = Reader(answer);
    let protocol = rest.byte()?;
    let [name, map, folder, game] = rest.texts()?;
    let id = rest.short()?;
    let [all, most, bots] = rest.bytes()?.map(u16::from);
    let [_kind, _system, visibility, _secure] = rest.bytes()?;
    if id == THE_SHIP {
        rest.take(3)?;
    }
    let version = rest.text()?;
    let mut status = Status {
        name,
        map,
        game: folder.or(game),
        version,
        protocol: Some(protocol.to_string()),
        players: Some(clean::people(all, bots)),
        bots: Some(bots),
        most: Some(most).filter(|&most| most > 0),
        needs_password: Some(visibility != 0),
        ..Status::default()
    };
    // A server that says nothing more has no byte of flags.
    let _ = rest.extra(&mut status);
    Some(status)
}

/// Reads what follows the `m` of an answer, as servers from before 2008 have it.
pub(super) fn read_old(answer: &[u8]) -> Option<Status> {
    let mut rest = Reader(answer);
    let [_address, name, map, folder] = rest.texts()?;
    let [game] = rest.texts()?;
    let [all, most, protocol] = rest.bytes()?;
    let [_kind, _system, visibility, is_mod] = rest.bytes()?;
    if is_mod == 1 {
        let [_link, _download] = rest.texts()?;
        // NUL, version and size of the mod, whom it is for, whether it has a program of its own.
        rest.take(1 + 4 + 4 + 1 + 1)?;
    }
    let [_secure, bots] = rest.bytes()?;
    Some(Status {
        name,
        map,
        game: folder.or(game),
        protocol: Some(protocol.to_string()),
        players: Some(clean::people(all.into(), bots.into())),
        bots: Some(bots.into()),
        most: Some(most.into()).filter(|&most| most > 0),
        needs_password: Some(visibility != 0),
        ..Status::default()
    })
}

/// The rest of an answer. Numbers have their lower byte first.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    /// Bytes up to NUL.
    fn string(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|&byte| byte == 0)?;
        let string = self.take(end + 1)?;
        Some(&string[..end])
    }

    /// The plain text of a string. `Some(None)` if there is nothing in it.
    #[allow(clippy::option_option)]
    fn text(&mut self) -> Option<Option<String>> {
        let text = clean::value(clean::decode(self.string()?).chars());
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    fn texts<const N: usize>(&mut self) -> Option<[Option<String>; N]> {
        let mut texts = [const { None }; N];
        for text in &mut texts {
            *text = self.text()?;
        }
        Some(texts)
    }

    /// What flags announce. `None` if it breaks off.
    fn extra(&mut self, status: &mut Status) -> Option<()> {
        let flags = self.byte()?;
        if flags & PORT != 0 {
            status.port = Some(self.short()?).filter(|&port| port != 0);
        }
        if flags & SERVER_ID != 0 {
            self.take(8)?;
        }
        if flags & SPECTATOR_PORT != 0 {
            self.short()?;
            self.string()?;
        }
        if flags & KEYWORDS != 0 {
            let keywords = self.string()?;
            if status.game.as_deref() == Some("rust") {
                read_keywords_of_rust(keywords, status);
            }
        }
        // The number of the game, with which an answer ends, is not needed.
        Some(())
    }
}

/// Rust's servers have more players than a byte counts: `cp` and `mp` say how many there are and may be.
fn read_keywords_of_rust(keywords: &[u8], status: &mut Status) {
    for word in keywords.split(|&byte| byte == b',') {
        let number = |name| word.strip_prefix(name).and_then(clean::count);
        status.players = number(&b"cp"[..]).or(status.players);
        status.most = number(&b"mp"[..]).or(status.most);
    }
}
