//! The programs that join game servers.
//!
//! In reading order: `template` is a program with its arguments, and `games` the file that has one for each
//! game.

mod template;

mod games;

pub use games::Games;
pub use template::{Call, Template};
