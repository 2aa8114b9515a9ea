//! The list for the rest of the world: a folder of files that any web server can serve.

mod folder;

mod servers;

mod exposition;

mod sharing;

mod metrics;

pub mod activity;

pub mod page;

mod publisher;

pub(crate) use publisher::start;
