//! Answers that are made once for all who ask the same.
//!
//! This file hides how long they are kept: while the list stays as it is, and within a bound. Each
//! game asks for its own `game=`, and all watchers with one filter go from one state to the next.

use crate::base::mutex::lock;
use crate::protocol::revision::Revision;
use crate::tracker::list::history::Recent;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::answer::{Batch, Question};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Bytes that the answers take at the most: a dozen lists of 10,000 game servers.
const ROOM: usize = 8 << 20;

/// Bytes that are counted for a question, whose 32 conditions stood in a line of 1 KiB.
const QUESTION: usize = 4096;

/// One answer, made by the first who wants it; the others wait for that.
type Slot = Arc<OnceLock<Arc<Batch>>>;

/// The answers at one state of the list.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    revision: Option<Revision>,
    slots: HashMap<Question, Slot>,
    size: usize,
}

impl Answers {
    /// The answer to `question` while the list is `list`, in which `recent` has changed.
    pub(crate) fn find(
        answers: &Mutex<Self>,
        question: Question,
        list: &List,
        recent: impl FnOnce() -> Option<Recent>,
    ) -> Arc<Batch> {
        let slot = lock(answers).slot(list.revision(), &question);
        let mut size = None;
        let make = || {
            let batch = Batch::new(&question, list, recent());
            size = Some(batch.text.len());
            Arc::new(batch)
        };
        let batch = Arc::clone(slot.get_or_init(make));
        if let Some(size) = size {
            lock(answers).grow(size);
        }
        batch
    }

    /// True if the answer to `question` is there already.
    pub(crate) fn is_made(&self, question: &Question, revision: Revision) -> bool {
        let slot = self.slots.get(question);
        self.revision == Some(revision) && slot.is_some_and(|slot| slot.get().is_some())
    }

    fn slot(&mut self, revision: Revision, question: &Question) -> Slot {
        match self.revision {
            Some(kept) if kept == revision => {}
            // Somebody was faster, and has seen a newer state: this one is nobody's any more.
            Some(kept) if kept.count > revision.count => return Slot::default(),
            _ => {
                *self = Self {
                    revision: Some(revision),
                    ..Self::default()
                }
            }
        }
        if let Some(slot) = self.slots.get(question) {
            return Arc::clone(slot);
        }
        self.grow(QUESTION);
        Arc::clone(self.slots.entry(question.clone()).or_default())
    }

    fn grow(&mut self, size: usize) {
        self.size += size;
        if self.size > ROOM {
            self.slots.clear();
            self.size = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fields::Filter;
    use crate::protocol::fields::{Changes, Infos};
    use crate::tracker::access::identity::Credential;
    use crate::tracker::list::entry::Entry;
    use crate::tracker::list::registry::Registry;

    fn question(filter: &str) -> Question {
        Question {
            filter: Filter::parse(filter).unwrap(),
            since: None,
            unchanged_until: None,
        }
    }

    fn put(registry: &mut Registry, port: u64, text: &str) {
        let changes = format!("port={port} text={text}");
        let infos = Infos::default().with(&Changes::parse(&changes).unwrap());
        let ip = "192.0.2.1".parse().unwrap();
        let entry = Entry::new(ip, infos, Credential::Password(0)).unwrap();
        registry.put(port, entry).unwrap();
    }

    #[test]
    fn who_asks_alike_is_sent_the_same_until_the_list_changes() {
        let mut registry = Registry::new(1);
        put(&mut registry, 1, "x");
        let answers = Mutex::default();
        let find = |registry: &Registry, filter| {
            Answers::find(&answers, question(filter), &registry.list(), || None)
        };
        let first = find(&registry, "port=1 text=x");
        assert!(Arc::ptr_eq(&first, &find(&registry, "text=x port=1")));
        assert!(!Arc::ptr_eq(&first, &find(&registry, "text=x")));
        let old = registry.list();
        put(&mut registry, 2, "x");
        assert!(!lock(&answers).is_made(&question("port=1 text=x"), registry.list().revision()));
        let second = find(&registry, "port=1 text=x");
        assert!(!Arc::ptr_eq(&first, &second) && first.text != second.text);
        // Who was slow has the answer at the state that he has seen, and spoils nothing.
        let late = Answers::find(&answers, question("port=1 text=x"), &old, || None);
        assert_eq!((late.revision, &late.text), (first.revision, &first.text));
        assert!(Arc::ptr_eq(&second, &find(&registry, "port=1 text=x")));
    }

    #[test]
    fn different_questions_never_take_more_than_their_room() {
        let mut registry = Registry::new(1);
        (1..200).for_each(|port| put(&mut registry, port, &"x".repeat(255)));
        let (answers, list) = (Mutex::default(), registry.list());
        for n in 0..1000 {
            let batch = Answers::find(&answers, question(&format!("a{n}!=1")), &list, || None);
            assert!(batch.text.len() > 50_000);
            let held = lock(&answers);
            let made = held.slots.values().filter_map(|slot| slot.get());
            assert!(made.map(|batch| batch.text.len()).sum::<usize>() <= ROOM);
        }
        assert!(!lock(&answers).slots.is_empty());
    }
}
