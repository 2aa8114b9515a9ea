//! What happens to a model: events in, actions out. Pure.

use super::row::{Listed, Row};
use super::state::{Action, Connection, Event, Model, NAME_IN_NOTICE, Page};
use crate::client::replica::twins;
use crate::client::width::cut;
use std::time::Instant;

impl Model {
    /// Applies an event; returns what is to be done.
    pub fn on_event(&mut self, event: Event, now: Instant) -> Option<Action> {
        match event {
            Event::Key(key) => return self.on_key(key, now),
            Event::List(list) => return self.on_list(list, now),
            Event::Ping(ping) => {
                // Several game servers may share a target, and one may have another target by now.
                for address in self.targets.get(&ping.target).into_iter().flatten() {
                    if let Some(row) = self.rows.get_mut(address) {
                        row.measured(&ping);
                        self.is_stale = true;
                    }
                }
            }
            Event::Lost {
                why,
                is_retried,
                was_heard,
            } => {
                self.connection = Connection::Lost {
                    why,
                    is_retried,
                    was_heard,
                };
            }
            Event::Size(columns, lines) => {
                self.size = (columns, lines);
                self.keep_in_sight();
            }
            Event::Notice(text) => self.notice = Some((text, now)),
        }
        None
    }

    fn on_list(&mut self, list: Vec<Listed>, now: Instant) -> Option<Action> {
        let mut old = std::mem::take(&mut self.rows);
        let mut unmeasured = Vec::new();
        self.targets.clear();
        for listed in list {
            let address = listed.0;
            let mut row = Row::new(listed);
            match old.remove(&address) {
                Some(before) if before.target == row.target => row.follow(before),
                _ => unmeasured.extend(row.target),
            }
            if let Some(target) = row.target {
                self.targets.entry(target).or_default().push(address);
            }
            self.rows.insert(address, row);
        }
        let certain = self.rows.values().filter(|row| row.doubt.is_none());
        self.twins = twins(certain.map(|row| (row.address, &row.infos)));
        let lost = self.selected.and_then(|address| old.get(&address));
        let lost = lost.filter(|row| !row.is_offline).map(Row::name);
        self.connection = Connection::Live;
        self.updated = Some(now);
        self.mark(old);
        if let Some(name) = lost {
            let text = format!("{} has left the list", cut(&name, NAME_IN_NOTICE));
            self.notice = Some((text, now));
        }
        if self.selected().is_none() {
            self.behind = Page::List;
            if self.page == Page::Details {
                self.page = Page::List;
            }
        }
        (!unmeasured.is_empty()).then_some(Action::Ping(unmeasured))
    }
}
