//! What a game server says it is: an `infoResponse` to fields, or the reason why it is not listed.

use super::games::{Games, is_name};
use super::list::question::number;
use crate::protocol::fields::Infos;
use crate::query::quake3::{self, InfoString};
use crate::query::{Kind, Status};

/// The fields that are left out, in this order, if all together are too long.
const LEAST_NEEDED: [&str; 4] = ["version", "description", "map", "mode"];

/// Reads an answer whose heartbeat stands for `game`, if it stands for one.
///
/// # Errors
/// What the operator of the game server would have to change.
pub(super) fn read(
    info: InfoString<'_>,
    game: Option<&str>,
    games: &Games,
) -> Result<Infos, String> {
    let value = |key: &str| info.get(key).filter(|value| !value.is_empty());
    let protocol = value("protocol").ok_or("it says no protocol")?;
    let protocol = number(protocol).ok_or("its protocol is not a number")?;
    let has_blank = |value: &[u8]| value.contains(&b' ');
    if value("gametype").is_some_and(has_blank) {
        return Err("its gametype has a blank in it".to_owned());
    }
    value("clients").ok_or("it does not say how many clients it has")?;
    let mut status = Status::default();
    quake3::read_info(info, &mut status);
    if status.most.is_none_or(|most| most == 0) {
        return Err("its sv_maxclients is not a number of players".to_owned());
    }
    status.game = Some(name(value("gamename"), game, games)?);
    status.protocol = Some(protocol.to_string());
    Ok(fields(&status))
}

/// The one name of its game.
fn name(said: Option<&[u8]>, game: Option<&str>, games: &Games) -> Result<String, String> {
    let said = said.map(|said| match is_name(said) {
        true => Ok(String::from_utf8_lossy(said)),
        false => Err("its gamename is not one word of at most 63 characters"),
    });
    let said = said.transpose()?;
    let said = said.as_deref().map(|said| games.name(said));
    let game = game.map(|game| games.name(game));
    let name = match (said, game) {
        (Some(said), Some(game)) if said != game => {
            return Err(format!(
                "its gamename is '{said}', but its heartbeat is that of '{game}'"
            ));
        }
        _ => game.or(said).ok_or("it says no gamename")?,
    };
    if !games.is_welcome(name) {
        return Err(format!("the game '{name}' is not welcome here (--games)"));
    }
    Ok(name.to_owned())
}

/// What is known of it as fields that fit into a line.
fn fields(status: &Status) -> Infos {
    let mut infos = Infos::default();
    let query = ("query", Kind::Quake3.word().to_owned());
    for (key, value) in status.fields().into_iter().chain([query]) {
        // Whatever is not a value of its key is not said.
        let _ = infos.set(key, &value);
    }
    for key in LEAST_NEEDED {
        let mut whole = infos.clone();
        let fits = whole
            .set("port", "65535")
            .and_then(|()| whole.check_complete());
        if fits.is_ok() {
            break;
        }
        let _ = infos.set(key, "");
    }
    infos
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\\protocol\\71\\sv_maxclients\\8\\clients\\5\\g_humanplayers\\2\
                         \\mapname\\oa_dm1\\hostname\\^1Friday ^7cycles\\gametype\\4";

    fn read_as(info: &str, game: Option<&str>, games: &Games) -> String {
        match read(InfoString(info.as_bytes()), game, games) {
            Ok(infos) => infos.to_string(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn what_it_says_is_listed() {
        let mut games = Games::default();
        games.add_alias("oa=Quake3Arena").unwrap();
        let right = "nbplayers=2 maxplayers=8 description=\"Friday cycles\" query=quake3 \
                     game=Quake3Arena map=oa_dm1 mode=4 protocol=71";
        let game = Some("Quake3Arena");
        assert_eq!(read_as(WHOLE, game, &games), right);
        let named = format!("{WHOLE}\\gamename\\oa");
        assert_eq!(read_as(&named, None, &games), right);
        assert_eq!(read_as(&named, game, &games), right);
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let mut games = Games::default();
        games.admit("!Doom").unwrap();
        for (from, to, part) in [
            ("\\protocol\\71", "", "no protocol"),
            ("\\71", "\\seven", "not a number"),
            ("\\71", "\\71.5", "not a number"),
            ("\\sv_maxclients\\8", "", "sv_maxclients"),
            ("\\sv_maxclients\\8", "\\sv_maxclients\\0", "sv_maxclients"),
            ("\\clients\\5", "", "clients"),
            ("\\gametype\\4", "\\gametype\\a b", "blank"),
            ("\\gametype\\4", "", "no gamename"),
            ("\\gametype", "\\gamename\\\\gametype", "no gamename"),
            ("\\gametype", "\\gamename\\a b\\gametype", "one word"),
            ("\\gametype", "\\gamename\\Doom\\gametype", "not welcome"),
        ] {
            let info = WHOLE.replace(from, to);
            let reason = read_as(&info, None, &games);
            assert!(reason.contains(part), "{info}: {reason}");
        }
        let other = format!("{WHOLE}\\gamename\\Xonotic");
        assert!(read_as(&other, Some("et"), &games).contains("'Xonotic', but"));
        let negative = WHOLE.replace("71", "-71");
        assert!(read_as(&negative, Some("et"), &games).ends_with("protocol=-71"));
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        let long = |key: &str, letter: &str| format!("\\{key}\\{}", letter.repeat(255));
        let info = format!(
            "\\protocol\\71\\sv_maxclients\\8\\clients\\0{}{}{}",
            long("hostname", "\""),
            long("mapname", "\""),
            long("gametype", "\"")
        );
        let mut infos = read(InfoString(info.as_bytes()), Some("et"), &Games::default()).unwrap();
        infos.set("port", "65535").unwrap();
        assert!(infos.check_complete().is_ok());
        assert_eq!(infos.get("description"), None);
        assert!(infos.get("game").is_some());
    }
}
