//! What a tracker does for those who connect to it, tried on the real program.

mod bad_input;
mod command_line;
mod documents;
mod doors;
mod harness;
mod lifecycle;
mod liveness;
mod pretend;
mod slots;
mod transcript;
mod transcripts;
