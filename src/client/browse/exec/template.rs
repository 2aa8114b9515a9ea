//! The program that joins a game server.
//!
//! This file hides how a template becomes a program and its arguments. Every word of the template is
//! one argument, whatever replaces its placeholders: no shell sees what a game server says.

use crate::protocol::fields::Infos;
use std::net::SocketAddr;

/// The fields that a template may name: those that PROTOCOL.md knows and that say what to join, and those of
/// existing games. Any other takes a question mark, so that a mistake in one is noticed before it is played.
const FIELDS: [&str; 16] = [
    "ip",
    "port",
    "address",
    "game",
    "map",
    "mode",
    "version",
    "protocol",
    "description",
    "nbplayers",
    "maxplayers",
    "password",
    "speed",
    "size",
    "erase",
    "pingport",
];

/// The value of `--exec`: words with placeholders such as `{ip}`, `{port}` or `{version}`, or `{zone?}` for a
/// field that only some games have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    words: Vec<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

impl Part {
    fn as_text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Field(text) => text,
        }
    }
}

/// A program, its arguments and what is added to its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// `GAME_SERVER_IP`, `GAME_SERVER_PORT` and so on for every field. The prefix keeps a field from
    /// changing anything else.
    pub environment: Vec<(String, String)>,
}

impl Template {
    /// Reads words separated by spaces; text in single or double quotes is one word.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = split(text)?;
        if words.first().is_none_or(|program| program.contains('{')) {
            return Err(
                "begin with the name of a program, as in 'game --connect {ip}:{port}'".into(),
            );
        }
        let words = words.iter().map(|word| parts(word));
        Ok(Self {
            words: words.collect::<Result<_, _>>()?,
        })
    }

    /// The program. It has no placeholders.
    pub(crate) fn program(&self) -> String {
        let parts = self.words.first().into_iter().flatten();
        parts.map(Part::as_text).collect()
    }

    /// The call that joins the game server at `address`.
    ///
    /// # Errors
    /// A text for the player, when a field would be taken for an option of the program, or for a command.
    pub fn fill(&self, address: SocketAddr, infos: &Infos) -> Result<Call, String> {
        let value = |field: &str| match field {
            "ip" => address.ip().to_string(),
            "port" => address.port().to_string(),
            "address" => address.to_string(),
            key => infos.get(key).unwrap_or_default().into_owned(),
        };
        let fill = |parts: &Vec<Part>| {
            let mut word = String::new();
            for part in parts {
                match part {
                    Part::Text(text) => word.push_str(text),
                    // In front of an IPv6 address and a colon come brackets, as everywhere.
                    Part::Field(field) if field == "ip" && parts.len() > 1 && address.is_ipv6() => {
                        word.push_str(&format!("[{}]", address.ip()));
                    }
                    Part::Field(field) => {
                        let value = value(field);
                        if word.is_empty()
                            && let Some((sign, what)) = meaning(&value)
                        {
                            return Err(format!(
                                "its {field} begins with '{sign}' and would be {what}"
                            ));
                        }
                        word.push_str(&value);
                    }
                }
            }
            // Fields that are empty may let a dash of the template come first.
            let meant = match parts.first() {
                Some(Part::Text(text)) => meaning(text),
                _ => None,
            };
            match meaning(&word).filter(|_| meant.is_none()) {
                Some((_, what)) => Err(format!("its fields would turn a word into {what}")),
                None => Ok(word),
            }
        };
        let mut words = self.words.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
        let program = words.remove(0);
        let variable = |key: &str| {
            let key = key.replace('-', "_").to_uppercase();
            format!("GAME_SERVER_{key}")
        };
        let mut environment = vec![
            (variable("ip"), value("ip")),
            (variable("port"), value("port")),
        ];
        let fields = infos
            .iter()
            .filter(|(key, _)| *key != "ip" && *key != "port");
        environment.extend(fields.map(|(key, value)| (variable(key), value.into_owned())));
        Ok(Call {
            program,
            arguments: words,
            environment,
        })
    }
}

/// What a program may take a word for that begins with such a sign: the sign, and that.
fn meaning(word: &str) -> Option<(char, &'static str)> {
    let sign = word.chars().next()?;
    match sign {
        '-' => Some((sign, "an option")),
        // As the games of the Quake family do.
        '+' => Some((sign, "a command")),
        _ => None,
    }
}

/// The words of a line, without their quotes.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), character) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    if let Some(open) = quote {
        return Err(format!("a {open} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

fn parts(word: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some((text, after)) = rest.split_once('{') {
        let (field, after) = after
            .split_once('}')
            .ok_or_else(|| format!("'{word}' has a {{ that is not closed"))?;
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let (field, is_meant) = match field.strip_suffix('?') {
            Some(field) => (field, true),
            None => (field, false),
        };
        if field.is_empty() || !field.chars().all(is_key) {
            return Err(format!(
                "'{{{field}}}' is not a field; write {{ip}}, {{port}} or another key"
            ));
        }
        if !is_meant && !FIELDS.contains(&field) {
            return Err(format!(
                "'{{{field}}}' is none of the fields that are known ({}); write {{{field}?}} if the game \
                 servers of your game say it",
                FIELDS.join(", ")
            ));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(Part::Field(field.to_owned()));
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Changes;

    fn call(template: &str, address: &str, infos: &str) -> Result<Vec<String>, String> {
        let infos = Infos::default().with(&Changes::parse(infos).unwrap());
        let call = Template::parse(template)?.fill(address.parse().unwrap(), &infos)?;
        Ok([vec![call.program], call.arguments].concat())
    }

    #[test]
    fn every_word_is_one_argument_whatever_is_put_into_it() {
        let infos = "port=5 description=\"a b; rm -rf $HOME `x` 'y'\" version=0.70";
        for (template, expected) in [
            (
                "game --connect {ip}:{port}",
                &["game", "--connect", "192.0.2.1:5"][..],
            ),
            (
                "game {ip} {port} {version}",
                &["game", "192.0.2.1", "5", "0.70"],
            ),
            (
                "game {description} x",
                &["game", "a b; rm -rf $HOME `x` 'y'", "x"],
            ),
            (
                "'my game' \"two words\" '' {none?}",
                &["my game", "two words", "", ""],
            ),
            ("  game\t-a  ", &["game", "-a"]),
        ] {
            assert_eq!(
                call(template, "192.0.2.1:5", infos).unwrap(),
                expected,
                "{template}"
            );
        }
        let six = call(
            "game {ip}:{port} {ip} {address}",
            "[2001:db8::1]:5",
            "port=5",
        )
        .unwrap();
        assert_eq!(
            six,
            ["game", "[2001:db8::1]:5", "2001:db8::1", "[2001:db8::1]:5"]
        );
    }

    #[test]
    fn a_field_is_never_taken_for_an_option_or_a_command() {
        let infos = "port=5 map=--config=/tmp/x";
        assert!(call("game {map}", "192.0.2.1:5", infos).is_err());
        assert!(call("game {none?}-{map}", "192.0.2.1:5", "map=-config=x").is_err());
        let joined = call("game {port}-{map}", "192.0.2.1:5", "map=-x").unwrap();
        assert_eq!(joined, ["game", "5--x"]);
        let joined = call("game -{none?}{map}", "192.0.2.1:5", "map=-x").unwrap();
        assert_eq!(
            joined,
            ["game", "--x"],
            "the player has said that it is an option"
        );
        let joined = call("game --map={map}", "192.0.2.1:5", infos).unwrap();
        assert_eq!(joined, ["game", "--map=--config=/tmp/x"]);
        let error = call("game +map {map}", "192.0.2.1:5", "map=+quit").unwrap_err();
        assert_eq!(error, "its map begins with '+' and would be a command");
        assert!(call("game {none?}+{map}", "192.0.2.1:5", "map=quit").is_err());
        let joined = call("game +{map} map={map}", "192.0.2.1:5", "map=+x").unwrap();
        assert_eq!(joined, ["game", "++x", "map=+x"]);
    }

    #[test]
    fn fields_are_in_the_environment() {
        let infos = Infos::default().with(&Changes::parse("port=5 my-key=v").unwrap());
        let call = Template::parse("game").unwrap();
        let call = call.fill("192.0.2.1:5".parse().unwrap(), &infos).unwrap();
        let expected = [
            ("GAME_SERVER_IP", "192.0.2.1"),
            ("GAME_SERVER_PORT", "5"),
            ("GAME_SERVER_MY_KEY", "v"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(call.environment, expected);
    }

    #[test]
    fn a_mistake_in_the_name_of_a_field_is_noticed() {
        let error = Template::parse("game {ip} {verison}").unwrap_err();
        assert!(
            error.starts_with("'{verison}' is none of the fields that are known (ip, port, "),
            "{error}"
        );
        assert!(error.contains("write {verison?} if"), "{error}");
        let joined = call("game {zone?} {map?}", "192.0.2.1:5", "zone=eu").unwrap();
        assert_eq!(joined, ["game", "eu", ""]);
    }

    #[test]
    fn the_program_is_known_before_anything_is_joined() {
        let program = |template| Template::parse(template).unwrap().program();
        assert_eq!(program("'my game' {ip}"), "my game");
        assert_eq!(program("./game --at {address}"), "./game");
    }

    #[test]
    fn a_template_that_cannot_work_is_refused() {
        for bad in [
            "",
            "   ",
            "{ip}",
            "game {ip",
            "game {}",
            "game {IP}",
            "game 'x",
            "game {?}",
            "game {zone??}",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
