//! Who may come: networks, slots, rates, credentials and bans. Pure.

pub mod admission;
pub mod bans;
pub mod keys;
pub mod network;
pub mod passwords;
pub mod rate_limits;
pub mod slots;
