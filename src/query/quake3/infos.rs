//! Which keys of an answer mean what.

use super::packet::InfoString;
use super::text::text;
use crate::query::clean;
use crate::query::status::Status;

/// Adds what an answer to `getinfo` says.
pub(crate) fn read_info(info: InfoString<'_>, status: &mut Status) {
    let clients = count(info, &["clients"]);
    status.bots = count(info, &["bots"]);
    // All games but those of Daemon count bots among the clients.
    let among = status.bots.filter(|_| info.get("daemonver").is_none());
    status.players = clients.map(|all| clean::people(all, among.unwrap_or(0)));
    if let Some(people) = count(info, &["g_humanplayers"]) {
        status.bots = clients.map(|all| all.saturating_sub(people));
        status.players = Some(people);
    }
    // Without those that are kept for friends.
    status.most = count(info, &["sv_maxclients"]).filter(|&most| most > 0);
    status.game = said(info, &["gamename", "game"]);
    read_common(info, status);
}

/// Adds what an answer to `getstatus` says and one to `getinfo` has not said.
pub(super) fn read_status(info: InfoString<'_>, status: &mut Status) {
    if status.bots.is_none() {
        let pings: Vec<u16> = info.lines_behind().filter_map(ping).collect();
        let bots = pings.iter().filter(|&&ping| ping == 0).count() as u16;
        let listed = pings.len() as u16;
        let all = count(info, &["clients"]).or(status.players).unwrap_or(0);
        let bots = count(info, &["bots"]).unwrap_or(bots);
        status.bots = Some(bots);
        // A datagram has no room for the lines of very many.
        status.players = Some(clean::people(all.max(listed), bots));
    }
    let most = count(info, &["sv_maxclients"]);
    let private = count(info, &["sv_privateClients"]).unwrap_or(0);
    let most = most.and_then(|most| most.checked_sub(private));
    status.most = status.most.or(most).filter(|&most| most > 0);
    let game = || said(info, &["com_gamename", "gamename", "game"]);
    status.game = status.game.take().or_else(game);
    read_common(info, status);
    let version = said(info, &["version"]).map(|version| short(&version));
    status.version = version.or(status.version.take());
}

/// True if nothing is left to ask: DarkPlaces says the same to both questions. It answers one a second.
pub(super) fn is_all(info: InfoString<'_>) -> bool {
    info.get("gameversion").is_some()
}

/// Adds what both answers may say.
fn read_common(info: InfoString<'_>, status: &mut Status) {
    let first = |known: &mut Option<String>, keys: &[&str]| {
        *known = known.take().or_else(|| said(info, keys));
    };
    first(&mut status.name, &["hostname", "sv_hostname"]);
    first(&mut status.map, &["mapname"]);
    first(&mut status.mode, &["gametype", "g_gametype"]);
    first(&mut status.protocol, &["protocol", "com_protocol"]);
    let (mode, version) = progs(info);
    status.mode = status.mode.take().or(mode);
    status.version = status.version.take().or(version);
    let password = count(info, &["g_needpass", "needpass", "password", "pswrd"]);
    status.needs_password = status.needs_password.or(password.map(|n| n != 0));
}

/// The text of the first of these keys that says something.
fn said(info: InfoString<'_>, keys: &[&str]) -> Option<String> {
    let mut texts = keys.iter().filter_map(|key| info.get(key)).map(text);
    texts.find(|text| !text.is_empty())
}

/// The number of the first of these keys that has one.
fn count(info: InfoString<'_>, keys: &[&str]) -> Option<u16> {
    let mut values = keys.iter().filter_map(|key| info.get(key));
    values.find_map(clean::count)
}

/// The ping of a client's line, `score ping "name"`. A bot's is 0; who is connecting has 999.
fn ping(line: &[u8]) -> Option<u16> {
    let mut words = line.split(|&b| b == b' ');
    let (_score, ping) = (words.next()?, words.next()?);
    clean::count(ping)
}

/// The mode and the version that the games of DarkPlaces say, `mode:version:…`.
fn progs(info: InfoString<'_>) -> (Option<String>, Option<String>) {
    let status = said(info, &["qcstatus"]).unwrap_or_default();
    let mut parts = status.split(':').map(str::trim);
    let mut part = || {
        let part = parts.next().filter(|part| !part.is_empty());
        part.map(str::to_owned)
    };
    (part(), part())
}

/// `ioq3 1.36` of `ioq3 1.36 linux-x86_64 Nov 23 2022`.
fn short(version: &str) -> String {
    let is_number = |word: &str| {
        let word = word.strip_prefix('v').unwrap_or(word);
        word.starts_with(|c: char| c.is_ascii_digit())
    };
    let words: Vec<&str> = version.split(' ').collect();
    let number = words.iter().position(|word| is_number(word));
    words[..number.map_or(words.len(), |at| at + 1)].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::quake3::command;

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

    #[test]
    fn what_darkplaces_says_of_its_game_is_plain() {
        for (status, mode, version) in [
            ("dm:0.8.6:P47:S14::score!!", Some("dm"), Some("0.8.6")),
            (" ctf : 2.5 :", Some("ctf"), Some("2.5")),
            (": :", None, None),
        ] {
            let info = format!("\\qcstatus\\{status}");
            let (is_mode, is_version) = progs(InfoString(info.as_bytes()));
            assert_eq!((is_mode.as_deref(), is_version.as_deref()), (mode, version));
        }
    }
}
