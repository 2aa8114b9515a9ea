//! The games of this family: the words by which they register, their names, and which are welcome.

use std::collections::{BTreeMap, BTreeSet};

/// What a heartbeat begins with whose game says itself which one it is.
pub(super) const SELF_NAMED: &str = "DarkPlaces";

/// The words of heartbeats, and the game that each stands for.
const TAGS: [(&str, &str); 4] = [
    (SELF_NAMED, ""),
    ("QuakeArena-1", "Quake3Arena"),
    ("Wolfenstein-1", "wolfmp"),
    ("EnemyTerritory-1", "et"),
];

/// What those of Return to Castle Wolfenstein and of Enemy Territory send when they end.
const FLATLINES: [&str; 2] = ["WolfFlatline-1", "ETFlatline-1"];

/// The numbers of protocols for which clients ask without the name of a game.
const NUMBERS: [(&str, &[i32]); 3] = [
    ("Quake3Arena", &[66, 67, 68]),
    ("wolfmp", &[50, 59, 60]),
    ("et", &[72, 80, 83, 84]),
];

/// The clients of these games expect empty and full ones without saying so.
const WHOLE: [&str; 1] = ["et"];

/// The most words of heartbeats: a challenge has room for as many.
const MAX_TAGS: usize = 64;

/// The fewest characters of a word: a heartbeat is then no shorter than the question that answers it.
const MIN_TAG: usize = 5;

/// The most bytes of a game's name.
pub(super) const MAX_NAME: usize = 63;

/// What an operator says of games.
#[derive(Debug, Clone)]
pub struct Games {
    /// The words of heartbeats, and the game that each stands for, empty if the game says it itself.
    tags: Vec<(String, String)>,
    /// Other names of games.
    aliases: BTreeMap<String, String>,
    /// Those that are welcome, if not all are.
    accepted: Option<BTreeSet<String>>,
    /// Those that are not welcome.
    refused: BTreeSet<String>,
}

impl Default for Games {
    fn default() -> Self {
        let tag = |(word, game): (&str, &str)| (word.to_owned(), game.to_owned());
        Self {
            tags: TAGS.into_iter().map(tag).collect(),
            aliases: BTreeMap::new(),
            accepted: None,
            refused: BTreeSet::new(),
        }
    }
}

/// A heartbeat's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Its place among those that are known.
    Known(u8),
    /// The game server says that it ends.
    Flatline,
}

impl Games {
    /// Game servers whose heartbeats say `tag` are those of `game`: `TAG=GAME`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_tag(&mut self, pair: &str) -> Result<(), String> {
        let (tag, game) = pair_of(pair, "TAG=GAME, such as COD-4=cod4")?;
        if tag.len() < MIN_TAG {
            return Err(format!(
                "'{tag}' is short: a heartbeat has at least {MIN_TAG} characters"
            ));
        }
        let count = self.tags.len();
        match self.tags.iter_mut().find(|(known, _)| *known == tag) {
            Some(_) if tag == SELF_NAMED => {
                return Err(format!(
                    "games that send {SELF_NAMED} say themselves which they are"
                ));
            }
            Some((_, known)) => *known = game,
            None if count == MAX_TAGS => {
                return Err(format!("there are {MAX_TAGS} heartbeats already"));
            }
            None => self.tags.push((tag, game)),
        }
        Ok(())
    }

    /// Another name of a game: `OTHER=GAME`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_alias(&mut self, pair: &str) -> Result<(), String> {
        let (other, game) = pair_of(pair, "OTHER=GAME, such as etlegacy=et")?;
        self.aliases.insert(other, game);
        Ok(())
    }

    /// Welcomes these games and no others; or, after a `!`, all but these: `GAME,GAME`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn admit(&mut self, list: &str) -> Result<(), String> {
        let (names, is_refusal) = match list.strip_prefix('!') {
            Some(names) => (names, true),
            None => (list, false),
        };
        for name in names.split(',') {
            if !is_name(name.as_bytes()) {
                return Err(format!(
                    "'{name}' is no name of a game: GAME,GAME or !GAME,GAME"
                ));
            }
            let name = name.to_owned();
            match is_refusal {
                true => self.refused.insert(name),
                false => self.accepted.get_or_insert_default().insert(name),
            };
        }
        Ok(())
    }

    /// What a heartbeat's word says.
    pub(super) fn tag(&self, word: &[u8]) -> Option<Tag> {
        let mut known = self.tags.iter();
        let place = known.position(|(tag, _)| tag.as_bytes() == word);
        let is_flatline = || FLATLINES.iter().any(|flatline| flatline.as_bytes() == word);
        let place = place.and_then(|place| u8::try_from(place).ok());
        place
            .map(Tag::Known)
            .or(is_flatline().then_some(Tag::Flatline))
    }

    /// The word at this place, and the game that it stands for.
    pub(super) fn tag_at(&self, place: u8) -> Option<(&str, Option<&str>)> {
        let (word, game) = self.tags.get(usize::from(place))?;
        Some((word, Some(game.as_str()).filter(|game| !game.is_empty())))
    }

    /// The one name of a game that has others.
    pub(super) fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// The game whose clients ask for this protocol by its number alone.
    pub(super) fn of_number(&self, protocol: i32) -> Option<&'static str> {
        let mut known = NUMBERS.into_iter();
        known.find_map(|(game, numbers)| numbers.contains(&protocol).then_some(game))
    }

    /// The games that register under a word of their own, in order.
    pub(super) fn of_tags(&self) -> impl Iterator<Item = &str> {
        let games = self.tags.iter().map(|(_, game)| self.name(game));
        games.filter(|game| !game.is_empty())
    }

    /// True if this game is welcome, by its one name.
    pub(super) fn is_welcome(&self, name: &str) -> bool {
        let is_in = |set: &BTreeSet<String>| set.iter().any(|known| self.name(known) == name);
        self.accepted.as_ref().is_none_or(is_in) && !is_in(&self.refused)
    }

    /// True if its clients expect all of them, though they do not say so.
    pub(super) fn is_whole(&self, name: &str) -> bool {
        WHOLE.contains(&name)
    }
}

/// Two names with `=` between.
fn pair_of(pair: &str, form: &str) -> Result<(String, String), String> {
    let names = pair.split_once('=');
    let names = names.filter(|(a, b)| is_name(a.as_bytes()) && is_name(b.as_bytes()));
    let (one, other) = names.ok_or_else(|| format!("'{pair}' is not {form}"))?;
    Ok((one.to_owned(), other.to_owned()))
}

/// True for one word that is not too long.
pub(super) fn is_name(name: &[u8]) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_words_are_known_and_others_are_declared() {
        let mut games = Games::default();
        let of = |games: &Games, word: &str| match games.tag(word.as_bytes()) {
            Some(Tag::Known(place)) => games
                .tag_at(place)
                .map(|(word, game)| format!("{word} {}", game.unwrap_or("-"))),
            Some(Tag::Flatline) => Some("ends".to_owned()),
            None => None,
        };
        assert_eq!(of(&games, "DarkPlaces").unwrap(), "DarkPlaces -");
        assert_eq!(
            of(&games, "EnemyTerritory-1").unwrap(),
            "EnemyTerritory-1 et"
        );
        for word in FLATLINES {
            assert_eq!(of(&games, word).unwrap(), "ends");
        }
        assert_eq!(of(&games, "QuakeFlatline-1"), None);
        assert_eq!(of(&games, "COD-4"), None);
        games.add_tag("COD-4=cod4").unwrap();
        games.add_tag("QuakeArena-1=baseq3").unwrap();
        assert_eq!(of(&games, "COD-4").unwrap(), "COD-4 cod4");
        assert_eq!(of(&games, "QuakeArena-1").unwrap(), "QuakeArena-1 baseq3");
        for bad in ["COD-4", "=x", "COD-4=", "a b=c", "DP=x", "DarkPlaces=x"] {
            assert!(games.add_tag(bad).is_err(), "{bad}");
        }
        assert_eq!(
            games.of_tags().collect::<Vec<_>>(),
            ["baseq3", "wolfmp", "et", "cod4"]
        );
    }

    #[test]
    fn games_are_welcome_or_not_by_any_of_their_names() {
        let mut games = Games::default();
        games.add_alias("etlegacy=et").unwrap();
        assert_eq!((games.name("etlegacy"), games.name("x")), ("et", "x"));
        assert!(games.is_welcome("et") && games.is_whole("et"));
        games.admit("etlegacy,Xonotic").unwrap();
        assert!(games.is_welcome("et") && games.is_welcome("Xonotic") && !games.is_welcome("x"));
        games.admit("!Xonotic").unwrap();
        assert!(!games.is_welcome("Xonotic"));
        assert!(games.admit("a,,b").is_err() && games.admit("").is_err());
    }

    #[test]
    fn numbers_have_their_game() {
        let games = Games::default();
        assert_eq!(games.of_number(68), Some("Quake3Arena"));
        assert_eq!(
            (games.of_number(84), games.of_number(71)),
            (Some("et"), None)
        );
    }
}
