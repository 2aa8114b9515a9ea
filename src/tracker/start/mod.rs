//! The way up: the configuration, the limits of the system, the service manager. Each file imports only from
//! those above it.

pub mod config;

pub mod os_limits;

pub mod error;

mod manager;

mod listeners;

pub mod tracker;

mod termination;

mod guide;

pub mod serve;
