//! The disk: what is read again, kept and published.

pub mod lock_file;
pub mod names;
pub mod outage;
pub mod publish;
pub mod reload;
pub mod state_file;
pub mod watched_file;
