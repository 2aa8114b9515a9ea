//! What the browser knows, and what happens to it. Pure: events in, actions out.
//!
//! In reading order: `row` is one game server in the list, `state` what is shown and selected,
//! `liked` marks
//! favourites, `on_key` says what a key does, and `on_event` what anything else does.

mod row;

mod state;

mod liked;

mod on_key;

mod on_event;

pub use row::{Listed, Ping, Row};
pub use state::{Action, Connection, Event, Hidden, Model, Page};

#[cfg(test)]
pub(crate) mod tests;
