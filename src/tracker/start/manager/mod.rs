//! Whoever starts the tracker: what it hands over, and what it is told.

pub(super) mod folder;

pub(super) mod systemd;
