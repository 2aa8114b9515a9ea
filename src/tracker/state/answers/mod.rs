//! What LIST and WATCH are answered with, made once for all who ask alike.

pub(crate) mod cache;

pub(crate) mod watched;

pub(crate) mod wake;
