//! How `gltracker announce` learns what a game server is that does not say it by itself.
//!
//! In reading order: `target` is who is asked, `question` one question by a game's own protocol,
//! `command` runs a program that asks, `verdict` what comes of answers and of silence, and
//! `asker` the thread that asks again and again. `target` and `verdict` are pure.

mod target;

mod question;

mod command;

mod verdict;

mod asker;

pub(crate) use asker::{Answer, start};
pub(super) use command::RunGuard;
pub use target::{Asked, Target, Whom};
pub(crate) use verdict::Verdict;
