//! The disk: what is read again, kept and published. Each file imports only from those above it.

pub mod error;

pub mod names;

pub mod watched_file;

mod dismissal;

pub mod reload;

pub mod sealed;

pub mod state_file;

pub mod publish;
