//! `gltracker browse`: the list, live, in a terminal.
//!
//! In reading order: [`favourites`] is a file, [`exec`] are the programs that join game servers,
//! [`keyboard`] the keys; [`model`] is what the browser knows and what a key does to it, [`view`]
//! draws it as lines, [`terminal`] writes them; `inbox` is the queue of everything that happens,
//! `watches` merges the lists of several trackers, and `run` is the main loop. All up to `view`
//! are pure, favourites and the file of games apart.

pub mod favourites;

pub mod exec;

pub mod keyboard;

pub mod model;

pub mod view;

pub mod terminal;

mod inbox;

mod watches;

mod run;

pub use run::{Outcome, Request, browse};
