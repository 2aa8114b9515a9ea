//! The protocols by which game servers are asked.

use std::fmt;

/// A protocol by which a game server is asked. Its word is the value of the field `query`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `getinfo` and `getstatus` of the Quake III family.
    Quake3,
    /// A2S_INFO of the Source family.
    Source,
    /// The Server List Ping of Minecraft: Java Edition.
    Minecraft,
}

/// How its questions travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Each in a datagram.
    Udp,
    /// On a connection of their own.
    Tcp,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quake3, Self::Source, Self::Minecraft];

    /// Its word, as in `query=quake3`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Quake3 => "quake3",
            Self::Source => "source",
            Self::Minecraft => "minecraft",
        }
    }

    /// The kind with this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The port that its games use if nothing else is said.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Quake3 => 27960,
            Self::Source => 27015,
            Self::Minecraft => 25565,
        }
    }

    /// How its questions travel.
    pub const fn transport(self) -> Transport {
        match self {
            Self::Quake3 | Self::Source => Transport::Udp,
            Self::Minecraft => Transport::Tcp,
        }
    }

    /// True if a word comes back with an answer, and says which question it belongs to.
    pub const fn has_word(self) -> bool {
        match self {
            Self::Quake3 | Self::Minecraft => true,
            Self::Source => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Infos;

    #[test]
    fn the_words_of_all_kinds_are_values_of_query() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.word()), Some(kind));
            assert_eq!(Infos::default().set("query", kind.word()), Ok(()));
        }
        assert_eq!(Kind::of("gopher"), None);
    }
}
