//! The daemon: who may connect, who is listed, and the sessions with both.
//!
//! Each folder is read after those above it and imports only from them. [`proxy_header`] reads whose a
//! connection is that a proxy passes on. [`access`], [`list`] and [`session`] decide; they have no I/O and
//! are given the time. [`state`] has what the threads share, [`threads`] the threads that hold connections,
//! [`sharing`] the list of several trackers, [`files`] the disk, [`start`] the way up.

pub mod proxy_header;

pub mod access;

pub mod list;

pub mod session;

pub mod state;

pub mod threads;

pub mod sharing;

pub mod files;

pub mod start;

pub use crate::base::log;
pub use start::config::{
    CLIENT_PORT, Config, DEFAULT_LISTED_PER_HOST, DEFAULT_LISTED_PER_KEY, DEFAULT_MAX_SLOTS,
    GAME_SERVER_PORT, Listen, Standard,
};
pub use start::error::StartError;
pub use start::tracker::Tracker;
