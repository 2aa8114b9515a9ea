//! What a key does. Pure.
//!
//! This file hides which key means what on which page.

use super::row::Ping;
use super::state::{Action, Connection, Model, NAME_IN_NOTICE, Page};
use crate::client::browse::keyboard::Key;
use crate::client::width::cut;
use std::time::Instant;

impl Model {
    pub(crate) fn on_key(&mut self, key: Key, now: Instant) -> Option<Action> {
        match key {
            Key::Interrupt => return Some(Action::Quit),
            Key::Redraw => return Some(Action::Redraw),
            _ => {}
        }
        self.notice = None;
        self.settle();
        match self.page {
            Page::List => self.on_list_key(key, now),
            Page::Search => {
                self.on_search_key(key);
                None
            }
            Page::Details => match key {
                Key::Enter | Key::Char('c' | 'f' | '?') => self.on_list_key(key, now),
                _ => self.on_page_key(key),
            },
            Page::Help => self.on_page_key(key),
        }
    }

    fn on_list_key(&mut self, key: Key, now: Instant) -> Option<Action> {
        match key {
            Key::Up | Key::Char('k') => self.choose(self.place.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.choose(self.place + 1),
            Key::PageUp => self.choose(self.place.saturating_sub(self.room())),
            Key::PageDown => self.choose(self.place + self.room()),
            Key::Home => self.choose(0),
            Key::End => self.choose(usize::MAX),
            Key::Enter => {
                self.choose_selected();
                let row = self.selected()?;
                if let Some(doubt) = row.doubt.filter(|doubt| !doubt.may_be_used()) {
                    self.notice = Some((format!("not joined: {}", doubt.text()), now));
                    return None;
                }
                return Some(Action::Join(row.address, row.infos.clone()));
            }
            Key::Char('i') if self.selected().is_some() => {
                self.choose_selected();
                self.open(Page::Details);
            }
            Key::Char('?') => self.open(Page::Help),
            Key::Char('/') => {
                self.page = Page::Search;
                self.before_search = self.selected.filter(|_| self.has_chosen);
            }
            Key::Char('f') => {
                self.choose_selected();
                let row = self.selected()?;
                let (address, name) = (row.address, row.name());
                let what = match self.like(address) {
                    true => "is a favourite now",
                    false => "is no favourite any more",
                };
                self.notice = Some((format!("{} {what}", cut(&name, NAME_IN_NOTICE)), now));
                if self.selected().is_none() && self.page == Page::Details {
                    self.page = Page::List;
                }
                return Some(Action::SaveFavourites);
            }
            Key::Char('F') => {
                self.hidden.others = !self.hidden.others;
                let text = match (
                    self.hidden.others,
                    self.rows.values().any(|row| row.favourite),
                ) {
                    (false, _) => "all are shown, not only favourites",
                    (true, true) => "only favourites are shown; F shows all",
                    (true, false) => "there is no favourite yet: F shows all, and f makes one",
                };
                self.notice = Some((text.to_owned(), now));
            }
            Key::Char('*') => {
                self.favourites_first = !self.favourites_first;
                self.say_order(now);
            }
            Key::Char('o') => {
                let mut orders = self.orders();
                let at = orders.iter().position(|order| *order == self.sort);
                let next = at.map_or(0, |at| (at + 1) % orders.len());
                self.sort = orders.swap_remove(next);
                self.reversed = false;
                self.say_order(now);
            }
            Key::Char('O') => {
                self.reversed = !self.reversed;
                self.say_order(now);
            }
            Key::Char('n') => self.hidden.empty = !self.hidden.empty,
            Key::Char('u') => self.hidden.full = !self.hidden.full,
            Key::Char('v') if self.game_version.is_none() => {
                let text = "start with --game-version to compare versions".to_owned();
                self.notice = Some((text, now));
            }
            Key::Char('v') => self.hidden.other_versions = !self.hidden.other_versions,
            Key::Char('r') => {
                self.rows
                    .values_mut()
                    .for_each(|row| row.ping = Ping::Waiting);
                self.arrange();
                if matches!(self.connection, Connection::Lost { .. }) {
                    self.connection = Connection::Connecting;
                }
                let all = self.rows.values().filter_map(|row| row.target);
                return Some(Action::Refresh(all.collect()));
            }
            Key::Char('c') => {
                self.choose_selected();
                let address = self.selected()?.address.to_string();
                self.notice = Some((format!("copied {address}"), now));
                return Some(Action::Copy(address));
            }
            Key::Escape if !self.search.is_empty() => self.search.clear(),
            Key::Escape | Key::Char('q') => return Some(Action::Quit),
            _ => return None,
        }
        self.arrange();
        None
    }

    fn on_search_key(&mut self, key: Key) {
        match key {
            Key::Char(character) => self.search.push(character),
            Key::Backspace => drop(self.search.pop()),
            Key::Escape => {
                self.search.clear();
                self.page = Page::List;
            }
            Key::Enter => {
                self.choose_selected();
                self.page = Page::List;
                return;
            }
            Key::Up | Key::Down => {
                let (up, down) = (self.place.saturating_sub(1), self.place + 1);
                self.choose(if key == Key::Up { up } else { down });
                self.before_search = self.selected;
                return;
            }
            _ => return,
        }
        // Select what was chosen before if the search finds it, else the first.
        self.has_chosen = self.before_search.is_some();
        self.selected = self.before_search;
        self.place = 0;
        self.arrange();
    }

    /// Names the order: its column may be one that there is no room for.
    fn say_order(&mut self, now: Instant) {
        let back = if self.reversed {
            ", the other way round"
        } else {
            ""
        };
        let first = match self.favourites_first {
            true => "favourites first, then ",
            false => "",
        };
        let text = format!("{first}in the order of {}{back}", self.sort.name());
        self.notice = Some((text, now));
    }

    /// What keys do on a page of text.
    fn on_page_key(&mut self, key: Key) -> Option<Action> {
        match key {
            Key::Up | Key::Char('k') => self.scrolled = self.scrolled.saturating_sub(1),
            Key::Down | Key::Char('j') => self.scrolled = self.scrolled.saturating_add(1),
            Key::PageUp => self.scrolled = self.scrolled.saturating_sub(self.room()),
            Key::PageDown => self.scrolled = self.scrolled.saturating_add(self.room()),
            Key::Home => self.scrolled = 0,
            Key::End => self.scrolled = usize::MAX,
            Key::Escape | Key::Char('q' | 'i' | '?') => {
                (self.page, self.behind) = (self.behind, Page::List);
                self.scrolled = 0;
            }
            _ => {}
        }
        None
    }

    fn open(&mut self, page: Page) {
        (self.behind, self.page) = (self.page, page);
        self.scrolled = 0;
    }

    /// Counts what is selected as chosen, since the player does something to it.
    fn choose_selected(&mut self) {
        self.has_chosen |= self.selected.is_some();
    }

    fn choose(&mut self, place: usize) {
        self.has_chosen = true;
        self.go_to(place);
    }
}
