//! What a list can be sorted by. Pure.
//!
//! This file hides the names of the orders, which are the same in `list`, in `browse` and on the web page.

use super::fields::Columns;
use crate::protocol::text::spelled_out;

/// What a list is sorted by. What is the same in that comes nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// Nearest first, then most players, then name.
    Ping,
    /// Most players first.
    Players,
    /// By name.
    Name,
    /// By what they say in this field.
    Field(String),
    /// By address.
    Address,
}

impl Sort {
    /// Reads the name of an order: of a column that is always there, or that is known or chosen.
    ///
    /// ```
    /// use gltracker::client::columns::{Columns, Sort};
    /// let chosen = Columns::parse("zone").unwrap();
    /// assert_eq!(Sort::parse("zone", &chosen), Ok(Sort::Field("zone".to_owned())));
    /// assert!(Sort::parse("zone", &Columns::default()).is_err());
    /// ```
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(name: &str, columns: &Columns) -> Result<Self, String> {
        match name {
            "ping" => return Ok(Self::Ping),
            "players" => return Ok(Self::Players),
            "name" => return Ok(Self::Name),
            "address" => return Ok(Self::Address),
            _ => {}
        }
        let keys = columns.keys();
        match keys.contains(&name) {
            true => Ok(Self::Field(name.to_owned())),
            false => Err(format!(
                "'{}' is not ping, players, name, address or a column ({})",
                spelled_out(name, 40),
                keys.join(", ")
            )),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Ping => "ping",
            Self::Players => "players",
            Self::Name => "name",
            Self::Field(key) => key,
            Self::Address => "address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_known_by_their_names() {
        let columns = Columns::default();
        for name in ["ping", "players", "name", "address", "map", "version"] {
            assert_eq!(Sort::parse(name, &columns).unwrap().name(), name);
        }
        let error = Sort::parse("age", &columns).unwrap_err();
        let all = "'age' is not ping, players, name, address or a column (game, map, mode, ";
        assert!(error.starts_with(all), "{error}");
        let chosen = Columns::parse("zone").unwrap();
        assert!(Sort::parse("map", &chosen).is_err());
    }
}
