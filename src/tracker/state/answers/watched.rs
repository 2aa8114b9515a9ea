//! The state of the list that all watchers are led to, and what they are sent for it.

use crate::base::mutex::lock;
use crate::protocol::revision::Revision;
use crate::tracker::list::registry::Registry;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::answer::{Batch, Question};
use crate::tracker::state::answers::cache::Answers;
use std::sync::{Arc, Mutex};

/// That state; none while there is nobody.
#[derive(Default)]
pub(crate) struct Watched {
    list: Mutex<Option<Arc<List>>>,
    answers: Mutex<Answers>,
}

impl Watched {
    /// The revision that all watchers are led to.
    pub(crate) fn revision(&self, registry: &Mutex<Registry>) -> Revision {
        self.list(registry).revision()
    }

    /// The way to that revision.
    pub(crate) fn batch(&self, registry: &Mutex<Registry>, question: Question) -> Arc<Batch> {
        let list = self.list(registry);
        let since = question.unchanged_until;
        let recent = || since.and_then(|since| lock(registry).between(since, list.revision()));
        Answers::find(&self.answers, question, &list, recent)
    }

    /// Leads everybody to the newest state from now on, and says which that is.
    pub(crate) fn refresh(&self, registry: &Mutex<Registry>) -> Revision {
        let newest = lock(registry).list();
        let revision = newest.revision();
        *lock(&self.list) = Some(newest);
        revision
    }

    /// Keeps nothing for nobody.
    pub(crate) fn forget(&self) {
        *lock(&self.list) = None;
        *lock(&self.answers) = Answers::default();
    }

    fn list(&self, registry: &Mutex<Registry>) -> Arc<List> {
        let mut list = lock(&self.list);
        Arc::clone(list.get_or_insert_with(|| lock(registry).list()))
    }
}
