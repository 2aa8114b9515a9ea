//! Which fields of game servers have a column, beside name, players, ping and address. Pure.
//!
//! This file hides that the columns follow what is listed: those of one game say nothing about another.

use crate::protocol::argument::check_key;
use crate::protocol::fields::{Infos, MAX_FIELDS};
use crate::protocol::text::spelled_out;

/// The fields that have a column where a game server has them, from left to right. Where there is no room,
/// those with the highest number go first: what says whether one can play there at all (game and version)
/// outweighs what playing there is like.
const FIELDS: [(&str, u8); 7] = [
    ("game", 1),
    ("map", ADDRESS + 1),
    ("mode", ADDRESS + 2),
    ("version", 2),
    ("speed", ADDRESS + 3),
    ("size", ADDRESS + 4),
    ("erase", ADDRESS + 5),
];

/// Where the address stands among these numbers, if it may be left out. It can be seen elsewhere then, and
/// goes before all that the player has asked for.
pub(crate) const ADDRESS: u8 = MAX_FIELDS as u8 + 1;

/// What is always shown, and not by these names.
const ALWAYS: [&str; 4] = ["name", "players", "ping", "address"];

/// A field with a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub key: String,
    /// Columns with the highest value are left out first where there is no room; 0 always stays.
    pub expendable: u8,
}

/// Which fields have a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// What the player wants; `None` for what is there.
    chosen: Option<Vec<Field>>,
}

impl Columns {
    /// Reads keys with commas between them.
    ///
    /// ```
    /// use gltracker::client::columns::Columns;
    /// assert!(Columns::parse("game,map,zone").is_ok());
    /// assert!(Columns::parse("ping").is_err());
    /// ```
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut chosen: Vec<Field> = Vec::new();
        for (number, key) in (1..).zip(text.split(',').map(str::trim)) {
            if ALWAYS.contains(&key) {
                return Err(format!(
                    "{key} is always shown; name fields, such as game,map"
                ));
            }
            check_key(key).map_err(|refusal| refusal.text)?;
            if chosen.iter().any(|field| field.key == key) {
                return Err(format!("{} is there twice", spelled_out(key, 40)));
            }
            if chosen.len() == MAX_FIELDS {
                return Err(format!("a game server has at most {MAX_FIELDS} fields"));
            }
            chosen.push(Field {
                key: key.to_owned(),
                expendable: number,
            });
        }
        Ok(Self {
            chosen: Some(chosen),
        })
    }

    /// The keys of all fields that may have a column.
    pub(super) fn keys(&self) -> Vec<&str> {
        match &self.chosen {
            Some(chosen) => chosen.iter().map(|field| field.key.as_str()).collect(),
            None => FIELDS.iter().map(|(key, _)| *key).collect(),
        }
    }

    /// True if the player has said which.
    pub(crate) fn are_chosen(&self) -> bool {
        self.chosen.is_some()
    }

    /// The fields that have a column where these game servers are listed.
    pub fn of<'a>(&self, listed: impl Iterator<Item = &'a Infos>) -> Vec<Field> {
        if let Some(chosen) = &self.chosen {
            return chosen.clone();
        }
        let mut is_there = [false; FIELDS.len()];
        for infos in listed {
            for (key, _) in infos.iter() {
                if let Some(at) = FIELDS.iter().position(|field| field.0 == key) {
                    is_there[at] = true;
                }
            }
        }
        let there = FIELDS
            .iter()
            .zip(is_there)
            .filter(|(_, is_there)| *is_there);
        there
            .map(|((key, expendable), _)| Field {
                key: (*key).to_owned(),
                expendable: *expendable,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    fn keys(columns: &Columns, listed: &[&str]) -> String {
        let infos = |said: &&str| Infos::default().with(&Changes::parse(said).unwrap());
        let listed: Vec<Infos> = listed.iter().map(infos).collect();
        let fields = columns.of(listed.iter());
        let keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        keys.join(" ")
    }

    #[test]
    fn columns_follow_what_is_listed() {
        let any = Columns::default();
        let gltron = "port=1 version=0.70 speed=fast size=big erase=on";
        let quake = "port=2 map=q3dm6 game=Quake3Arena mode=ffa";
        assert_eq!(keys(&any, &[]), "");
        assert_eq!(keys(&any, &[gltron]), "version speed size erase");
        assert_eq!(keys(&any, &["port=3", quake]), "game map mode");
        let all = "game map mode version speed size erase";
        assert_eq!(keys(&any, &[gltron, quake]), all);
    }

    #[test]
    fn the_player_may_choose() {
        let chosen = Columns::parse("zone, map").unwrap();
        assert_eq!(keys(&chosen, &["port=1 version=1"]), "zone map");
        let many: Vec<String> = (0..33).map(|number| format!("k{number}")).collect();
        for (bad, why) in [
            ("ping", "ping is always shown"),
            ("game,,map", "a key is a letter"),
            ("Game", "a key is a letter"),
            ("map,map", "map is there twice"),
            (&many.join(","), "at most 32 fields"),
        ] {
            let error = Columns::parse(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
