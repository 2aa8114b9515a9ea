//! Plain text from a description, which is a text or is made of components.

use super::json::Json;
use crate::protocol::argument::MAX_VALUE;
use crate::query::clean;

/// What a formatting code begins with. One character follows.
const SIGN: char = '§';

/// Bytes of a description after which no more of its components are looked at. A letter may have a colour
/// of its own, in 21 bytes.
const ENOUGH: usize = 32 * MAX_VALUE;

/// The plain text of a description.
pub(super) fn text(description: &Json) -> String {
    let mut out = String::new();
    push(&mut out, description);
    plain(&out)
}

/// `text` without formatting codes, as a value of a field.
pub(super) fn plain(text: &str) -> String {
    let mut rest = text.chars();
    clean::value(std::iter::from_fn(|| {
        loop {
            match rest.next()? {
                SIGN => drop(rest.next()),
                c => return Some(c),
            }
        }
    }))
}

fn push(out: &mut String, component: &Json) {
    match component {
        _ if out.len() >= ENOUGH => {}
        Json::Text(text) => out.push_str(text),
        Json::List(parts) => parts.iter().for_each(|part| push(out, part)),
        Json::Object(_) => {
            let text = |key| component.get(key).and_then(Json::text);
            let lists = |key| component.get(key).map_or(&[][..], Json::list);
            // A translation is known to the game alone. What is put into it says most.
            let fallback =
                text("fallback").or(text("translate").filter(|_| lists("with").is_empty()));
            out.push_str(text("text").or(fallback).unwrap_or_default());
            for part in lists("with").iter().chain(lists("extra")) {
                push(out, part);
            }
        }
        Json::Number(number) => out.push_str(number),
        Json::Word => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_all_forms_are_read() {
        for (json, plain) in [
            (r#""§cFriday §x§f§f§0§0§0§0cycles§""#, "Friday cycles"),
            (
                r#"{"text":"§cFriday","extra":[" cycles",{"text":"!","bold":true}]}"#,
                "Friday cycles!",
            ),
            (r#"["Friday",[" ",{"text":"cycles"}]]"#, "Friday cycles"),
            (r#"{"translate":"multiplayer.motd"}"#, "multiplayer.motd"),
            (
                r#"{"translate":"a.b","with":["Friday",{"text":" cycles"}]}"#,
                "Friday cycles",
            ),
            (r#"{"translate":"a.b","fallback":"Friday"}"#, "Friday"),
            (r#"{"text":"two\nlines"}"#, "two lines"),
            (r#"{"text":7,"extra":[8,null]}"#, "8"),
            ("null", ""),
        ] {
            assert_eq!(text(&Json::parse(json).unwrap()), plain, "{json}");
        }
    }
    #[test]
    fn no_more_is_looked_at_than_fits_into_a_value() {
        let colour = "§x§1§2§3§4§5§6";
        let letters = vec![format!("\"{colour}x\""); 1000].join(",");
        let coloured = Json::parse(&format!("[{letters}]")).unwrap();
        assert_eq!(text(&coloured), "x".repeat(MAX_VALUE));
        // Each has 309 digits.
        let numbers = Json::parse(&format!("[{}1]", "1e308,".repeat(20_000))).unwrap();
        let mut out = String::new();
        push(&mut out, &numbers);
        assert!(out.len() < ENOUGH + 310, "{}", out.len());
    }
}
