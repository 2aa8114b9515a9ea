//! The command at work: `input` is what it waits for, `announcement` what it changes, `supervisor`
//! whether the game server belongs on the lists, and `main_loop` brings them together.

mod input;

mod announcement;

mod supervisor;

mod main_loop;

pub use main_loop::announce;
