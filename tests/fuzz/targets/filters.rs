//! Filters against slow ones, over lists that change while older ones are held.
//!
//! A step is a line: `+<who><fields>` lists a game server or changes it, `*<who><fields>` a hundred,
//! `-<who>` takes one off and `/<who>` a hundred, `=` holds the list as it is, `?<conditions>` asks.
#![no_main]

use gltracker::client::Conditions;
use gltracker::protocol::command::ClientCommand;
use gltracker::protocol::fields::Filter;
use gltracker::protocol::fields::Request;
use gltracker::protocol::fields::{Changes, Infos};
use gltracker::tracker::access::identity::Credential;
use gltracker::tracker::list::entry::Entry;
use gltracker::tracker::list::registry::Registry;
use gltracker::tracker::list::snapshot::List;
use gltracker_fuzz::checks::plain_line;
use gltracker_fuzz::naive::{self, Fields};
use gltracker_fuzz::script::{grown, steps};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Game servers at once, so that lists are some leaves long.
const MANY: u16 = 100;

/// Steps that list or take off so many, and questions: more take too long.
const MOST_OF_MANY: usize = 4;
const MOST_ASKED: usize = 8;

/// Older lists that are held.
const HELD: usize = 2;

/// The fields of each game server and its line, by its port.
type Truth = BTreeMap<u16, Rc<(Fields, String)>>;

struct Scene {
    registry: Registry,
    truth: Truth,
    held: Vec<(Arc<List>, Truth)>,
}

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let mut scene = Scene {
        registry: Registry::new(1),
        truth: Truth::new(),
        held: Vec::new(),
    };
    let (mut of_many, mut asked) = (0, 0);
    for (step, rest) in steps(data) {
        let text = String::from_utf8_lossy(rest.get(1..).unwrap_or_default());
        let who = u16::from(rest.first().copied().unwrap_or_default());
        of_many += usize::from(matches!(step, b'*' | b'/'));
        asked += usize::from(step == b'?');
        match step {
            b'+' => scene.put(1 + who..2 + who, &text),
            b'-' => scene.remove(1 + who..2 + who),
            b'*' if of_many <= MOST_OF_MANY => scene.put(1 + who..1 + who + MANY, &text),
            b'/' if of_many <= MOST_OF_MANY => scene.remove(1 + who..1 + who + MANY),
            b'=' => scene.hold(),
            b'?' if asked <= MOST_ASKED => {
                let conditions = String::from_utf8_lossy(rest);
                one_condition(&conditions);
                scene.ask(&conditions);
            }
            _ => {}
        }
    }
    scene.ask("");
    scene.ask("notempty");
});

/// Checks that whatever a person gives as one condition is sent as one, or refused.
fn one_condition(word: &str) {
    match Conditions::from_words([word]) {
        Err(refusal) => assert!(!refusal.text.is_empty()),
        Ok(conditions) => {
            let line = format!("LIST {conditions}");
            plain_line(&line);
            let naive = naive::Filter::parse(&conditions.to_string()).expect("conditions");
            assert!(naive.counts().0 <= 1, "{line}");
            let filter = Filter::parse(&conditions.to_string()).expect("conditions");
            let request = Request {
                since: None,
                filter,
            };
            assert_eq!(
                ClientCommand::parse(&line),
                Ok(ClientCommand::List(request))
            );
        }
    }
}

impl Scene {
    /// Lists game servers at these ports, with as many players as the port modulo 10, and with
    /// the fields that `text` says if it says any.
    fn put(&mut self, ports: std::ops::Range<u16>, text: &str) {
        let peer = "192.0.2.1".parse().expect("an address");
        // The address is that of the peer.
        let Some(mut said) = naive::said(text) else {
            return;
        };
        said.remove("ip");
        for port in ports {
            let mut fields = Fields::new();
            fields.insert("nbplayers".to_owned(), (port % 10).to_string());
            naive::merge(&mut fields, &said);
            fields.insert("port".to_owned(), port.to_string());
            let spelled = naive::spell(&fields);
            let changes = Changes::parse(&spelled).expect("these are fields");
            let infos = Infos::default().with(&changes);
            if infos.check_complete().is_err() {
                return;
            }
            fields.insert("ip".to_owned(), "192.0.2.1".to_owned());
            let entry = Entry::new(peer, infos, Credential::Password(0)).expect("it has a port");
            let put = self.registry.put(port.into(), entry);
            assert_eq!(put, Ok(None));
            let line = format!("INFOS{}", naive::spell(&fields));
            self.truth.insert(port, Rc::new((fields, line)));
        }
    }

    fn remove(&mut self, ports: std::ops::Range<u16>) {
        for port in ports {
            let removed = self.registry.remove(port.into());
            assert_eq!(removed.is_some(), self.truth.remove(&port).is_some());
        }
    }

    /// Holds the list as it is, in place of the oldest that is held.
    fn hold(&mut self) {
        if self.held.len() == HELD {
            self.held.remove(0);
        }
        self.held.push((self.registry.list(), self.truth.clone()));
    }

    /// Asks the list as it is, and as it was.
    fn ask(&self, conditions: &str) {
        let naive = naive::Filter::parse(conditions);
        let filter = Filter::parse(conditions);
        let (filter, naive) = match (filter, naive) {
            (Ok(filter), Some(naive)) => (filter, naive),
            (Err(refusal), None) => return plain_line(&refusal.to_string()),
            (Err(refusal), Some(naive)) => {
                plain_line(&refusal.to_string());
                let (all, _) = naive.counts();
                assert!(all > naive::MAX_CONDITIONS, "{conditions:?}: {refusal}");
                return;
            }
            (Ok(_), None) => panic!("understood: {conditions:?}"),
        };
        let (all, different) = naive.counts();
        assert!(different <= naive::MAX_CONDITIONS, "{different} conditions");
        assert_eq!(filter.is_empty(), all == 0);
        let list = self.registry.list();
        for entry in list.entries() {
            let (fields, line) = &*self.truth[&entry.address.port()];
            let passes = filter.matches(&entry.infos);
            assert_eq!(passes, naive.holds(fields), "{naive:?} of {line}");
        }
        check(&list, &self.truth, &filter, &naive);
        for (list, truth) in &self.held {
            check(list, truth, &filter, &naive);
        }
    }
}

/// Checks that `filter` lets those of `list` pass who are `truth` and satisfy `naive`.
fn check(list: &List, truth: &Truth, filter: &Filter, naive: &naive::Filter) {
    let passes = |port: u16| naive.holds(&truth[&port].0);
    let passing: Vec<u16> = truth.keys().copied().filter(|port| passes(*port)).collect();
    let expected: Vec<&str> = passing.iter().map(|port| truth[port].1.as_str()).collect();
    let (count, encoded) = list.encode_matching(filter);
    assert_eq!(count, expected.len());
    if filter.is_empty() {
        let encoded: Vec<u8> = list.encoded().flatten().copied().collect();
        same_lines(&encoded, expected.clone(), naive);
        assert_eq!(list.count(), truth.len());
    }
    same_lines(&encoded, expected, naive);
}

/// Checks that `encoded` are the `expected` lines in some order.
fn same_lines(encoded: &[u8], mut expected: Vec<&str>, naive: &naive::Filter) {
    let text = std::str::from_utf8(encoded).expect("lines are text");
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut lines: Vec<&str> = text.split_terminator('\n').collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected, "{naive:?}");
}
