//! What std lacks and every party needs. Nothing here knows of trackers but the log, which writes their
//! refusals.
//!
//! In reading order: each file imports only what stands above it.

pub(crate) mod io_error;

pub(crate) mod time_format;

pub(crate) mod mutex;

pub(crate) mod threads;

pub(crate) mod random;

pub(crate) mod backoff;

pub(crate) mod files;

pub mod log;

pub mod interrupt;
