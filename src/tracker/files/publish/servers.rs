//! servers.json.
//!
//! The document has the form of DDNet's list (keys may be added). It is kept formatted in the pieces of the
//! list, so that a change formats one piece anew and not all. Pure.

use crate::base::log::push_time;
use crate::protocol::fields::json::{push_infos, push_string};
use crate::protocol::revision::Revision;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::snapshot::List;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A document that is older than this is written anew even if the list is as it was. So whoever reads it
/// can tell a quiet list from a dead tracker.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The document for one state of the list.
#[derive(Debug)]
pub(super) struct Servers {
    /// Kept, so that its pieces can be compared with newer ones.
    list: Option<Arc<List>>,
    /// When the list became what it is.
    updated: SystemTime,
    /// When that was last known to be true.
    written: SystemTime,
    head: String,
    /// One for each piece of the list: its game servers, each with a comma and a line feed before
    /// it.
    pieces: Vec<String>,
}

impl Default for Servers {
    fn default() -> Self {
        Self {
            list: None,
            updated: UNIX_EPOCH,
            written: UNIX_EPOCH,
            head: String::new(),
            pieces: Vec::new(),
        }
    }
}

impl Servers {
    /// Which state of the list this is; `None` before the first.
    fn revision(&self) -> Option<Revision> {
        self.list.as_ref().map(|list| list.revision())
    }

    /// True if this is the document for `list`, and not too old. After a clock was set back it is too old.
    pub(super) fn is_current(&self, list: &List, now: SystemTime) -> bool {
        let age = now.duration_since(self.written);
        self.revision() == Some(list.revision()) && age.is_ok_and(|age| age < SIGN_OF_LIFE)
    }

    /// Makes it the document for `list` at the time `now`.
    pub(super) fn update(&mut self, list: Arc<List>, now: SystemTime) {
        if self.revision() != Some(list.revision()) {
            self.updated = now;
        }
        self.written = now;
        let mut count = 0;
        for (at, (is_same, entries)) in list.pieces_since(self.list.as_deref()).enumerate() {
            count = at + 1;
            if self.pieces.len() < count {
                self.pieces.push(String::new());
            } else if is_same {
                continue;
            }
            let piece = &mut self.pieces[at];
            piece.clear();
            entries.iter().for_each(|entry| push_server(piece, entry));
        }
        self.pieces.truncate(count);
        self.head.clear();
        self.head.push_str("{\"updated\":\"");
        push_time(&mut self.head, self.updated);
        self.head.push_str("\",\"written\":\"");
        push_time(&mut self.head, self.written);
        self.head.push_str("\",\"revision\":");
        push_string(&mut self.head, &list.revision().to_string());
        self.head.push_str(&format!(
            ",\"count\":{},\"tracker\":\"gltracker {}\",\"servers\":[",
            list.count(),
            env!("CARGO_PKG_VERSION")
        ));
        self.list = Some(list);
    }

    /// The document, in pieces.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        let first = self.pieces.first().map_or("", |piece| &piece[1..]);
        let others = self.pieces.iter().skip(1).map(|piece| &**piece);
        [&*self.head, first]
            .into_iter()
            .chain(others)
            .chain(["\n]}\n"])
    }
}

fn push_server(out: &mut String, entry: &Entry) {
    out.push_str(",\n{\"addresses\":[");
    push_string(out, &entry.address.to_string());
    out.push_str("],\"info\":");
    push_infos(out, &entry.infos);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use quickcheck::quickcheck;

    fn entry(ip: &str, fields: &str) -> Arc<Entry> {
        let infos = Infos::default().with(&Changes::parse(fields).unwrap());
        Arc::new(Entry::new(ip.parse().unwrap(), infos, Credential::Password(0)).unwrap())
    }

    fn text(servers: &Servers) -> String {
        servers.pieces().collect()
    }

    fn of(list: &List) -> String {
        let mut servers = Servers::default();
        servers.update(Arc::new(list.clone()), UNIX_EPOCH);
        text(&servers)
    }

    /// What is left of `text` behind one JSON value; `None` if it does not begin with one.
    fn after_value(text: &str) -> Option<&str> {
        let text = text.trim_start_matches(['\n', ' ']);
        let close = |open: char| if open == '{' { '}' } else { ']' };
        match text.chars().next()? {
            open @ ('{' | '[') => {
                let mut rest = text[1..].trim_start_matches('\n');
                if let Some(rest) = rest.strip_prefix(close(open)) {
                    return Some(rest);
                }
                loop {
                    if open == '{' {
                        rest = after_string(rest)?.strip_prefix(':')?;
                    }
                    rest = after_value(rest)?.trim_start_matches('\n');
                    if let Some(rest) = rest.strip_prefix(close(open)) {
                        return Some(rest);
                    }
                    rest = rest.strip_prefix(',')?.trim_start_matches('\n');
                }
            }
            '"' => after_string(text),
            _ => {
                let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
                let number = &text[..text.len() - rest.len()];
                let is_number = number == "0" || !number.is_empty() && !number.starts_with('0');
                is_number.then_some(rest)
            }
        }
    }

    fn after_string(text: &str) -> Option<&str> {
        let mut rest = text.strip_prefix('"')?.chars();
        loop {
            match rest.next()? {
                '"' => return Some(rest.as_str()),
                '\\' => match rest.next()? {
                    '"' | '\\' => {}
                    'u' => {
                        let digits = rest.as_str().get(..4)?;
                        u16::from_str_radix(digits, 16).ok()?;
                        rest = rest.as_str()[4..].chars();
                    }
                    _ => return None,
                },
                c if c.is_control() || c == '<' => return None,
                _ => {}
            }
        }
    }

    #[test]
    fn the_document_has_a_stable_shape() {
        let version = env!("CARGO_PKG_VERSION");
        let mut list = List::new(0xc0ffee);
        assert_eq!(
            of(&list),
            format!(
                "{{\"updated\":\"1970-01-01T00:00:00.000Z\",\
                 \"written\":\"1970-01-01T00:00:00.000Z\",\"revision\":\"c0ffee-0\",\"count\":0,\
                 \"tracker\":\"gltracker {version}\",\"servers\":[\n]}}\n"
            )
        );
        list.push(entry("198.51.100.7", "port=23460 nbplayers=3 maxplayers=8 erase=on description=\"<script>alert('x')</script> \\\"&\""));
        list.push(entry("2001:db8::7", "port=1 zone=eu"));
        list.advance();
        let expected = r#""servers":[
{"addresses":["198.51.100.7:23460"],"info":{"ip":"198.51.100.7","port":23460,"nbplayers":3,"maxplayers":8,"erase":"on","description":"\u003cscript>alert('x')\u003c/script> \"&"}},
{"addresses":["[2001:db8::7]:1"],"info":{"ip":"2001:db8::7","port":1,"zone":"eu"}}
]}
"#;
        assert!(of(&list).ends_with(expected), "{}", of(&list));
        assert_eq!(after_value(&of(&list)), Some("\n"));
    }

    #[test]
    fn a_quiet_list_is_said_to_be_true_every_30_s() {
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        let mut servers = Servers::default();
        let mut list = Arc::new(List::new(1));
        assert!(!servers.is_current(&list, at(0)), "there was none");
        let mut written = Vec::new();
        for second in 0..100 {
            if second == 70 {
                Arc::make_mut(&mut list).push(entry("192.0.2.1", "port=1"));
                Arc::make_mut(&mut list).advance();
            }
            if !servers.is_current(&list, at(second)) {
                servers.update(Arc::clone(&list), at(second));
                let text = text(&servers);
                let [updated, at] = [
                    "{\"updated\":\"1970-01-01T00:",
                    "written\":\"1970-01-01T00:",
                ]
                .map(|key| text.split(key).nth(1).unwrap()[..5].to_owned());
                written.push((second, updated, at));
            }
        }
        let expected = [
            (0, "00:00", "00:00"),
            (30, "00:00", "00:30"),
            (60, "00:00", "01:00"),
            (70, "01:10", "01:10"),
        ];
        let expected = expected.map(|(s, updated, at)| (s, updated.to_owned(), at.to_owned()));
        assert_eq!(written, expected);
        assert!(!servers.is_current(&list, at(69)), "the clock was set back");
    }

    quickcheck! {
        fn whatever_game_servers_say_the_document_is_json(texts: Vec<String>) -> bool {
            let mut list = List::new(1);
            for text in texts {
                let mut infos = Infos::default();
                infos.set("port", "5").unwrap();
                // What may not travel is refused, and does not come here.
                let _ = infos.set("description", &text);
                let cut: String = text.chars().filter(|c| crate::protocol::text::is_plain(*c)).take(60).collect();
                let _ = infos.set("x", &cut);
                let _ = infos.set("y", &format!("\"\\<\\\"{cut}"));
                let peer = "::1".parse().unwrap();
                list.push(Arc::new(Entry::new(peer, infos, Credential::Password(0)).unwrap()));
            }
            let text = of(&list);
            after_value(&text) == Some("\n")
                && !text.contains('<')
                && text.chars().all(|c| c == '\n' || !c.is_control())
        }

        fn a_document_that_follows_the_list_is_as_one_made_anew(operations: Vec<(u8, u16)>) -> bool {
            let mut list = Arc::new(List::new(1));
            let mut servers = Servers::default();
            operations.chunks(40).all(|operations| {
                for (kind, number) in operations {
                    let list = Arc::make_mut(&mut list);
                    let port = (*number).max(1);
                    let entry = entry("192.0.2.1", &format!("port={port}"));
                    match kind % 8 {
                        0 if list.count() > 0 => list.pop(),
                        1 if list.count() > 0 => drop(list.replace(usize::from(port) % list.count(), entry)),
                        _ => list.push(entry),
                    }
                    list.advance();
                }
                servers.update(Arc::clone(&list), UNIX_EPOCH);
                text(&servers) == of(&list)
            })
        }
    }
}
