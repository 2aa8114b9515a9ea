//! The questions and answers of Minecraft: Java Edition, the Server List Ping. Pure.
//!
//! In reading order: `packet` is what travels, `json` reads the answer, `text` makes plain text of a
//! description, `answer` says what an answer means, and `exchange` who says what when.

mod packet;

mod json;

mod text;

mod answer;

mod exchange;

pub(super) use exchange::Exchange;
