//! The page that shows what is published, and the words of the operator on it.
//!
//! This file hides how they come into the page: `{{title}}` and `{{link}}` in it are replaced. Pure.

use crate::protocol::text::{is_inkless, is_plain, spelled_out};
use std::str::FromStr;

/// The page as it is built in.
const PAGE: &str = include_str!("index.html");

/// The longest title, in characters: one line of a wide screen.
const MAX_TITLE: usize = 80;

/// The longest link, in bytes.
const MAX_LINK: usize = 255;

/// What the page is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Default for Title {
    fn default() -> Self {
        Self("Game servers".to_owned())
    }
}

impl FromStr for Title {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_title = (1..=MAX_TITLE).contains(&text.chars().count())
            && text.chars().all(is_plain)
            && !text.chars().all(is_inkless);
        is_title.then(|| Self(text.to_owned())).ok_or_else(|| {
            format!(
                "'{}' is not a title: write 1 to {MAX_TITLE} characters of plain text, without control \
                 characters, such as \"Friday cycles\"",
                spelled_out(text, MAX_TITLE)
            )
        })
    }
}

/// Where its title leads: nowhere, or to a web page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link(String);

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let schemes = ["http://", "https://"];
        let behind = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let may_be = |c| is_plain(c) && !is_inkless(c) && !"\"'`<>\\".contains(c);
        let is_link = behind
            .is_some_and(|it| it.starts_with(|c: char| c.is_alphanumeric() || c == '['))
            && text.len() <= MAX_LINK
            && text.chars().all(may_be);
        is_link.then(|| Self(text.to_owned())).ok_or_else(|| {
            format!(
                "'{}' is not a link: write at most {MAX_LINK} bytes that begin with http:// or https:// and a \
                 host, without spaces and quotes, such as https://example.org/",
                spelled_out(text, MAX_LINK)
            )
        })
    }
}

/// The page with these words on it.
pub(crate) fn filled(title: &Title, link: &Link) -> String {
    fill(PAGE, title, link)
}

/// What is put in is not looked at again.
fn fill(page: &str, title: &Title, link: &Link) -> String {
    let (title, link) = (escaped(&title.0), escaped(&link.0));
    let parts = page.split("{{title}}");
    let parts: Vec<String> = parts.map(|part| part.replace("{{link}}", &link)).collect();
    parts.join(&title)
}

/// `text` as it stands in HTML, also between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_no_title_is_refused_with_what_would_be_one() {
        let long = "ü".repeat(MAX_TITLE);
        for good in ["Friday cycles", "金曜日 🎮 <b>&\"'", &long] {
            assert_eq!(good.parse(), Ok(Title(good.to_owned())));
        }
        let longer = format!("{long}x");
        for bad in [
            "",
            " ",
            "\u{2003}\u{200b}",
            "a\nb",
            "\u{1b}[2J",
            "a\u{202e}b",
            &longer,
        ] {
            let why = bad.parse::<Title>().unwrap_err();
            assert!(why.contains("1 to 80 characters of plain text"), "{why}");
            assert!(why.chars().all(is_plain), "{why}");
        }
    }

    #[test]
    fn what_would_be_no_link_is_refused_with_what_would_be_one() {
        let long = format!("https://{}", "a".repeat(MAX_LINK - 8));
        for good in [
            "http://x",
            "https://example.org/a?b=c&d=%20#e",
            "https://[2001:db8::1]:8080/",
            "https://müller.example/",
            &long,
        ] {
            assert_eq!(good.parse(), Ok(Link(good.to_owned())));
        }
        let longer = format!("{long}a");
        for bad in [
            "",
            "example.org",
            "https://",
            "https:///etc",
            "javascript:alert(1)",
            "HTTPS://example.org",
            "ftp://example.org",
            "//example.org",
            " https://example.org",
            "https://a b",
            "https://a\"b",
            "https://a'b",
            "https://a<b",
            "https://a\nb",
            "https://a\u{202e}b",
            "https://a\u{a0}b",
            &longer,
        ] {
            let why = bad.parse::<Link>().unwrap_err();
            assert!(why.contains("begin with http:// or https://"), "{why}");
            assert!(why.chars().all(is_plain), "{why}");
        }
    }

    #[test]
    fn the_words_are_text_wherever_they_stand_and_are_not_filled_in_themselves() {
        let title = "<b>&\"'{{link}}".parse().unwrap();
        let link = "https://x/?a&b{{title}}".parse().unwrap();
        let page = "{{title}}<a href=\"{{link}}\">{{title}}</a>{{other}}";
        let text = "&lt;b&gt;&amp;&quot;&#39;{{link}}";
        let expected =
            format!("{text}<a href=\"https://x/?a&amp;b{{{{title}}}}\">{text}</a>{{{{other}}}}");
        assert_eq!(fill(page, &title, &link), expected);
        let usual = filled(&Title::default(), &Link::default());
        assert!(usual.contains("<title>Game servers</title>"));
        assert!(!usual.contains("{{title}}") && !usual.contains("{{link}}"));
    }
}
