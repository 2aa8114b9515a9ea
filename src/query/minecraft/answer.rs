//! What an answer means.

use super::json::Json;
use super::text::{plain, text};
use crate::query::status::Status;

/// What all of them call their game, which no answer says.
const GAME: &str = "minecraft";

/// Reads the answer to a status request; `None` if it is none.
pub(super) fn read(answer: &str) -> Option<Status> {
    let answer = Json::parse(answer)?;
    let Json::Object(_) = answer else {
        return None;
    };
    let inside = |object: &str, key: &str| answer.get(object)?.get(key).cloned();
    let count = |key| inside("players", key)?.whole(0, u16::MAX.into());
    let version = inside("version", "name").and_then(|name| name.text().map(plain));
    let protocol = inside("version", "protocol").and_then(|number| number.whole(0, i32::MAX));
    Some(Status {
        name: answer
            .get("description")
            .map(text)
            .filter(|name| !name.is_empty()),
        players: count("online").map(|count| count as u16),
        most: count("max")
            .map(|count| count as u16)
            .filter(|&most| most > 0),
        version: version.filter(|version| !version.is_empty()),
        protocol: protocol.map(|number| number.to_string()),
        game: Some(GAME.to_owned()),
        ..Status::default()
    })
}

/// What a server from before 2013 says: that it is none for this client, or what it is, in parts that
/// are separated by NUL.
pub(super) fn read_old(says: &str) -> Result<Status, String> {
    let parts: Vec<&str> = says.split('\0').collect();
    let ["§1", protocol, version, name, online, most] = parts[..] else {
        return Err(plain(says));
    };
    Ok(Status {
        name: Some(plain(name)).filter(|name| !name.is_empty()),
        players: online.parse().ok(),
        most: most.parse().ok().filter(|&most| most > 0),
        version: Some(plain(version)).filter(|version| !version.is_empty()),
        protocol: protocol
            .parse::<u32>()
            .ok()
            .map(|number| number.to_string()),
        game: Some(GAME.to_owned()),
        ..Status::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_answers_are_read_as_far_as_they_make_sense() {
        for (answer, known) in [
            ("{}", "||||minecraft||||"),
            (
                r#"{"players":{"online":3.0,"max":2e1}}"#,
                "3|20|||minecraft||||",
            ),
            (r#"{"players":{"online":-1,"max":0}}"#, "||||minecraft||||"),
            (
                r#"{"players":{"online":70000,"max":70000}}"#,
                "||||minecraft||||",
            ),
            (
                r#"{"players":[],"version":"1.20","description":7}"#,
                "|||7|minecraft||||",
            ),
            (
                r#"{"version":{"name":"§aVelocity 1.7-1.21","protocol":-1}}"#,
                "||Velocity 1.7-1.21||minecraft||||",
            ),
        ] {
            let status = read(answer).unwrap();
            assert_eq!(
                status.fields().map(|(_, value)| value).join("|"),
                known,
                "{answer}"
            );
        }
        for bad in ["", "[]", "7", "{"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
