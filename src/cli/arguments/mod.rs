//! The values of arguments.
//!
//! In reading order: `listen` is an address to listen on, `trackers` which trackers are meant,
//! `mistaken` which words are not, `targets` trackers with conditions, `announced` what a game
//! server is announced with, `login` as whom, `asked` who is asked for it, and `share` with whom a tracker has one list.

pub(crate) mod listen;

pub(crate) mod trackers;

mod mistaken;

pub(crate) mod targets;

pub(crate) mod announced;

pub(crate) mod login;

pub(crate) mod asked;

pub(crate) mod share;

pub use mistaken::check_files;
