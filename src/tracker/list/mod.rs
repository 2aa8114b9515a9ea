//! What is listed: entries, the list at one moment, what has changed. Pure.

pub mod entry;
pub mod history;
pub mod registry;
pub mod snapshot;
