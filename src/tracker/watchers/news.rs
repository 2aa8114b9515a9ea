//! What the watchers are told.
//!
//! This file hides how the same bytes are made once for all who need them: there is one state of
//! the list that everybody is led to, and for each state and filter from which somebody starts,
//! the way to it.

use crate::protocol::filter::Filter;
use crate::protocol::message::Request;
use crate::protocol::revision::Revision;
use crate::tracker::list::List;
use crate::tracker::registry::Registry;
use crate::tracker::services::lock;
use crate::tracker::session::Answer;
use crate::tracker::session::watcher::Batch;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// One state of the list, and the ways to it that were encoded.
#[derive(Default)]
pub(super) struct News {
    /// `None` while there is nobody to be told.
    list: Option<Arc<List>>,
    batches: HashMap<Filter, HashMap<Revision, Arc<Batch>>>,
}

impl News {
    /// Leads everybody to the newest state from now on, and says which that is.
    pub(super) fn refresh(&mut self, registry: &Mutex<Registry>) -> Revision {
        let list = lock(registry).list();
        let revision = list.revision();
        if self.list.as_ref().map(|list| list.revision()) != Some(revision) {
            self.batches.clear();
            self.list = Some(list);
        }
        revision
    }

    /// The state that everybody is led to.
    pub(super) fn list(&mut self, registry: &Mutex<Registry>) -> &Arc<List> {
        self.list.get_or_insert_with(|| lock(registry).list())
    }

    /// The way there from `since`, for those who watch with `filter`.
    pub(super) fn batch(
        &mut self,
        registry: &Mutex<Registry>,
        since: Revision,
        filter: &Filter,
    ) -> Arc<Batch> {
        let known = self.batches.get(filter);
        if let Some(batch) = known.and_then(|known| known.get(&since)) {
            return Arc::clone(batch);
        }
        let list = Arc::clone(self.list(registry));
        let recent = lock(registry).between(since, list.revision());
        let request = Request {
            since: Some(since),
            filter: filter.clone(),
        };
        let batch = Arc::new(Batch::from(Answer::new(&request, list, recent)));
        let known = self.batches.entry(request.filter).or_default();
        known.insert(since, Arc::clone(&batch));
        batch
    }
}
