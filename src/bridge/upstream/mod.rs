//! The tracker's side of a bridge: it logs in whom the doors want listed, and learns the list.
//!
//! In reading order: `gate` decides how many log in at the same time, `distrusted` who tries for all that a
//! tracker without trust refuses, `verdict` what a refusal means, all pure; `dialer` connects, `link` is one
//! connection, `voice` says in the log how the tracker is, `entry` is a game server that is wanted, `links`
//! are all of them, and `listing` is the list that is learnt.

mod gate;

mod distrusted;

mod verdict;

mod dialer;

mod link;

mod voice;

mod entry;

mod links;

mod listing;

use self::links::Links;
use super::hall::Hall;
use crate::base::log::lasting;
use crate::base::threads;
use crate::client;
use crate::game_server::TrackerAddress;
use crate::game_server::session::Credential;
use std::io;
use std::sync::Arc;

/// Starts the threads, which live as long as the process.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn start(
    hall: &Hall,
    tracker: TrackerAddress,
    clients: client::TrackerAddress,
    credential: Credential,
) -> io::Result<()> {
    let (credential, theirs) = (Arc::new(credential), hall.clone());
    // After a panic all links are made anew.
    let links = move || {
        Links::new(theirs.clone(), tracker.clone(), Arc::clone(&credential)).run();
    };
    lasting::start("links", threads::STACK, &hall.log, links)?;
    listing::start(hall, clients)
}
