//! The way up: the configuration, the limits of the system, the service manager.

pub mod config;
pub mod error;
pub mod os_limits;
pub mod serve;
pub mod systemd;
pub mod tracker;
