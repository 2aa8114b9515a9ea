//! What a tracker does for those who connect to it, tried on the real program.

mod harness;
mod lifecycle;
