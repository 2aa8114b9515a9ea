//! What is true of every line that leaves a program.

use gltracker::protocol::fields::Changes;
use gltracker::query::Reply;

/// The longest line, in bytes, with its LF.
pub const MAX_LINE: usize = 1024;

/// True for what a value may hold.
pub fn is_plain(c: char) -> bool {
    let is_bidirectional = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c);
    !c.is_control() && !is_bidirectional && c != '\u{2028}' && c != '\u{2029}'
}

/// Checks that `text` is plain, and fits into a line with its LF.
pub fn plain_line(text: &str) {
    assert!(text.chars().all(is_plain), "not plain: {text:?}");
    assert!(text.len() < MAX_LINE, "{} bytes: {text:?}", text.len());
}

/// The most bytes of a text of others that a person is shown: 300 characters, all spelled out, and
/// what is said around them.
const MAX_SHOWN: usize = 300 * 10 + 500;

/// Checks that a person may be shown `text`, in which others may have had a say.
pub fn shown(text: &str) {
    assert!(text.chars().all(is_plain), "not plain: {text:?}");
    assert!(text.len() <= MAX_SHOWN, "{} bytes: {text:?}", text.len());
}

/// Checks that `bytes` are whole plain lines, and returns them. What goes before the ERR line to a web
/// browser has the ends of lines of HTTP.
pub fn whole_lines(bytes: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(bytes).expect("what is sent is text");
    assert!(text.is_empty() || text.ends_with('\n'), "no LF: {text:?}");
    let lines = text.split_terminator('\n');
    let lines: Vec<&str> = match text.starts_with("HTTP/1.0 400 ") {
        true => lines.map(|line| line.trim_end_matches('\r')).collect(),
        false => lines.collect(),
    };
    lines.iter().for_each(|line| plain_line(line));
    lines
}

/// Checks that each END counts the lines before it.
pub fn ends_count(lines: &[&str]) {
    let mut listed = 0;
    for line in lines {
        match line.split(' ').next() {
            Some("INFOS" | "GONE") => listed += 1,
            Some("END") => {
                let count = format!("END count={listed} rev=");
                assert!(line.starts_with(&count), "{listed} lines before {line}");
                listed = 0;
            }
            _ => {}
        }
    }
    assert_eq!(listed, 0, "lines without an END: {lines:?}");
}

/// The longest value of a field, in bytes.
const MAX_VALUE: usize = 255;

/// Checks that what is known of a game server can be said in INFOS, and what is shown is plain.
pub fn reply(reply: &Reply) {
    match reply {
        Reply::Status(status) => {
            for (key, value) in status.fields() {
                plain_line(&value);
                assert!(
                    value.len() <= MAX_VALUE && value.trim() == value,
                    "{value:?}"
                );
                assert!(!value.contains("  "), "{value:?}");
                let change = format!(
                    "{key}=\"{}\"",
                    value.replace('\\', "\\\\").replace('"', "\\\"")
                );
                assert!(Changes::parse(&change).is_ok(), "{change}");
            }
        }
        Reply::Wrong(who) => {
            shown(who);
            assert!(!who.is_empty());
        }
        Reply::Send(bytes) => assert!(bytes.len() < 64, "{bytes:?}"),
        Reply::Stray | Reply::Part => {}
    }
}
