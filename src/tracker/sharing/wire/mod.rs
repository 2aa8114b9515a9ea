//! What trackers write into the engine, as text and back. Pure. Each file imports only from those above it.

pub mod record;
