//! Who may come: networks, slots, rates, credentials and bans. Pure.
//!
//! Each file imports only from those above it:

pub mod identity;

pub mod network;

pub mod slots;

pub mod rate_limits;

pub mod operator_input;

pub mod passwords;

pub mod keys;

pub mod bans;

pub mod admission;
