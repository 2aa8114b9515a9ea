//! Files that others may read, write or lock meanwhile. Each file imports only from those above it.

pub(crate) mod file_stamp;

pub(crate) mod atomic_file;

pub(crate) mod lock_file;

pub(crate) mod kept_file;

pub(crate) mod outage;
