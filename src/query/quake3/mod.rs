//! The questions and answers of the Quake III family. Pure.
//!
//! In reading order: `packet` is the form of a datagram, `text` makes plain text of what is in it,
//! `infos` says which keys mean what, and `exchange` who says what when.

mod packet;

mod text;

mod infos;

mod exchange;

pub(super) use exchange::Exchange;
pub(crate) use infos::read_info;
pub use packet::{InfoString, command, question};
pub use text::text;
