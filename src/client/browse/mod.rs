//! `gltracker browse`: the list, live, in a terminal.
//!
//! In reading order: [`exec`] is the program that joins a game server, [`favourites`] what the player
//! likes, [`keyboard`] what is pressed, [`model`] what the browser knows and what a key does to it,
//! [`view`] what of it is seen, [`terminal`] speaks to the terminal, `inbox` is where everything
//! comes in that happens, `watches` who is listened to, and `run` brings all of them together. All
//! up to `view` are pure, favourites apart.

pub mod exec;

pub mod favourites;

pub mod keyboard;

pub mod model;

pub mod view;

pub mod terminal;

mod inbox;

mod watches;

mod run;

pub use run::{Outcome, Request, browse};
