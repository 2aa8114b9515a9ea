//! What is listed: entries, the list at one moment, what has changed. Pure. Each file imports only from those
//! above it.

pub mod entry;

pub mod snapshot;

pub mod history;

pub mod registry;
