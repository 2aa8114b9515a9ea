//! Several trackers, one list, through a Valkey or Redis that all of them reach.
//!
//! Each tracker is the owner of what is logged in to it, and says so in the engine; what the others own it
//! lists too. Each file imports only from those above it.

pub mod share;

pub mod wire;

pub mod claims;

pub mod merge;

mod marks;

mod exchange;

mod engine;

pub(crate) mod sharer;
