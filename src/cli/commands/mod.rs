//! The arguments and flags of each command.

pub(crate) mod serve;

pub(crate) mod announce;

pub(crate) mod list;

pub(crate) mod browse;

pub(crate) mod bridge;
