//! How many players and game servers there were. Pure: points in, text out, and the time is a parameter.
//!
//! - [`series`]: numbers at equal distances of time.
//! - [`count`]: what is counted on the list.
//! - [`games`]: which games are kept, and for how long.
//! - [`rows`]: the last day of each game server.
//! - [`history`]: all of it, point by point; activity.json.
//! - [`mod@format`]: the file that survives the tracker.

pub mod series;

pub mod count;

pub mod games;

pub mod rows;

pub mod history;

pub mod format;
