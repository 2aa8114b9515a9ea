//! What becomes known of a game server by asking it.

/// What a game server has answered. What it did not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// What it calls itself.
    pub name: Option<String>,
    /// People who play; bots are not counted where the game tells them apart.
    pub players: Option<u16>,
    /// Bots, where the game tells them apart.
    pub bots: Option<u16>,
    /// Places for people.
    pub most: Option<u16>,
    /// What is played on.
    pub map: Option<String>,
    /// Which game it is.
    pub game: Option<String>,
    /// The mode of the game.
    pub mode: Option<String>,
    /// The version of its program.
    pub version: Option<String>,
    /// The number of its network protocol.
    pub protocol: Option<String>,
    /// True if one joins with a password.
    pub needs_password: Option<bool>,
    /// The port where one joins, if the answer says so. Some games are asked at another.
    pub port: Option<u16>,
}

impl Status {
    /// The keys of [`fields`](Self::fields).
    pub const KEYS: [&str; 9] = [
        "nbplayers",
        "maxplayers",
        "version",
        "description",
        "game",
        "map",
        "mode",
        "password",
        "protocol",
    ];

    /// A field for every one of [`KEYS`](Self::KEYS), as INFOS has them; the value is empty for what is
    /// not known.
    pub fn fields(&self) -> [(&'static str, String); 9] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let number = |value: Option<u16>| value.map(|n| n.to_string()).unwrap_or_default();
        let values = [
            number(self.players),
            number(self.most),
            text(&self.version),
            text(&self.name),
            text(&self.game),
            text(&self.map),
            text(&self.mode),
            match self.needs_password {
                Some(true) => "yes".to_owned(),
                _ => String::new(),
            },
            text(&self.protocol),
        ];
        let mut values = values.into_iter();
        Self::KEYS.map(|key| (key, values.next().unwrap_or_default()))
    }
}
