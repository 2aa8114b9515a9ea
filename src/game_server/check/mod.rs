//! `gltracker announce --check`: why a game server is not listed.
//!
//! In reading order: `place` is where it is and where the tracker sees it, `login` what comes of logging in,
//! `reached` whether datagrams reach it; these are pure. `lists` is what players are told, by the client's
//! part of this program, which is handed in as a [`Player`]. `sight` logs in without being listed, `listing`
//! is listed for a moment, `game` asks the game once, and `run` goes through all of it.

mod place;

mod login;

mod reached;

mod lists;

mod sight;

mod listing;

mod game;

mod run;

pub use lists::Player;
pub use run::check;
