//! Fields as JSON.
//!
//! The list that a player prints and the list that a tracker publishes have the same form, so one program
//! reads both.

use super::infos::Infos;
use crate::protocol::text::is_plain;
use std::fmt::Write;

/// The fields that are numbers in JSON.
const NUMBERS: [&str; 4] = ["port", "nbplayers", "maxplayers", "pingport"];

/// Appends `text` as a JSON string. What is not plain text is escaped, so that a terminal can show it, and
/// so is `<`, so that it can stand in the script of a web page.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, c) in text.char_indices() {
        if is_plain(c) && !matches!(c, '"' | '\\' | '<') {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + c.len_utf8();
        if matches!(c, '"' | '\\') {
            out.extend(['\\', c]);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing into a String does not fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// Appends an object of all fields: `port`, `nbplayers`, `maxplayers` and `pingport` are numbers,
/// everything else is text (`erase` is `"on"` or `"off"`); what was not said is not there.
///
/// ```
/// use gltracker::protocol::fields::{Changes, Infos};
/// use gltracker::protocol::fields::json::push_infos;
/// let infos = Infos::default().with(&Changes::parse("port=23460 erase=on map=\"<b>\"").unwrap());
/// let mut json = String::new();
/// push_infos(&mut json, &infos);
/// assert_eq!(json, r#"{"port":23460,"erase":"on","map":"\u003cb>"}"#);
/// ```
pub fn push_infos(out: &mut String, infos: &Infos) {
    out.push('{');
    for (n, (key, value)) in infos.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        push_string(out, key);
        out.push(':');
        match NUMBERS.contains(&key) {
            true => out.push_str(&value),
            false => push_string(out, &value),
        }
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_whatever_is_in_them() {
        let mut out = String::new();
        push_string(
            &mut out,
            "a\"b\\c\n\t\u{0}\u{7f}\u{9b}\u{202e}\u{2028}é金🎮</script>",
        );
        assert_eq!(
            out,
            r#""a\"b\\c\u000a\u0009\u0000\u007f\u009b\u202e\u2028é金🎮\u003c/script>""#
        );
    }
}
