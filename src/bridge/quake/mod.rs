//! The door for the Quake family: what a master server of theirs does, by datagrams.
//!
//! In reading order: `games` says which there are, `list` is what clients ask for and are told, and `budgets`
//! bound how much that is. `challenge` makes words that come back, `response` reads what game servers say,
//! and the `register` knows whom to ask when. `master` is all of that as a state machine, and `door` has its
//! sockets. All but the last are pure.

mod games;

mod list;

mod budgets;

mod challenge;

mod response;

mod register;

mod master;

mod door;

pub use door::Door;
pub use games::Games;
pub use list::Answer;
pub use master::{Act, Event, Master, Rules};
