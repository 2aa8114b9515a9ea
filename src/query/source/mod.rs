//! The questions and answers of the Source family: A2S_INFO. Pure.
//!
//! In reading order: `parts` puts split answers together, `info` says what an answer means, and
//! `exchange` who says what when.

mod parts;

mod info;

mod exchange;

pub(super) use exchange::Exchange;
